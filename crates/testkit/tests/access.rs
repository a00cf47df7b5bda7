//! Who may ask, how often and for how much, and what is recorded of it, as owners and hosts rely on it.
#![cfg(test)]

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::{Duration, SystemTime};

use gateway::limits::FREE_WRONG_KEYS;
use serde_json::{Value, json};
use testkit::{Appliance, Door, End, Request, Response, ShowKey, WebSocket, until};

/// How long a test waits for what must come.
const PATIENCE: Duration = Duration::from_secs(20);

fn write(path: &str, content: &str) -> Value {
    json!({ "name": "fs_write", "arguments": { "path": path, "content": content } })
}

fn call(appliance: &Appliance, key: &str, params: &Value) -> Response {
    Request::new(appliance.port(), key).modern("tools/call", params).send()
}

#[test]
fn a_key_that_is_revoked_is_good_no_more_for_anybody_who_has_it() {
    let appliance = Appliance::new().start();
    let key = appliance.client("host", &["*"]);
    let mut socket = WebSocket::open(appliance.port(), ShowKey::Header(&key)).unwrap();
    let hello = json!({ "jsonrpc": "2.0", "id": 1, "method": "mcp.hello", "params": [] });
    assert!(socket.ask(&hello)["result"].is_array());
    let mut other = appliance.websocket();
    let params = json!({ "notifications": { "toolsListChanged": true } });
    let request = Request::new(appliance.port(), &key).modern("subscriptions/listen", &params);
    let mut stream = BufReader::new(request.stream());
    let mut line = String::new();
    while !line.contains("acknowledged") {
        line.clear();
        assert_ne!(stream.read_line(&mut line).unwrap(), 0, "the stream has not begun");
    }
    appliance.administer(&["client", "revoke", "host"]);
    assert_eq!(socket.closed(), Some(1008));
    let mut rest = String::new();
    stream.read_to_string(&mut rest).unwrap();
    assert!(rest.contains("-31401"), "{rest}");
    assert_eq!(appliance.status_of(&key), 401);
    assert!(other.ask(&hello)["result"].is_array(), "nobody else is troubled");
}

#[test]
fn a_key_that_was_changed_is_the_only_one() {
    let appliance = Appliance::new().start();
    let old = appliance.client("host", &["*"]);
    let new = appliance.administer(&["client", "rotate", "host"]);
    until("the new key", PATIENCE, || (appliance.status_of(&new) == 200).then_some(()));
    assert_eq!(appliance.status_of(&old), 401);
    let list = appliance.administer(&["client", "list", "--json"]);
    for key in [old, new] {
        assert!(!list.contains(&key) && !appliance.log("gateway").contains(&key));
        let file = fs::read_to_string(appliance.state().join("config/clients.yaml")).unwrap();
        assert!(!file.contains(&key));
    }
}

#[test]
fn a_code_is_worth_a_key_once() {
    let appliance = Appliance::new().start();
    let code = appliance.administer(&["pair", "laptop", "--scope", "mcp.fs.*"]);
    let post = |code: &str| {
        let body = json!({ "code": code }).to_string();
        appliance.request().without("Authorization").target("/pair").body(body).send()
    };
    assert_eq!(post("0000-0000").status, 403);
    let paired = until("the code to be known", PATIENCE, || {
        let response = post(&code.to_lowercase());
        (response.status == 200).then(|| response.json())
    });
    let key = paired["key"].as_str().unwrap();
    assert_eq!((paired["client"].as_str(), appliance.status_of(key)), (Some("laptop"), 200));
    assert_eq!(post(&code).status, 403, "it is good once");
    let tools = Request::new(appliance.port(), key).modern("tools/list", &json!({})).send();
    assert_eq!(
        tools.json()["result"]["tools"].as_array().unwrap().len(),
        24,
        "those of the file server, and `approval_status`"
    );
    let paired = until("the end of the pairing", PATIENCE, || {
        let rows = appliance.audit(&["--client", "laptop", "--kind", "outcome"]);
        rows.into_iter().next()
    });
    assert_eq!((paired["what"].as_str(), paired["outcome"].as_str()), (Some("pair"), Some("ok")));
}

#[test]
fn wrong_keys_are_answered_more_and_more_slowly_and_a_good_one_at_once() {
    let appliance = Appliance::new().start();
    for _ in 0..FREE_WRONG_KEYS {
        assert_eq!(appliance.status_of("llmb_wrong"), 401);
    }
    let request = Request::new(appliance.port(), "llmb_wrong").legacy("ping", &json!({}));
    let refused = request.send();
    assert_eq!((refused.status, refused.header("retry-after")), (429, Some("1")));
    assert_eq!(appliance.status_of(&appliance.facts().key), 200);
    let without = appliance.request().without("Authorization").legacy("ping", &json!({})).send();
    assert_eq!(without.status, 401, "who shows none has guessed nothing");
    assert_eq!(without.header("www-authenticate"), Some("Bearer realm=\"llmbasedos\""));
}

#[test]
fn a_rate_is_exact_however_many_ask_at_once() {
    let appliance = Appliance::new().start();
    let key = appliance.client("host", &["*"]);
    appliance.give("host", "rate: {requests: 50, window_seconds: 3600}");
    let start = Arc::new(Barrier::new(32));
    let calls: Vec<_> = (0..32)
        .map(|_| {
            let (start, port, key) = (start.clone(), appliance.port(), key.clone());
            thread::spawn(move || {
                start.wait();
                let list = json!({ "name": "fs_list", "arguments": { "path": "/" } });
                let ask = || Request::new(port, &key).modern("tools/call", &list).send();
                (0..4).map(|_| ask()).collect::<Vec<_>>()
            })
        })
        .collect();
    let answers: Vec<Response> = calls.into_iter().flat_map(|call| call.join().unwrap()).collect();
    assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 50);
    let refused = answers.iter().find(|answer| answer.status == 429).unwrap();
    let wait: u64 = refused.header("retry-after").unwrap().parse().unwrap();
    assert!((60..=72).contains(&wait), "{wait}");
    assert_eq!(refused.json()["error"]["code"], -31429);
    // The same for whoever speaks the legacy dialect.
    let mut socket = WebSocket::open(appliance.port(), ShowKey::Header(&key)).unwrap();
    let reply =
        socket.ask(&json!({ "jsonrpc": "2.0", "id": 1, "method": "mcp.hello", "params": [] }));
    assert_eq!(reply["error"]["code"], -32001);
}

#[test]
fn a_budget_is_never_exceeded_and_counts_what_was_used() {
    let appliance = Appliance::new().start();
    let key = appliance.client("host", &["*"]);
    appliance.give("host", "budgets: {bytes_written: 1000}");
    let start = Arc::new(Barrier::new(16));
    let calls: Vec<_> = (0..16)
        .map(|at| {
            let (start, port, key) = (start.clone(), appliance.port(), key.clone());
            thread::spawn(move || {
                start.wait();
                let params = write(&format!("/{at}.txt"), &"x".repeat(150));
                Request::new(port, &key).modern("tools/call", &params).send().json()
            })
        })
        .collect();
    let replies: Vec<Value> = calls.into_iter().map(|call| call.join().unwrap()).collect();
    let written = fs::read_dir(appliance.root()).unwrap().count();
    assert_eq!(written, 6, "six times 150 bytes are 900");
    let refused = replies.iter().find(|reply| reply.get("error").is_some()).unwrap();
    assert_eq!(refused["error"]["code"], -31402);
    assert_eq!(refused["error"]["data"]["limit"], 1000);
    // What base64 writes is less than its text, and only what was written counts.
    let base64 = json!({ "name": "fs_write", "arguments":
        { "path": "/b.bin", "content": "eA==", "encoding": "base64" } });
    assert!(call(&appliance, &key, &base64).json().get("result").is_some());
    let rest = call(&appliance, &key, &write("/rest.txt", &"x".repeat(99))).json();
    assert!(rest.get("result").is_some(), "900, 1 and 99 are 1000: {rest}");
    assert!(call(&appliance, &key, &write("/more.txt", "x")).json().get("error").is_some());
}

#[test]
fn a_gateway_that_is_killed_gives_nobody_a_second_share() {
    let window = Duration::from_hours(1);
    let mut appliance = Appliance::new().start();
    let (often, much) = (appliance.client("often", &["*"]), appliance.client("much", &["*"]));
    let rate = format!("rate: {{requests: 4, window_seconds: {}}}", window.as_secs());
    appliance.give("often", &rate);
    appliance.give("much", "budgets: {bytes_written: 10}");
    let status = |appliance: &Appliance| call(appliance, &often, &write("/often.txt", "")).status;
    assert_eq!([(); 5].map(|()| status(&appliance)), [200, 200, 200, 200, 429]);
    // How often somebody has asked is on the disk a moment later.
    let file = appliance.state().join("gateway/quota.db");
    let quota = store::rusqlite::Connection::open(file).unwrap();
    let whole_at = "SELECT whole_at FROM rates WHERE client = 'often' AND tool = '*'";
    until("all four uses on the disk", PATIENCE, || {
        let whole_at = quota.query_row(whole_at, [], |row| row.get::<_, i64>(0)).ok()?;
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
        let used = Duration::from_nanos(whole_at.unsigned_abs()).saturating_sub(now);
        (used > window * 7 / 8).then_some(())
    });
    // What is to be used of a budget is there before it is.
    assert!(call(&appliance, &much, &write("/much.txt", "012345678")).json()["error"].is_null());
    appliance.kill("gateway");
    until("another gateway", PATIENCE, || {
        appliance.tend();
        let begun = appliance.audit(&["--kind", "start"]).len();
        let lives = appliance.request().method("GET").target("/healthz").try_send();
        lives.filter(|_| begun == 2)
    });
    assert_eq!(status(&appliance), 429);
    let code = |text: &str| {
        call(&appliance, &much, &write("/much.txt", text)).json()["error"]["code"].as_i64()
    };
    assert_eq!((code("01"), code("0"), code("0")), (Some(-31402), None, Some(-31402)));
}

#[test]
fn a_file_that_is_broken_leaves_in_force_what_was_before_it() {
    let appliance = Appliance::new().start();
    let config = appliance.state().join("config");
    let ready = || appliance.request().method("GET").target("/readyz").send().json();
    assert_eq!(ready()["refused"], json!([]));
    for (file, name, text, line) in [
        ("clients", "clients.yaml", "clients:\n- name: a b\n", 2),
        ("tiers", "licence_tiers.yaml", "FREE:\n  rate: 1\n", 2),
        ("licence", "lic.key", "licence: x\nsignature: [\n", 2),
        ("issuers", "licence_issuers.yaml", "- nobody\n", 1),
    ] {
        let path = config.join(name);
        let before = fs::read(&path).ok();
        fs::write(&path, text).unwrap();
        let refused = until("the file to be refused", PATIENCE, || {
            ready()["refused"].as_array().unwrap().first().cloned()
        });
        assert_eq!((refused["file"].as_str(), refused["line"].as_u64()), (Some(file), Some(line)));
        assert!(!refused.to_string().contains(config.to_str().unwrap()), "no path: {refused}");
        assert_eq!(appliance.status_of(&appliance.facts().key), 200);
        assert_eq!(appliance.licence()["tier"], "ELITE");
        match before {
            Some(before) => fs::write(&path, before).unwrap(),
            None => fs::remove_file(&path).unwrap(),
        }
        until("the file to be right again", PATIENCE, || {
            (ready()["refused"] == json!([])).then_some(())
        });
    }
    until("the record of all four", PATIENCE, || {
        let rows = appliance.audit(&["--kind", "admin", "--outcome", "refused"]);
        (rows.len() == 4).then_some(())
    });
}

#[test]
fn a_licence_that_was_edited_is_refused_and_the_good_one_stays() {
    let appliance = Appliance::new().start();
    assert_eq!(appliance.licence()["tier"], "ELITE");
    let path = appliance.state().join("config/lic.key");
    let text = fs::read_to_string(&path).unwrap();
    let signature = text.find("signature: ").unwrap() + "signature: ".len();
    let mut edited = text.clone();
    let other = if edited.as_bytes()[signature] == b'A' { "B" } else { "A" };
    edited.replace_range(signature..=signature, other);
    let refused = || {
        let ready = appliance.request().method("GET").target("/readyz").send().json();
        ready["refused"].as_array().unwrap().first().cloned()
    };
    for broken in [edited.as_str(), ""] {
        fs::write(&path, broken).unwrap();
        let refused = until("the licence to be refused", PATIENCE, refused);
        assert_eq!(refused["file"], "licence", "{refused}");
        assert_eq!(appliance.licence()["tier"], "ELITE");
        assert!(!appliance.admin(&["licence", "check"]).status.success() || broken.is_empty());
        fs::write(&path, &text).unwrap();
        until("it to be right again", PATIENCE, || (refused_now(&appliance) == 0).then_some(()));
    }
    // What its owner takes away is not in force.
    fs::remove_file(&path).unwrap();
    until("the licence", PATIENCE, || (appliance.licence()["tier"] == "FREE").then_some(()));
}

/// How many files are refused.
fn refused_now(appliance: &Appliance) -> usize {
    let ready = appliance.request().method("GET").target("/readyz").send().json();
    ready["refused"].as_array().unwrap().len()
}

#[test]
fn what_is_done_is_recorded_before_and_after_and_whole() {
    let appliance = Appliance::new().file("a.txt", "a").start();
    let key = appliance.client("host", &["mcp.fs.*"]);
    let written = call(&appliance, &key, &write("/b.txt", "canary of a diary"));
    let request = written.header("x-request-id").unwrap().to_owned();
    appliance.call("fs_read", &json!({ "path": "/a.txt" }));
    let mut local = appliance.local(End::Nul);
    local.ask(&json!({ "jsonrpc": "2.0", "id": 1, "method": "mcp.fs.list", "params": ["/"] }));
    let of = |rows: &[Value]| -> Vec<(String, String, String)> {
        let word = |row: &Value, name: &str| row[name].as_str().unwrap_or_default().to_owned();
        rows.iter()
            .map(|row| (word(row, "kind"), word(row, "what"), word(row, "outcome")))
            .collect()
    };
    let triple = |kind: &str, what: &str, outcome: &str| {
        (kind.to_owned(), what.to_owned(), outcome.to_owned())
    };
    let rows = until("the outcome", PATIENCE, || {
        Some(appliance.audit(&["--request", &request])).filter(|rows| rows.len() == 2)
    });
    assert_eq!(
        of(&rows),
        [triple("intent", "mcp.fs.write", ""), triple("outcome", "mcp.fs.write", "ok")]
    );
    assert_eq!(rows[1]["refers"], rows[0]["seq"]);
    let arguments = rows[0]["arguments"].as_str().unwrap();
    assert!(arguments.contains("/b.txt") && !arguments.contains("canary"), "{arguments}");
    let reads = until("the reads", PATIENCE, || {
        Some(appliance.audit(&["--kind", "read", "--tool", "mcp.fs.*"]))
            .filter(|rows| rows.len() == 2)
    });
    assert_eq!(
        of(&reads),
        [triple("read", "mcp.fs.read", "ok"), triple("read", "mcp.fs.list", "ok")]
    );
    assert_eq!(
        (reads[1]["client"].as_str(), reads[1]["origin"].as_str()),
        (Some("local"), Some("local"))
    );
    assert!(appliance.administer(&["audit", "verify"]).starts_with("whole: "));
    assert!(appliance.administer(&["audit", "tail", "-n", "3"]).contains("mcp.fs.list"));
    let csv = appliance.administer(&["audit", "export", "--format", "csv"]);
    assert!(csv.starts_with("seq,at,kind"), "{csv}");
}

#[test]
fn what_cannot_be_recorded_is_not_done() {
    let appliance = Appliance::new().start();
    let file = appliance.state().join("gateway/audit.db");
    let log = store::rusqlite::Connection::open(file).unwrap();
    log.execute_batch("DROP TABLE head").unwrap();
    let reply = appliance.call("fs_write", &json!({ "path": "/b.txt", "content": "b" }));
    assert_eq!(reply["error"]["code"], -31503, "{reply}");
    assert_eq!(fs::read_dir(appliance.root()).unwrap().count(), 0);
    let ready = appliance.request().method("GET").target("/readyz").send();
    assert_eq!((ready.status, ready.json()["audit"].as_str()), (503, Some("closed")));
    let reply = appliance.call("fs_list", &json!({ "path": "/" }));
    assert_eq!(reply["error"]["code"], -31503, "{reply}");
}
