//! Budgets of tokens, streams included: what a call may need is reserved before it, and what it used counts after it.
#![cfg(test)]

use std::fs;
use std::io::Read;
use std::net::Shutdown;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};
use testkit::{Appliance, Peer, Request, cap_file, obey, until};

/// How long a test waits for what must come.
const PATIENCE: Duration = Duration::from_secs(20);
/// The tokens that the client of these tests has for one day.
const BUDGET: u64 = 1000;
/// The tokens that a call asks for, and those that it then uses.
const ASKED: u64 = 100;
const USED: u64 = 60;

/// An appliance with a model that streams, and a client with a budget. The number is that of the tokens that the model has used.
fn appliance() -> (Appliance, String, Arc<AtomicU64>, Peer) {
    let appliance = Appliance::new().start();
    let used = Arc::new(AtomicU64::new(0));
    let counted = used.clone();
    let mut caps = cap_file("model", &["model"]);
    caps["capabilities"][0]["spends"] = json!([
        { "budget": "llm_tokens", "reserve": { "number": "max_tokens" }, "used": "/usage/total_tokens" }
    ]);
    let peer = appliance.old_peer("model", &caps, move |frame| {
        let message: Value = serde_json::from_slice(frame).unwrap();
        let id = message.get("id")?;
        let arguments = &message["params"]["arguments"];
        let mut frames = Vec::new();
        let token = &message["params"]["_meta"]["progressToken"];
        if !token.is_null() {
            let params = json!({ "progressToken": token, "progress": 1 });
            let step =
                json!({ "jsonrpc": "2.0", "method": "notifications/progress", "params": params });
            frames.extend([step.to_string().into_bytes(), vec![0]].concat());
        }
        if arguments["hang"] != true {
            counted.fetch_add(USED, Ordering::SeqCst);
            let result = json!({ "resultType": "complete", "content": [], "isError": false,
                "structuredContent": { "usage": { "total_tokens": USED } } });
            let reply = json!({ "jsonrpc": "2.0", "id": id, "result": result });
            frames.extend([reply.to_string().into_bytes(), vec![0]].concat());
        }
        Some(frames)
    });
    let key = appliance.client("host", &["*"]);
    appliance.give("host", &format!("budgets: {{llm_tokens: {BUDGET}}}"));
    until("the model", PATIENCE, || appliance.tools().contains(&"model".to_owned()).then_some(()));
    (appliance, key, used, peer)
}

fn request(port: u16, key: &str, arguments: &Value, stream: bool) -> Request {
    let meta = if stream { json!({ "progressToken": "t" }) } else { json!({}) };
    let params = json!({ "name": "model", "arguments": arguments, "_meta": meta });
    Request::new(port, key).modern("tools/call", &params)
}

/// The error of an answer, if it is one. An answer that may be a stream is read to its end.
fn error(request: &Request) -> Option<i64> {
    let mut text = String::new();
    request.stream().read_to_string(&mut text).unwrap();
    // A stream of events holds its messages as lines of data.
    let last = text.lines().filter_map(|line| line.strip_prefix("data: ")).next_back();
    let body = || text.split_once("\r\n\r\n").unwrap().1;
    let message: Value = serde_json::from_str(last.unwrap_or_else(body)).unwrap();
    message["error"]["code"].as_i64()
}

#[test]
fn a_budget_of_tokens_is_never_exceeded_by_streams_that_race() {
    let (appliance, key, used, _peer) = appliance();
    let start = Arc::new(Barrier::new(16));
    let calls: Vec<_> = (0..16)
        .map(|at| {
            let (start, port, key) = (start.clone(), appliance.port(), key.clone());
            thread::spawn(move || {
                start.wait();
                let ask = |_| {
                    let asked = request(port, &key, &json!({ "max_tokens": ASKED }), at % 2 == 0);
                    error(&asked)
                };
                (0..3).map(ask).collect::<Vec<_>>()
            })
        })
        .collect();
    let answers: Vec<_> = calls.into_iter().flat_map(|call| call.join().unwrap()).collect();
    let used = used.load(Ordering::SeqCst);
    assert!(used <= BUDGET && used > BUDGET - ASKED - USED, "{used}");
    let refused = answers.iter().flatten();
    assert!(refused.clone().count() > 20 && refused.clone().all(|code| *code == -31402));
    let left = BUDGET - used;
    let ask = |tokens: u64| {
        let asked = request(appliance.port(), &key, &json!({ "max_tokens": tokens }), true);
        error(&asked)
    };
    assert_eq!(ask(left + 1), Some(-31402), "{left} are left");
    assert_eq!(ask(left), None, "and all of them can be asked for");
}

#[test]
fn a_stream_that_is_cut_off_has_used_all_that_it_had_reserved() {
    let (appliance, key, _, _peer) = appliance();
    let arguments = json!({ "max_tokens": 900, "hang": true });
    let mut stream = request(appliance.port(), &key, &arguments, true).stream();
    let mut seen = String::new();
    until("the stream", PATIENCE, || {
        let mut chunk = [0; 4096];
        let length = stream.read(&mut chunk).unwrap();
        seen += &String::from_utf8_lossy(&chunk[..length]);
        seen.contains("notifications/progress").then_some(())
    });
    stream.shutdown(Shutdown::Both).unwrap();
    let rows = until("the record", PATIENCE, || {
        let found = appliance.administer(&["audit", "search", "--json", "--outcome", "given_up"]);
        (!found.is_empty()).then_some(found)
    });
    assert!(rows.contains("mcp.model.model"), "{rows}");
    let ask = |tokens: u64| {
        let asked = request(appliance.port(), &key, &json!({ "max_tokens": tokens }), false);
        error(&asked)
    };
    assert_eq!(ask(101), Some(-31402));
    assert_eq!(ask(100), None);
}

#[test]
fn one_call_may_not_ask_for_more_than_the_licence_allows() {
    let (appliance, key, used, _peer) = appliance();
    let ask = |arguments: &Value| error(&request(appliance.port(), &key, arguments, false));
    assert_eq!(ask(&json!({ "max_tokens": 16_385 })), Some(-31402));
    assert_eq!(ask(&json!({ "max_tokens": "many" })), Some(-32602));
    assert_eq!(ask(&json!({ "max_tokens": -1 })), Some(-32602));
    appliance.set_tier("FREE");
    assert_eq!(
        ask(&json!({ "max_tokens": 1 })),
        Some(-31407),
        "without the model there are no tokens either"
    );
    assert_eq!(used.load(Ordering::SeqCst), 0);
}

#[test]
fn a_licence_without_the_model_gives_none_whatever_else_it_allows() {
    let (appliance, key, used, _peer) = appliance();
    let ask = |arguments: &Value| error(&request(appliance.port(), &key, arguments, false));
    let some = json!({ "max_tokens": 1 });
    let of = |model: &str| json!({ "max_tokens": 1, "model": model });
    let tiers = |llm: &str| {
        let before = appliance.rules();
        let text =
            format!("ELITE:\n  allowed_capabilities: ['*']\n  rate_limit_requests: 0\n{llm}");
        fs::write(appliance.state().join("config/licence_tiers.yaml"), text).unwrap();
        until("the tiers", PATIENCE, || (appliance.rules() > before).then_some(()));
    };
    tiers("  llm_access: false\n");
    assert_eq!((ask(&some), ask(&of("small"))), (Some(-31407), Some(-31407)));
    assert_eq!(ask(&json!({})), Some(-31407), "and not for a call that does not say how much");
    tiers("  llm_access: true\n  allowed_llm_models: [small]\n  max_llm_tokens_per_request: 10\n");
    assert_eq!((ask(&of("small")), ask(&of("large"))), (None, Some(-31407)));
    assert_eq!(ask(&some), Some(-32602), "which one must be said where not all are there");
    assert_eq!(used.load(Ordering::SeqCst), USED);
}

/// A server whose JSON takes the last of two members, as most do.
#[test]
fn a_budget_is_not_passed_by_saying_a_thing_twice() {
    let appliance = Appliance::new().start();
    let sent = Arc::new(AtomicU64::new(0));
    let counted = sent.clone();
    let mut caps = cap_file("post", &["post"]);
    caps["capabilities"][0]["spends"] =
        json!([{ "budget": "mails_sent", "reserve": { "items_of": "to" } }]);
    let _peer = appliance.old_peer("post", &caps, move |frame| {
        let message: Value = serde_json::from_slice(frame).unwrap();
        let to = message["params"]["arguments"]["to"].as_array().map_or(0, Vec::len);
        counted.fetch_add(to as u64, Ordering::SeqCst);
        obey(frame)
    });
    let key = appliance.client("host", &["*"]);
    appliance.give("host", "budgets: {mails_sent: 1}");
    until("the server", PATIENCE, || appliance.tools().contains(&"post".to_owned()).then_some(()));
    let code = |arguments: &str| {
        let call =
            r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"post","arguments":"#;
        let request = Request::new(appliance.port(), &key).body(format!("{call}{arguments}}}}}"));
        request.send().json()["error"]["code"].as_i64()
    };
    for twice in [r#"{"to":[],"to":["a","b"]}"#, r#"{"to":[],"\u0074o":["a","b"]}"#] {
        assert_eq!(code(twice), Some(-32602), "{twice}");
    }
    assert_eq!(sent.load(Ordering::SeqCst), 0);
    assert_eq!(code(r#"{"to":["a","b"]}"#), Some(-31402));
    assert_eq!(code(r#"{"to":["a"]}"#), None);
    assert_eq!(sent.load(Ordering::SeqCst), 1, "what is said once is done");
}
