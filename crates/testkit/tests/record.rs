//! What an attacker who has a key, or none, tries so that the record does not tell of it; and what is counted of what failed.
#![cfg(test)]

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

use gateway::limits::{FREE_WRONG_KEYS, REFUSALS_AT_ONCE};
use serde_json::{Value, json};
use testkit::{Appliance, Door, End, Request, Response, until};

/// How long a test waits for what must come.
const PATIENCE: Duration = Duration::from_secs(20);

fn request(appliance: &Appliance, key: &str, tool: &str, arguments: &Value) -> Request {
    let params = json!({ "name": tool, "arguments": arguments });
    Request::new(appliance.port(), key).modern("tools/call", &params)
}

fn call(appliance: &Appliance, key: &str, tool: &str, arguments: &Value) -> Response {
    request(appliance, key, tool, arguments).send()
}

#[test]
fn a_refusal_is_on_the_disk_before_it_is_answered() {
    for _ in 0..3 {
        let appliance = Appliance::new().file("a.txt", "a").start();
        let key = appliance.client("host", &["mcp.fs.list"]);
        let reply = call(&appliance, &key, "fs_read", &json!({ "path": "/a.txt" }));
        appliance.kill("gateway");
        assert_eq!(reply.json()["error"]["code"], -31407);
        let refused = appliance.audit(&["--kind", "refusal", "--client", "host"]);
        let arguments = refused.first().map(|row| row["arguments"].as_str().unwrap());
        assert_eq!(arguments, Some(r#"{"path":"/a.txt"}"#));
    }
}

#[test]
fn every_intent_has_an_outcome_also_of_clients_that_hang_up() {
    let appliance = Appliance::new().start();
    let key = appliance.client("host", &["*"]);
    for at in 0..300_u64 {
        let arguments = json!({ "path": format!("/{at}.txt"), "content": "x" });
        let bytes = request(&appliance, &key, "fs_write", &arguments).bytes();
        let mut stream = TcpStream::connect(("127.0.0.1", appliance.port())).unwrap();
        stream.write_all(&bytes).unwrap();
        // From at once to some milliseconds later, before and after the record is on the disk.
        stream.set_read_timeout(Some(Duration::from_micros(1 + at * 20))).unwrap();
        stream.read_exact(&mut [0; 1]).ok();
        stream.shutdown(Shutdown::Both).ok();
    }
    let seqs = |kind: &str, member: &str| -> BTreeSet<u64> {
        let rows = appliance.audit(&["--kind", kind, "--tool", "mcp.fs.write"]);
        rows.iter().map(|row| row[member].as_u64().unwrap()).collect()
    };
    until("every outcome", PATIENCE, || {
        let intents = seqs("intent", "seq");
        (!intents.is_empty() && intents == seqs("outcome", "refers")).then_some(())
    });
    // What was not made has done nothing, and what was made is told so.
    let rows = appliance.audit(&["--kind", "outcome", "--outcome", "not_made"]);
    let not_made: BTreeSet<u64> = rows.iter().map(|row| row["refers"].as_u64().unwrap()).collect();
    for row in appliance.audit(&["--kind", "intent"]) {
        let arguments: Value = serde_json::from_str(row["arguments"].as_str().unwrap()).unwrap();
        let path =
            appliance.root().join(arguments["path"].as_str().unwrap().trim_start_matches('/'));
        let made = !not_made.contains(&row["seq"].as_u64().unwrap());
        assert!(made || !path.is_file(), "{row}");
    }
}

#[test]
fn whoever_is_refused_again_and_again_does_not_push_others_out_of_the_record() {
    const TRIES: u64 = 400;
    let appliance = Appliance::new().start();
    let key = appliance.client("host", &["mcp.fs.list"]);
    let wait = request(&appliance, &key, "fs_delete", &json!({ "path": "/a.txt" })).bytes();
    for _ in 0..TRIES {
        let mut stream = TcpStream::connect(("127.0.0.1", appliance.port())).unwrap();
        stream.write_all(&wait).unwrap();
        let mut head = [0; 12];
        stream.read_exact(&mut head).unwrap();
    }
    let rows = || appliance.audit(&["--kind", "refusal", "--client", "host"]);
    let told = until("the number of the others", PATIENCE, || {
        let rows = rows();
        let own = rows.iter().filter(|row| row["what"] == "mcp.fs.delete").count() as u64;
        let untold = rows.iter().filter(|row| row["what"] == "refusals").map(|row| {
            let arguments: Value =
                serde_json::from_str(row["arguments"].as_str().unwrap()).unwrap();
            arguments["untold"].as_u64().unwrap()
        });
        (own + untold.sum::<u64>() == TRIES).then_some(own)
    });
    let at_most = u64::from(REFUSALS_AT_ONCE) + PATIENCE.as_secs();
    assert!((u64::from(REFUSALS_AT_ONCE)..=at_most).contains(&told), "{told}");
}

#[test]
fn what_is_asked_for_in_vain_is_recorded_at_every_door() {
    let appliance = Appliance::new().start();
    let key = appliance.client("host", &["*"]);
    let mut local = appliance.local(End::Nul);
    call(&appliance, &key, "mail_send", &json!({}));
    let asked = Request::new(appliance.port(), &key).modern("mail/send", &json!({}));
    asked.send();
    local.ask(&json!({ "jsonrpc": "2.0", "id": 1, "method": "mcp.mail.send", "params": [] }));
    local.ask(
        &json!({ "jsonrpc": "2.0", "id": 2, "method": "mcp.fs.read", "params": [1, 2, 3, 4] }),
    );
    let mut rows = appliance.audit(&["--kind", "refusal"]);
    // Until a key was good, it was a stranger's.
    rows.retain(|row| row["what"] != "key");
    let what = |row: &Value| row["what"].as_str().unwrap().to_owned();
    let whats: Vec<String> = rows.iter().map(what).collect();
    assert_eq!(whats, ["tools/call", "mcp.mail.send", "mcp.fs.read"], "{rows:?}");
    assert!(rows[0]["arguments"].as_str().unwrap().contains("mail_send"));
    assert_eq!(rows[1]["code"], -32601);
    let unknown =
        until("the unknown method", PATIENCE, || appliance.audit(&["--tool", "mail/send"]).pop());
    assert_eq!(
        (unknown["code"].as_i64(), unknown["outcome"].as_str()),
        (Some(-32601), Some("not_made"))
    );
}

#[test]
fn what_failed_is_recorded_so_and_not_charged() {
    let appliance = Appliance::new().start();
    let key = appliance.client("host", &["*"]);
    appliance.give("host", "budgets: {bytes_written: 100}");
    for at in 0..12 {
        let into_nothing =
            json!({ "path": format!("/no-folder/{at}.txt"), "content": "0123456789" });
        let reply = call(&appliance, &key, "fs_write", &into_nothing).json();
        assert_eq!(reply["result"]["isError"], true, "{reply}");
    }
    let all = json!({ "path": "/a.txt", "content": "x".repeat(100) });
    let reply = call(&appliance, &key, "fs_write", &all).json();
    assert!(reply["result"]["structuredContent"].is_object(), "{reply}");
    let one_more = json!({ "path": "/b.txt", "content": "x" });
    let reply = call(&appliance, &key, "fs_write", &one_more).json();
    assert_eq!(reply["error"]["code"], -31402, "{reply}");
    let errors = until("the outcomes", PATIENCE, || {
        Some(appliance.audit(&["--outcome", "error"])).filter(|rows| rows.len() == 12)
    });
    assert!(errors.iter().all(|row| row["what"] == "mcp.fs.write" && row["kind"] == "outcome"));
    // By the other dialect it is called the same.
    let mut local = appliance.local(End::Nul);
    let read = json!({ "jsonrpc": "2.0", "id": 1, "method": "mcp.fs.read", "params": ["/none"] });
    assert!(local.ask(&read)["error"].is_object());
    until("the read", PATIENCE, || {
        appliance.audit(&["--outcome", "error", "--kind", "read"]).first().map(drop)
    });
}

#[test]
fn who_was_let_in_or_out_and_what_the_licence_became_is_recorded() {
    let appliance = Appliance::new().start();
    appliance.client("host", &["mcp.fs.list"]);
    for words in [&["client", "scope", "host", "*"][..], &["client", "revoke", "host"]] {
        let before = appliance.rules();
        appliance.administer(words);
        until("the change", PATIENCE, || (appliance.rules() > before).then_some(()));
    }
    appliance.set_tier("PRO");
    let expected = [
        ("clients", r#"{"added":["host"],"removed":[],"changed":[]}"#),
        ("clients", r#"{"added":[],"removed":[],"changed":["host"]}"#),
        ("clients", r#"{"added":[],"removed":["host"],"changed":[]}"#),
        ("licence", r#"{"tier":"PRO","holder":"a test"}"#),
    ];
    until("the rows", PATIENCE, || {
        let rows = appliance.audit(&["--kind", "admin", "--outcome", "changed"]);
        let rows = rows.iter().map(|row| (row["what"].as_str(), row["arguments"].as_str()));
        rows.eq(expected.map(|(what, how)| (Some(what), Some(how)))).then_some(())
    });
}

#[test]
fn a_rate_of_a_client_s_own_lifts_no_other() {
    let appliance = Appliance::new().start();
    let key = appliance.client("host", &["*"]);
    // Slower than the licence's, and more at once.
    appliance.give("host", "rate: {requests: 100, window_seconds: 720000}");
    let file = appliance.outside().join("new.lic");
    let file = file.to_str().unwrap();
    appliance.administer(&[
        "licence",
        "issue",
        "--tier",
        "PRO",
        "--holder",
        "a test",
        "--requests",
        "5",
        "--window",
        "3600",
        "--out",
        file,
    ]);
    appliance.administer(&["licence", "install", file]);
    until("the licence", PATIENCE, || (appliance.licence()["tier"] == "PRO").then_some(()));
    let list = || call(&appliance, &key, "fs_list", &json!({ "path": "/" })).status;
    let done = (0..20).filter(|_| list() == 200).count();
    assert_eq!(done, 5);
}

#[test]
fn wrong_keys_of_an_address_keep_no_good_code_out() {
    let appliance = Appliance::new().start();
    let before = appliance.rules();
    let code = appliance.administer(&["pair", "laptop", "--scope", "*"]);
    until("the code to be known", PATIENCE, || (appliance.rules() > before).then_some(()));
    for _ in 0..=FREE_WRONG_KEYS {
        appliance.status_of("llmb_wrong");
    }
    assert_eq!(appliance.status_of("llmb_wrong"), 429);
    let body = json!({ "code": code }).to_string();
    let post = appliance.request().without("Authorization").target("/pair").body(body);
    assert_eq!(post.send().status, 200);
}
