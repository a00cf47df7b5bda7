//! The dialect from before MCP, as its scripts and shells rely on it: `golden/legacy.json` replayed on every door, and servers
//! of that time behind the gateway.
#![cfg(test)]

use std::fs;

use serde_json::{Value, json};
use testkit::{Appliance, Door, End, checkout, until};

/// How long a test waits for what must come.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(20);

/// Members that the old dialect did not have, and that nobody who reads it stumbles over: the data of an error, and what
/// is known of a version of a file and of a change.
const ADDED: [&str; 6] = ["data", "size", "etag", "more", "change", "undoable"];

fn appliance() -> Appliance {
    let appliance = Appliance::new()
        .file("a.txt", "text of a")
        .file("bytes", b"\xff\xfe")
        .file("full/b.txt", "")
        .start();
    fs::create_dir(appliance.root().join("empty")).unwrap();
    appliance
}

/// Whether a value is the expected one, in which `<text>` stands for any text and `<time>` for a time in UTC.
fn fits(found: &Value, expected: &Value) -> bool {
    match (found, expected) {
        (Value::String(found), Value::String(expected)) if expected == "<time>" => {
            found.len() >= 20 && found.ends_with('Z') && found.contains('T')
        }
        (Value::String(found), Value::String(expected)) => {
            let mut rest = found.as_str();
            expected.split("<text>").enumerate().all(|(at, part)| match rest.find(part) {
                Some(place) if at > 0 || place == 0 => {
                    rest = rest.get(place + part.len()..).unwrap_or_default();
                    true
                }
                _ => false,
            }) && (rest.is_empty() || expected.ends_with("<text>"))
        }
        (Value::Array(found), Value::Array(expected)) => {
            found.len() == expected.len() && found.iter().zip(expected).all(|(f, e)| fits(f, e))
        }
        (Value::Object(found), Value::Object(expected)) => {
            let later =
                |key: &&String| ADDED.contains(&key.as_str()) && !expected.contains_key(*key);
            let known = found.keys().filter(|key| !later(key));
            known.count() == expected.len()
                && expected.iter().all(|(key, e)| found.get(key).is_some_and(|f| fits(f, e)))
        }
        (found, expected) => found == expected,
    }
}

#[track_caller]
fn replay(door: &mut impl Door) {
    let golden = fs::read(checkout().join("crates/testkit/golden/legacy.json")).unwrap();
    let pairs: Vec<Value> = serde_json::from_slice(&golden).unwrap();
    assert!(pairs.len() >= 25);
    for pair in pairs {
        let found = door.ask(&pair["request"]);
        let expected = &pair["response"];
        assert!(fits(&found, expected), "{}:\n{found}\ninstead of\n{expected}", pair["name"]);
    }
}

#[test]
fn the_golden_pairs_over_a_websocket() {
    replay(&mut appliance().websocket());
}

#[test]
fn the_golden_pairs_over_the_socket_with_nul() {
    replay(&mut appliance().local(End::Nul));
}

#[test]
fn the_golden_pairs_over_the_socket_with_newlines() {
    replay(&mut appliance().local(End::Newline));
}

#[test]
fn capabilities_are_the_cap_files() {
    let appliance = appliance();
    let reply = appliance
        .local(End::Nul)
        .ask(&json!({ "jsonrpc": "2.0", "id": 1, "method": "mcp.listCapabilities", "params": [] }));
    let file = fs::read(appliance.state().join("run/fs.cap.json")).unwrap();
    let file: Value = serde_json::from_slice(&file).unwrap();
    assert_eq!(reply["result"], json!([file]));
    let list = &reply["result"][0]["capabilities"][0];
    assert_eq!(
        (&list["method"], &list["result_schema"]["type"]),
        (&json!("mcp.fs.list"), &json!("array"))
    );
}

#[test]
fn a_long_folder_is_listed_whole() {
    let appliance = appliance();
    for number in 0..2500 {
        fs::write(appliance.root().join(format!("full/{number:04}")), "").unwrap();
    }
    let ask = |params: Value| {
        let message =
            json!({ "jsonrpc": "2.0", "id": 1, "method": "mcp.fs.list", "params": params });
        appliance.local(End::Nul).ask(&message)["result"].as_array().unwrap().len()
    };
    assert_eq!(ask(json!(["/full"])), 2501, "this dialect has no cursor that could tell of more");
    assert_eq!(ask(json!(["/full", null, 10])), 10, "whoever asks for a part gets a part");
}

#[test]
fn calls_of_one_connection_are_done_in_their_turn() {
    let appliance = appliance();
    let call = |id: Value, method: &str, params: Value| json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params });
    let mut doors: [Box<dyn Door>; 2] =
        [Box::new(appliance.websocket()), Box::new(appliance.local(End::Newline))];
    for door in &mut doors {
        // A script writes, reads and deletes in one go, and counts on the order.
        for round in 0..60 {
            let content = format!("round {round}");
            door.send(&call(json!(1), "mcp.fs.write", json!(["/p.txt", content])));
            door.send(&call(json!(1), "mcp.fs.read", json!(["/p.txt"])));
            door.send(&call(json!(null), "mcp.fs.delete", json!(["/p.txt"])));
            assert_eq!(door.receive()["result"]["status"], "success");
            assert_eq!(door.receive()["result"]["content"], content.as_str());
            assert_eq!(door.receive()["result"]["status"], "success");
        }
        // However many are sent at once, each is answered, in order.
        for id in 0..300 {
            door.send(&call(json!(id), "mcp.fs.read", json!(["/a.txt"])));
        }
        for id in 0..300 {
            let reply = door.receive();
            assert_eq!(
                (&reply["id"], &reply["result"]["content"]),
                (&json!(id), &json!("text of a")),
                "{reply}"
            );
        }
    }
}

#[test]
fn a_method_without_parameters_can_be_called_and_one_that_waits_can_be_given_up() {
    let appliance = appliance();
    let _flow = appliance.flow_server();
    let mut local = appliance.local(End::Newline);
    let call = |id: &str, method: &str, params: Value| json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params });
    assert_eq!(local.ask(&call("none", "mcp.flow.seen", json!([])))["result"], json!([]));
    local.send(&call("first", "mcp.flow.wait", json!([60_000, "first"])));
    local.send(&call("second", "mcp.flow.wait", json!([60_000, "second"])));
    local.send(&call("third", "mcp.flow.count", json!([])));
    until("the first to run", PATIENCE, || (!appliance.flow_seen().is_empty()).then_some(()));
    local.cancel(&json!("second"));
    local.cancel(&json!("first"));
    let reply = local.receive();
    assert_eq!((&reply["id"], &reply["result"]["count"]), (&json!("third"), &json!(1)), "{reply}");
    assert!(!appliance.flow_seen().iter().any(|seen| seen["label"] == "second"), "it never began");
}

/// The cap file of a server from before MCP: parameters as a tuple, an annotation of its own, and no tools.
fn old_cap_file() -> Value {
    json!({ "service_name": "old", "description": "A server from before MCP", "version": "0.1", "capabilities": [
        { "method": "mcp.old.echo", "description": "Gives back what it gets", "params_schema": {
            "type": "array", "minItems": 1, "maxItems": 2, "additionalItems": false,
            "items": [{ "type": "string" }, { "type": "integer", "optional": true }] } },
        { "method": "mcp.old.fail", "description": "Fails, and declares no parameters" },
    ] })
}

#[test]
fn a_server_from_before_mcp_is_spoken_to_in_its_own_dialect() {
    let appliance = appliance();
    // It answers as the old ones did: in the dialect, on one connection, one after the other.
    let answer = |frame: &[u8]| {
        let message: Value = serde_json::from_slice(frame).unwrap();
        let outcome = match message["method"].as_str().unwrap() {
            "mcp.old.echo" => {
                json!({ "jsonrpc": "2.0", "id": message["id"], "result": message["params"] })
            }
            _ => {
                json!({ "jsonrpc": "2.0", "id": message["id"], "error": { "code": -32001, "message": "wrong", "data": [1] } })
            }
        };
        Some([outcome.to_string().as_bytes(), b"\0"].concat())
    };
    let peer = appliance.old_peer("old", &old_cap_file(), answer);
    let mut local = appliance.local(End::Nul);
    let mut call = |method: &str, params: Value| {
        local.ask(&json!({ "jsonrpc": "2.0", "id": "mine", "method": method, "params": params }))
    };
    until("the old methods", PATIENCE, || {
        let hello = call("mcp.hello", json!([]));
        hello["result"].as_array()?.contains(&json!("mcp.old.echo")).then_some(())
    });
    let reply = call("mcp.old.echo", json!(["x", 12]));
    assert_eq!(reply, json!({ "jsonrpc": "2.0", "id": "mine", "result": ["x", 12] }));
    let sent: Value = serde_json::from_slice(&peer.received()).unwrap();
    assert_eq!((&sent["method"], &sent["params"]), (&json!("mcp.old.echo"), &json!(["x", 12])));
    // What does not fit its tuple is refused before it gets there.
    for (params, place) in [
        (json!([1]), "'0'"),
        (json!(["x", "y"]), "'1'"),
        (json!(["x", 1, 2]), "'params'"),
        (json!({ "a": 1 }), "'params'"),
    ] {
        let reply = call("mcp.old.echo", params.clone());
        assert_eq!(reply["error"]["code"], -32_602, "{params}: {reply}");
        assert!(reply["error"]["message"].as_str().unwrap().contains(place), "{params}: {reply}");
    }
    let surplus = call("mcp.old.fail", json!([1]));
    assert_eq!(surplus["error"]["code"], -32_602, "none declared, none taken: {surplus}");
    let failed = call("mcp.old.fail", json!([]));
    assert_eq!(failed["error"], json!({ "code": -32001, "message": "wrong", "data": [1] }));
    // It is no tool: clients of MCP are not shown what they could not call.
    assert!(!appliance.tools().iter().any(|tool| tool.contains("old")));
}

#[test]
fn a_server_that_dies_is_a_typed_error_on_every_door() {
    let appliance = appliance();
    let flow = appliance.flow_server();
    let call = json!({ "jsonrpc": "2.0", "id": 1, "method": "mcp.flow.wait", "params": [60_000] });
    let (mut socket, mut local) = (appliance.websocket(), appliance.local(End::Newline));
    socket.send(&call);
    local.send(&call);
    until("both calls to run", PATIENCE, || (appliance.flow_seen().len() == 2).then_some(()));
    drop(flow);
    for reply in [socket.receive(), local.receive()] {
        assert_eq!(reply["error"]["code"], -31_502, "{reply}");
        assert!(
            reply["error"]["message"].as_str().unwrap().contains("before you repeat it"),
            "{reply}"
        );
    }
}
