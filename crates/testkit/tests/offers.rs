//! What servers offer besides tools: prompts, resources, completion, log messages; and who is told when a list changes.
//!
//! The conformance suite holds each of these to the protocol, with one server that behaves. Here are the others: several servers
//! at once, dead ones, and such as claim what is not theirs.
#![cfg(test)]

use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};
use testkit::{Appliance, Door, End, Peer, until};

/// How long a test waits for what must come.
const PATIENCE: Duration = Duration::from_secs(20);
const SUBSCRIPTION: &str = "io.modelcontextprotocol/subscriptionId";

/// A cap file with one tool, and what else a server offers.
fn caps(name: &str, tool: &str, more: &Value) -> Value {
    let mut file = testkit::cap_file(name, &[tool]);
    file.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    file
}

/// A server that answers each method with the result that `results` has for it.
fn server(appliance: &Appliance, name: &str, more: &Value, results: Value) -> Peer {
    let tool = name.to_owned();
    let peer = appliance.old_peer(name, &caps(name, &tool, more), move |frame| {
        let request: Value = serde_json::from_slice(frame).unwrap();
        let method = request["method"].as_str().unwrap();
        let place = request["params"]["cursor"].as_str().unwrap_or_default();
        let result = &results[format!("{method}{place}")];
        let reply = json!({ "jsonrpc": "2.0", "id": request["id"], "result": result });
        Some([reply.to_string().as_bytes(), b"\0"].concat())
    });
    until(&format!("the tool of `{name}`"), PATIENCE, || {
        appliance.tools().iter().any(|tool| tool == name).then_some(())
    });
    peer
}

fn asked(appliance: &Appliance, method: &str, params: &Value) -> Value {
    appliance.request().modern(method, params).send().json()
}

/// The members of this name of the items of a list.
fn names(reply: &Value, list: &str, member: &str) -> Vec<String> {
    let items = reply["result"][list].as_array().unwrap_or_else(|| panic!("no list: {reply}"));
    items.iter().map(|item| item[member].as_str().unwrap().to_owned()).collect()
}

/// Reads the acknowledgement of a subscription, and gives what was granted.
fn acknowledged(door: &mut impl Door, id: &Value) -> Value {
    let first = door.receive();
    assert_eq!(first["method"], "notifications/subscriptions/acknowledged", "{first}");
    assert_eq!(first["params"]["_meta"][SUBSCRIPTION], *id);
    first["params"]["notifications"].clone()
}

fn check_subscription(appliance: &Appliance, door: &mut impl Door, server: &str) {
    let prompt = |name: &str| json!({ "prompts": [{ "name": name }] });
    let declare = |tool: &str, more: &Value| {
        appliance.declare(server, caps(server, tool, more).to_string().as_bytes());
    };
    declare("one", &prompt("p"));
    until("the prompt", PATIENCE, || {
        let reply = asked(appliance, "prompts/list", &json!({}));
        (reply["error"].is_null() && names(&reply, "prompts", "name") == ["p"]).then_some(())
    });
    let (tools, prompts) = (json!("of-tools"), json!(12_345_678_901_234_567_u64));
    let filter = json!({ "toolsListChanged": true, "resourcesListChanged": true,
        "promptsListChanged": false, "resourceSubscriptions": ["x://y"] });
    door.start(&tools, "subscriptions/listen", &json!({ "notifications": filter }), &json!({}));
    let granted = acknowledged(door, &tools);
    assert_eq!(granted, json!({ "toolsListChanged": true }), "there are no resources");
    let filter = json!({ "promptsListChanged": true });
    door.start(&prompts, "subscriptions/listen", &json!({ "notifications": filter }), &json!({}));
    assert_eq!(acknowledged(door, &prompts), filter);

    // A change of one list is told to who wants to hear of it, with the id of that subscription, and the list has changed by
    // then. What changes nothing tells nobody: the next message is of the change after it.
    for (tool, name, method, id) in [
        ("two", "p", "notifications/tools/list_changed", &tools),
        ("two", "q", "notifications/prompts/list_changed", &prompts),
        ("two", "q", "", &prompts),
        ("three", "q", "notifications/tools/list_changed", &tools),
    ] {
        declare(tool, &prompt(name));
        if method.is_empty() {
            continue;
        }
        let told = door.receive();
        assert_eq!(told["method"], method, "{told}");
        assert_eq!(told["params"]["_meta"][SUBSCRIPTION], *id, "{told}");
        assert!(appliance.tools().contains(&tool.to_owned()));
        let reply = asked(appliance, "prompts/list", &json!({}));
        assert_eq!(names(&reply, "prompts", "name"), [name]);
    }

    // One that was given up hears nothing more.
    door.cancel(&tools);
    declare("four", &prompt("r"));
    assert_eq!(door.receive()["params"]["_meta"][SUBSCRIPTION], prompts);
    door.cancel(&prompts);
    appliance.undeclare(server);
    until("the tool to go", PATIENCE, || {
        (!appliance.tools().contains(&"four".to_owned())).then_some(())
    });
    let id = json!("last");
    door.start(&id, "tools/list", &json!({}), &json!({}));
    assert_eq!(door.receive()["id"], id);
}

#[test]
fn a_subscription_tells_of_the_lists_it_is_for() {
    let appliance = Appliance::new().start();
    check_subscription(&appliance, &mut appliance.websocket(), "web");
    check_subscription(&appliance, &mut appliance.local(End::Newline), "local");
}

#[test]
fn a_subscription_over_http_is_a_stream_that_ends_in_order() {
    let appliance = Appliance::new().start();
    let params = json!({ "notifications": { "toolsListChanged": true } });
    let request = appliance.request().modern("subscriptions/listen", &params);
    let refused = request.clone().header("Accept", "application/json").send();
    assert_eq!((refused.status, &refused.json()["error"]["code"]), (406, &json!(-31_406)));
    for wrong in [json!({}), json!({ "notifications": { "toolsListChanged": 1 } })] {
        let reply = asked(&appliance, "subscriptions/listen", &wrong);
        assert_eq!(reply["error"]["code"], -32_602, "{reply}");
    }

    let mut stream = TcpStream::connect(("127.0.0.1", appliance.port())).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.write_all(&request.bytes()).unwrap();
    let mut heard = String::new();
    let mut until_heard = |what: &str| {
        let mut chunk = [0; 4096];
        while !heard.contains(what) {
            let length = stream.read(&mut chunk).unwrap();
            assert!(length > 0, "the stream ended without {what}: {heard}");
            heard.push_str(std::str::from_utf8(&chunk[..length]).unwrap());
        }
    };
    until_heard("notifications/subscriptions/acknowledged");
    appliance.declare("later", testkit::cap_file("later", &["one"]).to_string().as_bytes());
    until_heard("notifications/tools/list_changed");
    let gateway = appliance.facts().pids["gateway"].to_string();
    assert!(Command::new("kill").args(["-TERM", &gateway]).status().unwrap().success());
    until_heard(
        r#""result":{"resultType":"complete","_meta":{"io.modelcontextprotocol/subscriptionId":1}}"#,
    );
    // The end of the answer, not of the connection alone.
    until_heard("\r\n0\r\n\r\n");
}

#[test]
fn lists_of_resources_are_those_of_the_servers_that_answer() {
    let appliance = Appliance::new().start();
    let without = asked(&appliance, "resources/list", &json!({}));
    assert_eq!(without["error"]["code"], -32_601, "nobody has resources: {without}");
    let offers = |prefix: &str| json!({ "resource_uris": [prefix] });
    let resource = |uri: &str| json!({ "name": "n", "uri": uri, "x-new": 1.50 });
    let _alpha = server(
        &appliance,
        "alpha",
        &offers("alpha://"),
        json!({
            "resources/list": { "resources": [resource("alpha://1"), resource("beta://stolen")],
                "nextCursor": "+2" },
            "resources/list+2": { "resources": [resource("alpha://2")] },
            "resources/templates/list": { "resourceTemplates": [
                { "name": "t", "uriTemplate": "alpha://{id}" },
                { "name": "t", "uriTemplate": "beta://{id}" }] },
            "resources/read": { "contents": [{ "uri": "alpha://1", "text": "of alpha" }],
                "resultType": "complete", "ttlMs": 0, "cacheScope": "private" },
        }),
    );
    let _gamma = server(
        &appliance,
        "gamma",
        &offers("gamma://"),
        json!({
            "resources/list": { "resources": [resource("gamma://1")] },
            "resources/templates/list": { "resourceTemplates": [] },
        }),
    );
    // Declared, and not there.
    let beta = caps("beta", "beta", &offers("beta://"));
    appliance.declare("beta", beta.to_string().as_bytes());

    let first = asked(&appliance, "resources/list", &json!({}));
    assert_eq!(names(&first, "resources", "uri"), ["alpha://1", "gamma://1"]);
    assert_eq!(first["result"]["resources"][0], resource("alpha://1"));
    let next = json!({ "cursor": first["result"]["nextCursor"] });
    let second = asked(&appliance, "resources/list", &next);
    assert_eq!(names(&second, "resources", "uri"), ["alpha://2"]);
    assert_eq!(second["result"].get("nextCursor"), None);
    let templates = asked(&appliance, "resources/templates/list", &json!({}));
    assert_eq!(names(&templates, "resourceTemplates", "uriTemplate"), ["alpha://{id}"]);
    for strange in [json!("x"), json!("WyJh"), json!(1)] {
        let reply = asked(&appliance, "resources/list", &json!({ "cursor": strange }));
        assert_eq!(reply["error"]["code"], -32_602, "{strange}: {reply}");
    }

    let read = asked(&appliance, "resources/read", &json!({ "uri": "alpha://1" }));
    assert_eq!(read["result"]["contents"][0]["text"], "of alpha");
    let unknown = asked(&appliance, "resources/read", &json!({ "uri": "delta://1" }));
    assert_eq!(unknown["error"]["code"], -32_602);
    assert_eq!(unknown["error"]["data"]["uri"], "delta://1");
    // A client of the older era has the older code, and is not told what it does not know.
    let legacy =
        |method: &str, params: &Value| appliance.request().legacy(method, params).send().json();
    let unknown = legacy("resources/read", &json!({ "uri": "delta://1" }));
    assert_eq!(unknown["error"]["code"], -32_002);
    let read = legacy("resources/read", &json!({ "uri": "alpha://1" }));
    let told = json!({ "org.llmbasedos/untrusted": ["server"] });
    let contents = json!([{ "uri": "alpha://1", "text": "of alpha" }]);
    assert_eq!(read["result"], json!({ "contents": contents, "_meta": told }));

    // Where nobody answers there is no list, rather than an empty one.
    for name in ["alpha", "gamma"] {
        appliance.undeclare(name);
    }
    until("the others to go", PATIENCE, || {
        let reply = asked(&appliance, "resources/list", &json!({}));
        (reply["error"]["code"] == -31_502).then_some(())
    });
}

#[test]
fn what_a_server_offers_is_not_taken_by_another() {
    let appliance = Appliance::new().start();
    let offers = |uri: &str| {
        json!({ "prompts": [{ "name": "summary" }], "resource_uris": [uri],
        "completions": true })
    };
    let results = |whose: &str| {
        json!({ "prompts/get": { "messages": [], "description": whose },
            "resources/read": { "contents": [{ "uri": "x://a", "text": whose }] },
            "completion/complete": { "completion": { "values": [whose] } } })
    };
    let _first = server(&appliance, "middle", &offers("x://"), results("middle"));
    // Both come later, one of them earlier in the order of names, and claim the same or a part of it.
    let _second = server(&appliance, "early", &offers("x://a"), results("early"));
    let _third = server(&appliance, "late", &offers("x:"), results("late"));
    let whose = || {
        let prompt = asked(&appliance, "prompts/get", &json!({ "name": "summary" }));
        let resource = asked(&appliance, "resources/read", &json!({ "uri": "x://a" }));
        let about = |about: Value| {
            let argument = json!({ "name": "a", "value": "" });
            let params = json!({ "ref": about, "argument": argument });
            let reply = asked(&appliance, "completion/complete", &params);
            reply["result"]["completion"]["values"][0].clone()
        };
        [
            prompt["result"]["description"].clone(),
            resource["result"]["contents"][0]["text"].clone(),
            about(json!({ "type": "ref/prompt", "name": "summary" })),
            about(json!({ "type": "ref/resource", "uri": "x://a{b}" })),
        ]
    };
    assert_eq!(whose(), ["middle"; 4]);
    let prompts = asked(&appliance, "prompts/list", &json!({}));
    assert_eq!(names(&prompts, "prompts", "name"), ["summary"], "it is listed once");
    // Once the first is gone, another has it.
    appliance.undeclare("middle");
    until("another to have it", PATIENCE, || (whose() == ["early"; 4]).then_some(()));
    let log = appliance.log("gateway");
    assert!(log.contains("a name was refused: another server has it"), "{log}");
}

/// The log messages that come before the answer to a call of the fixture's logging tool.
fn logs(door: &mut impl Door, request: &Value) -> Vec<Value> {
    door.send(request);
    let mut logs = Vec::new();
    loop {
        let message = door.receive();
        if message["id"] == request["id"] {
            assert!(message["result"].is_object(), "{message}");
            return logs;
        }
        assert_eq!(message["method"], "notifications/message", "{message}");
        assert_eq!(
            message["params"].get("_meta"),
            None,
            "the word of ours is taken off: {message}"
        );
        logs.push(message["params"]["level"].clone());
    }
}

#[test]
fn log_messages_come_to_who_asks_for_them_and_severe_enough() {
    let appliance = Appliance::new().start();
    let _fixture = appliance.conformance_server();
    let mut door = appliance.websocket();
    let call = |level: Option<&str>| {
        let mut meta = json!({ "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientCapabilities": {} });
        if let Some(level) = level {
            meta["io.modelcontextprotocol/logLevel"] = level.into();
        }
        let params = json!({ "name": "test_tool_with_logging", "arguments": {}, "_meta": meta });
        json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params })
    };
    assert_eq!(logs(&mut door, &call(Some("info"))), ["info"; 3]);
    assert!(logs(&mut door, &call(None)).is_empty());
    assert!(logs(&mut door, &call(Some("warning"))).is_empty());
    assert_eq!(door.ask(&call(Some("loud")))["error"]["code"], -32_602);

    // A client of the older era says it once for its connection, and has `info` until then.
    let older = |method: &str, params: Value| json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
    let call = older("tools/call", json!({ "name": "test_tool_with_logging", "arguments": {} }));
    assert_eq!(logs(&mut door, &call), ["info"; 3]);
    assert_eq!(
        door.ask(&older("logging/setLevel", json!({ "level": "error" })))["result"],
        json!({})
    );
    assert!(logs(&mut door, &call).is_empty());
    let wrong = door.ask(&older("logging/setLevel", json!({ "level": "loud" })));
    assert_eq!(wrong["error"]["code"], -32_602);
    assert_eq!(logs(&mut appliance.websocket(), &call), ["info"; 3], "it is that connection's");

    // Over HTTP it goes with the session.
    let set = |session: Option<&str>| {
        let request = appliance.request().legacy("logging/setLevel", &json!({ "level": "error" }));
        match session {
            None => request.send().json(),
            Some(session) => request.header("Mcp-Session-Id", session).send().json(),
        }
    };
    assert_eq!(set(None)["error"]["code"], -32_600);
    let session = appliance.request().legacy("initialize", &json!({
        "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": { "name": "t", "version": "0" } }));
    let begun = session.send();
    let session = begun.header("mcp-session-id").unwrap().to_owned();
    assert_eq!(set(Some(&session))["result"], json!({}));
    let params = json!({ "name": "test_tool_with_logging", "arguments": {} });
    let call = appliance.request().legacy("tools/call", &params);
    let heard = |request: testkit::Request| {
        let mut stream = TcpStream::connect(("127.0.0.1", appliance.port())).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.write_all(&request.header("Connection", "close").bytes()).unwrap();
        let mut all = String::new();
        stream.read_to_string(&mut all).unwrap();
        assert!(all.contains("\"isError\":false"), "{all}");
        all.matches("notifications/message").count()
    };
    assert_eq!(heard(call.clone().header("Mcp-Session-Id", &session)), 0);
    assert_eq!(heard(call), 3, "another request is not of that session");
}

#[test]
fn what_asks_something_back_tells_an_older_client_so() {
    let appliance = Appliance::new().start();
    let _fixture = appliance.conformance_server();
    let params = json!({ "name": "test_streaming_elicitation", "arguments": {} });
    let reply = appliance.request().legacy("tools/call", &params).send().json();
    let text = reply["error"]["message"].as_str().unwrap_or_default();
    assert!(!text.is_empty() && reply.get("result").is_none(), "{reply}");
}
