//! `/ws` and `gateway.sock` as clients rely on them: who gets in, what is understood, and what is answered.
#![cfg(test)]

use std::fs;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use gateway::limits::{
    FIRST_FRAME, MAX_CALLS_PER_SESSION, MAX_LOCAL_CONNECTIONS, MAX_STRANGER_BYTES,
};
use serde_json::{Value, json};
use testkit::{Appliance, Door, End, Local, ShowKey, WebSocket, exchange, until};
use tungstenite::http::header;

/// How long a test waits for what must come.
const PATIENCE: Duration = Duration::from_secs(20);
/// Goal P11 of the appliance: the memory of a WebSocket client that does nothing, in bytes.
const MAX_IDLE_BYTES: u64 = 24 * 1024;

fn hello(id: &Value) -> Value {
    json!({ "jsonrpc": "2.0", "id": id, "method": "mcp.hello", "params": [] })
}

fn auth(id: Option<u32>, params: &Value) -> Value {
    let mut message = json!({ "jsonrpc": "2.0", "method": "mcp.auth", "params": params });
    if let Some(id) = id {
        message["id"] = id.into();
    }
    message
}

#[track_caller]
fn check_served(door: &mut (impl Door + ?Sized)) {
    let reply = door.ask(&hello(&json!(7)));
    assert_eq!(reply["id"], 7);
    assert_eq!(reply["result"][0], "mcp.fs.archive", "{reply}");
}

#[test]
fn every_way_to_show_a_key() {
    let appliance = Appliance::new().start();
    let (port, key) = (appliance.port(), appliance.facts().key.clone());
    for way in [ShowKey::Header(&key), ShowKey::Protocol(&key)] {
        let mut socket = WebSocket::open(port, way).unwrap();
        check_served(&mut socket);
        assert_eq!(socket.close(), Some(1000), "a farewell is answered");
    }
    for params in [json!([key]), json!({ "key": key })] {
        let mut socket = WebSocket::open(port, ShowKey::Later).unwrap();
        let reply = socket.ask(&auth(Some(1), &params));
        assert_eq!(reply, json!({ "jsonrpc": "2.0", "id": 1, "result": { "client": "first" } }));
        check_served(&mut socket);
    }
    // A notification has no answer, so what comes next is the answer to what came next.
    let mut socket = WebSocket::open(port, ShowKey::Later).unwrap();
    socket.send(&auth(None, &json!([key])));
    check_served(&mut socket);
}

#[test]
fn nobody_gets_in_without_a_key() {
    let appliance = Appliance::new().start();
    let (port, key) = (appliance.port(), appliance.facts().key.clone());
    for way in [ShowKey::Header("wrong"), ShowKey::Protocol("wrong"), ShowKey::Header("")] {
        assert_eq!(WebSocket::open(port, way).err().unwrap(), 401, "{way:?}");
    }
    // Two keys, and a key that is no text: which one is meant is not ours to guess.
    let bad = "llmbasedos.key._w, mcp";
    let unclear =
        WebSocket::open_with(port, ShowKey::Later, &[(header::SEC_WEBSOCKET_PROTOCOL, bad)]);
    assert_eq!(unclear.err().unwrap(), 401);
    let two = format!("mcp, llmbasedos.key.{0}, llmbasedos.key.{0}", URL_SAFE_NO_PAD.encode(&key));
    let unclear =
        WebSocket::open_with(port, ShowKey::Later, &[(header::SEC_WEBSOCKET_PROTOCOL, &two)]);
    assert_eq!(unclear.err().unwrap(), 401);
    let first_frames = [
        auth(Some(1), &json!(["wrong"])),
        auth(Some(1), &json!([])),
        auth(None, &json!(["wrong"])),
        hello(&json!(1)),
        json!({ "jsonrpc": "2.0", "id": 1, "method": "ping" }),
        json!("no call"),
    ];
    for frame in first_frames {
        let mut socket = WebSocket::open(port, ShowKey::Later).unwrap();
        let reply = socket.ask(&frame);
        assert_eq!(reply["error"]["code"], -32_000, "{frame}: {reply}");
        assert_eq!(socket.closed(), Some(1008), "{frame}");
    }
    // A key that comes second is too late: the connection is closed by then.
    let mut socket = WebSocket::open(port, ShowKey::Later).unwrap();
    socket.ask(&hello(&json!(1)));
    assert_eq!(socket.closed(), Some(1008));
    // The same with a good key passes, so that it is the key which decides.
    let mut socket = WebSocket::open(port, ShowKey::Later).unwrap();
    socket.ask(&auth(Some(1), &json!([key])));
    check_served(&mut socket);
}

#[test]
fn a_page_of_a_stranger_gets_no_websocket() {
    let appliance = Appliance::new().start();
    let (port, key) = (appliance.port(), &appliance.facts().key);
    for (name, value, allowed) in [
        (header::ORIGIN, "http://localhost:3000", true),
        (header::ORIGIN, "http://evil.example", false),
        (header::ORIGIN, "null", false),
        (header::HOST, "evil.example", false),
    ] {
        let opened = WebSocket::open_with(port, ShowKey::Header(key), &[(name, value)]);
        match (opened, allowed) {
            (Ok(mut socket), true) => check_served(&mut socket),
            (Err(status), false) => assert_eq!(status, 403, "{value}"),
            (opened, _) => panic!("{value}: {:?}", opened.err()),
        }
    }
    let no_handshake = appliance.request().method("GET").target("/ws").send();
    assert_eq!(no_handshake.status, 426);
    assert!(no_handshake.json()["error"]["message"].as_str().unwrap().contains("WebSocket"));
}

#[test]
fn a_stranger_can_send_no_more_than_a_key_takes_nor_wait_for_ever() {
    let appliance = Appliance::new().start();
    // The head of a frame that announces 4 MiB, then as much as is taken.
    let frame_head = [0x81, 0xff, 0, 0, 0, 0, 0, 0x3f, 0xff, 0xff, 1, 2, 3, 4];
    let mut loud = WebSocket::open(appliance.port(), ShowKey::Later).unwrap();
    loud.send_raw(&frame_head);
    let start = Instant::now();
    loud.send_raw(&vec![0; usize::try_from(MAX_STRANGER_BYTES).unwrap() * 4]);
    assert_eq!(loud.closed().filter(|code| *code != 1008), None);
    assert!(start.elapsed() < FIRST_FRAME / 2, "it was closed for what it sent");
    // The same bytes from whoever has shown a key are a message that has not ended.
    let mut known = appliance.websocket();
    known.send_raw(&frame_head);
    known.send_raw(&vec![0; usize::try_from(MAX_STRANGER_BYTES).unwrap() * 4]);

    let mut silent = WebSocket::open(appliance.port(), ShowKey::Later).unwrap();
    let start = Instant::now();
    assert_eq!(silent.closed(), Some(1008));
    assert!(start.elapsed() >= FIRST_FRAME / 2, "{:?}", start.elapsed());
}

#[test]
fn both_eras_and_the_old_dialect_on_one_connection() {
    let appliance = Appliance::new().file("a.txt", "text of a").start();
    let mut doors: [Box<dyn Door>; 3] = [
        Box::new(appliance.websocket()),
        Box::new(appliance.local(End::Nul)),
        Box::new(appliance.local(End::Newline)),
    ];
    for door in &mut doors {
        let initialize = json!({ "jsonrpc": "2.0", "id": 1, "method": "initialize", "params":
            { "protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": { "name": "t", "version": "0" } } });
        let reply = door.ask(&initialize);
        assert_eq!(reply["result"]["protocolVersion"], "2025-06-18", "{reply}");
        door.send(&json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }));
        let call = json!({ "jsonrpc": "2.0", "id": "a", "method": "tools/call", "params":
            { "name": "fs_read", "arguments": { "path": "/a.txt" } } });
        let reply = door.ask(&call);
        assert_eq!(reply["result"]["structuredContent"]["content"], "text of a", "{reply}");
        assert_eq!(reply["result"].get("resultType"), None);

        door.start_call(&json!(2), "fs_read", &json!({ "path": "/a.txt" }), &json!({}));
        let reply = door.receive();
        assert_eq!(reply["result"]["resultType"], "complete", "{reply}");
        assert_eq!(reply["id"], 2);

        let old =
            json!({ "jsonrpc": "2.0", "id": 3, "method": "mcp.fs.read", "params": ["/a.txt"] });
        let reply = door.ask(&old);
        assert_eq!(reply["result"]["content"], "text of a", "{reply}");
        let nothing = door.ask(&json!({ "jsonrpc": "2.0", "id": 4, "method": "no/such" }));
        assert_eq!(nothing["error"]["code"], -32_601);
    }
}

#[test]
fn what_is_no_message_is_answered_and_the_connection_goes_on() {
    let appliance = Appliance::new().start();
    let deep = format!(
        r#"{{"jsonrpc":"2.0","id":1,"method":"ping","params":{{"a":{}{}}}}}"#,
        "[".repeat(70),
        "]".repeat(70)
    );
    let table = [
        ("{nope", -32_700),
        (r#"{"jsonrpc":"2.0"}"#, -32_600),
        (r#"[{"jsonrpc":"2.0","id":1,"method":"mcp.hello"}]"#, -32_600),
        (deep.as_str(), -32_600),
    ];
    let mut doors: [(Box<dyn Door>, bool); 2] =
        [(Box::new(appliance.websocket()), true), (Box::new(appliance.local(End::Nul)), true)];
    for (door, before_mcp) in &mut doors {
        for (text, code) in table {
            door.send_text(text);
            let reply = door.receive();
            assert_eq!(reply["error"]["code"], code, "{text}: {reply}");
            // The old dialect says `null`; MCP has no such id.
            assert_eq!(reply.get("id"), before_mcp.then_some(&Value::Null), "{text}");
        }
        door.ask(&json!({ "jsonrpc": "2.0", "id": 1, "method": "ping" }));
        door.send_text("{nope");
        assert_eq!(door.receive().get("id"), None, "from then on it speaks MCP");
        check_served(door.as_mut());
    }
    let mut socket = appliance.websocket();
    socket.send_binary(&hello(&json!(1)).to_string());
    assert_eq!(socket.receive()["id"], 1, "bytes that are text are taken too");
}

#[test]
fn programs_of_every_age_end_their_messages_in_their_own_way() {
    let appliance = Appliance::new().start();
    let reply =
        |local: &mut Local| -> Value { serde_json::from_str(&local.next_text().unwrap()).unwrap() };
    // Indented JSON that ends with NUL.
    let mut indented = appliance.local(End::Nul);
    indented.send_text(&serde_json::to_string_pretty(&hello(&json!(1))).unwrap());
    assert_eq!(reply(&mut indented)["id"], 1);
    // A script that writes one line without an end, and sends no more.
    let mut script = appliance.local(End::Nul);
    script.send_raw(hello(&json!(2)).to_string().as_bytes());
    script.end_sending();
    assert_eq!(reply(&mut script)["id"], 2);
    assert_eq!(script.next_text(), None, "and then the gateway closes");
    // A line that is too long is refused, and the connection with it.
    let mut long = appliance.local(End::Newline);
    check_served(&mut long);
    let text = "x".repeat(mcp_wire::limits::MAX_MESSAGE_BYTES + 1);
    long.send_raw(text.as_bytes());
    assert_eq!(reply(&mut long)["error"]["code"], -31_413);
    assert_eq!(long.next_text(), None);
}

#[test]
fn one_local_connection_too_many_is_told_so() {
    let appliance = Appliance::new().start();
    let mut held: Vec<Local> =
        (0..MAX_LOCAL_CONNECTIONS).map(|_| appliance.local(End::Newline)).collect();
    // The last of them is served, so all of them have been taken.
    check_served(held.last_mut().unwrap());
    let mut one_more = appliance.local(End::Newline);
    let refused: Value = serde_json::from_str(&one_more.next_text().unwrap()).unwrap();
    assert_eq!(refused["error"]["code"], -31_503, "{refused}");
    assert_eq!(one_more.next_text(), None);
    drop(held);
    until("a place", PATIENCE, || {
        let mut local = appliance.local(End::Newline);
        let answer = local.try_send(&hello(&json!(1))).then(|| local.next_text()).flatten()?;
        let answer: Value = serde_json::from_str(&answer).unwrap();
        (answer["id"] == 1).then_some(())
    });
}

#[test]
fn only_the_owner_and_the_group_can_open_the_socket() {
    use std::os::unix::fs::PermissionsExt as _;
    let appliance = Appliance::new().start();
    let socket = fs::metadata(&appliance.facts().sockets["gateway"]).unwrap();
    assert_eq!(socket.permissions().mode() & 0o777, 0o660);
}

#[test]
fn answers_find_their_calls_and_no_connection_can_have_too_many() {
    let appliance = Appliance::new().start();
    let _flow = appliance.flow_server_with(&[("LLMBDO_FLOW_WORKERS", "128")]);
    let mut socket = appliance.websocket();
    let wait = json!({ "ms": 60_000 });
    for id in 0..MAX_CALLS_PER_SESSION {
        socket.start_call(&json!(id), "flow_wait", &wait, &json!({}));
    }
    socket.start_call(&json!("more"), "flow_wait", &wait, &json!({}));
    let refused = socket.receive();
    assert_eq!((&refused["id"], &refused["error"]["code"]), (&json!("more"), &json!(-31_503)));
    socket.cancel(&json!(0));
    socket.start_call(&json!(1), "flow_wait", &wait, &json!({}));
    let refused = socket.receive();
    assert_eq!((&refused["id"], &refused["error"]["code"]), (&json!(1), &json!(-32_600)));
    // There is room for one again, and it may have the id of the call that was given up.
    socket.start_call(&json!(0), "flow_count", &json!({}), &json!({}));
    let reply = socket.receive();
    assert_eq!(
        (&reply["id"], &reply["result"]["structuredContent"]["count"]),
        (&json!(0), &json!(1))
    );
}

#[test]
fn figures_are_for_this_machine_or_for_whoever_has_a_key() {
    let appliance = Appliance::new().start();
    appliance.call("fs_list", &json!({ "path": "/" }));
    check_served(&mut appliance.websocket());
    let figures = exchange(
        appliance.port(),
        b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
    );
    let figures = figures.unwrap();
    assert_eq!(figures.status, 200);
    let text = String::from_utf8(figures.body).unwrap();
    for line in [
        r#"llmbasedos_gateway_calls_total{server="fs",outcome="answered"} 1"#,
        r#"llmbasedos_gateway_requests_total{door="websocket"} 1"#,
        r#"llmbasedos_gateway_call_duration_seconds_count{server="fs"} 1"#,
        r#"llmbasedos_gateway_calls_under_way{server="fs"} 0"#,
        "# EOF",
    ] {
        assert!(text.contains(line), "no {line} in:\n{text}");
    }
    // Nothing that a client sends becomes a label.
    let stranger = appliance.request().header("Authorization", "Bearer wrong");
    assert_eq!(stranger.legacy("evil", &json!({})).send().status, 401);
    appliance.request().legacy("evil", &json!({})).send();
    let figures = appliance.request().method("GET").target("/metrics").send();
    assert!(!String::from_utf8(figures.body).unwrap().contains("evil"));
}

/// What the gateway holds, in bytes: what is its own alone.
fn memory(appliance: &Appliance) -> u64 {
    let pid = appliance.facts().pids["gateway"];
    let text = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix("Pss_Anon:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
}

#[test]
fn a_client_that_does_nothing_costs_little_memory() {
    const CLIENTS: u64 = 900;
    let appliance = Appliance::new().start();
    // What is made once is made before.
    let first: Vec<WebSocket> = (0..50).map(|_| appliance.websocket()).collect();
    let before = memory(&appliance);
    let sockets: Vec<WebSocket> = (0..CLIENTS)
        .map(|_| {
            let mut socket = appliance.websocket();
            check_served(&mut socket);
            socket
        })
        .collect();
    let each = memory(&appliance).saturating_sub(before) / CLIENTS;
    println!("an idle WebSocket client: {each} bytes (goal: at most {MAX_IDLE_BYTES})");
    assert!(each <= MAX_IDLE_BYTES, "{each}");
    drop((first, sockets));
    until("the places to be free", PATIENCE, || {
        let figures = appliance.request().method("GET").target("/metrics").send();
        let text = String::from_utf8(figures.body).unwrap();
        text.contains(r#"llmbasedos_gateway_sessions{door="websocket"} 0"#).then_some(())
    });
}
