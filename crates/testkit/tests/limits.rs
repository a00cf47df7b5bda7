//! The bounds of messages, connections, calls and files: one less and exactly as much is taken through a real door, one more
//! is refused as documented, and others go on.
//!
//! Whoever writes a client relies on the first two, and whoever runs the appliance on the third. That `n` is taken is the
//! control of each test: it shows that the refusal is that of the bound and of nothing else. The numbers are the named ones
//! of each crate, so that a changed bound moves its test.
//!
//! Elsewhere, through a door: the body of a `POST` and its depth (`hostile.rs`); a head's bytes and headers, strangers of
//! one address, and all deadlines (`transport.rs`, `slow.rs`, `tls.rs`); local connections and calls of one WebSocket (`doors.rs`);
//! lines of the bridge (`bridge.rs`); cap files (`discovery.rs`).
//!
//! Not through a door, and why: `MAX_CONNECTIONS` and `MAX_UNAUTHENTICATED` are counted without sockets in the gateway's
//! `places`, since three thousand descriptors of this test would prove no more; `MAX_LIST_SCAN`, `MAX_TREE_DEPTH`,
//! `MAX_TREE_ENTRIES` and `MAX_PENDING_RECORDS` in `vroot`, which counts the same whoever asks; `MAX_DISCARDED_BYTES`,
//! `MAX_REFUSED_BYTES` and `MAX_WAITING_KIB_PER_SERVER` cannot be seen to the byte by a client, which sees the same answer on either side of them or
//! depends on what the kernel holds; `MAX_CURSOR_BYTES` is held to n-1, n and n+1 where the gateway writes its cursors, since no
//! client writes one; `MAX_SERVERS` and `MAX_CONNECTIONS_PER_SERVER` are of whoever registers servers, and have no such test; the steps, attempts and passes of `vroot` stop races that no client can make to order.
#![cfg(test)]

use std::fs;
use std::os::unix::fs::symlink;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use cap_fs::limits::{MAX_LIST_ENTRIES, MAX_READ_BYTES};
use gateway::limits::{
    MAX_CALLS_PER_SERVER, MAX_CALLS_PER_SESSION, MAX_CONNECTIONS_PER_CLIENT,
    MAX_SESSIONS_PER_CLIENT, MAX_STRANGER_BYTES,
};
use mcp_wire::code;
use mcp_wire::limits::{MAX_DEPTH, MAX_ID_BYTES, MAX_MESSAGE_BYTES, MAX_REPLY_BYTES};
use serde_json::{Value, json};
use testkit::{Appliance, Door, End, ShowKey, WebSocket, obey, until};
use vroot::limits::{APPEND_MAX_BYTES, MAX_LINKS, MAX_NAME_BYTES, MAX_PATH_BYTES};

/// How long a test waits for what must come.
const PATIENCE: Duration = Duration::from_secs(20);

fn hello(id: &Value) -> Value {
    json!({ "jsonrpc": "2.0", "id": id, "method": "mcp.hello", "params": [] })
}

#[track_caller]
fn check_served(door: &mut (impl Door + ?Sized)) {
    let reply = door.ask(&hello(&json!(7)));
    assert_eq!(
        (&reply["id"], &reply["result"][0]),
        (&json!(7), &json!("mcp.fs.archive")),
        "{reply}"
    );
}

/// A door of each kind on which messages go both ways.
fn doors(appliance: &Appliance) -> [(&'static str, Box<dyn Door>); 3] {
    [
        ("/ws", Box::new(appliance.websocket())),
        ("NUL", Box::new(appliance.local(End::Nul))),
        ("newline", Box::new(appliance.local(End::Newline))),
    ]
}

/// A call that is padded to so many bytes.
fn padded(bytes: usize) -> String {
    let call = hello(&json!(7)).to_string();
    format!("{call}{}", " ".repeat(bytes - call.len()))
}

/// The head of a text frame, masked with zeros, that announces so many bytes.
fn frame_head(bytes: usize) -> Vec<u8> {
    let mut head = vec![0x81, 0xff];
    head.extend_from_slice(&(bytes as u64).to_be_bytes());
    head.extend_from_slice(&[0; 4]);
    head
}

#[test]
fn a_message_on_a_connection_may_have_so_many_bytes() {
    let appliance = Appliance::new().start();
    for (name, mut door) in doors(&appliance) {
        for bytes in [MAX_MESSAGE_BYTES - 1, MAX_MESSAGE_BYTES] {
            door.send_text(&padded(bytes));
            let reply = door.receive();
            assert_eq!(reply["result"][0], "mcp.fs.archive", "{name} {bytes}: {reply}");
        }
    }
    // What is announced counts already; of a frame that may be as long nothing is heard until it is whole.
    let mut socket = appliance.websocket();
    socket.send_raw(&frame_head(MAX_MESSAGE_BYTES + 1));
    assert_eq!(socket.closed(), Some(1009));
    // In pieces, the message counts.
    let mut socket = appliance.websocket();
    let mut first = frame_head(MAX_MESSAGE_BYTES);
    first[0] = 0x01;
    socket.send_raw(&first);
    socket.send_raw(&vec![b' '; MAX_MESSAGE_BYTES]);
    socket.send_raw(&[0x80, 0x81, 0, 0, 0, 0, b' ']);
    assert_eq!(socket.closed(), Some(1009));
    for end in [End::Nul, End::Newline] {
        let mut local = appliance.local(end);
        check_served(&mut local);
        local.send_raw(padded(MAX_MESSAGE_BYTES + 1).as_bytes());
        assert_eq!(local.receive()["error"]["code"], code::TOO_LARGE, "{end:?}");
        assert_eq!(local.next_text(), None, "{end:?}");
        check_served(&mut appliance.local(end));
    }
    check_served(&mut appliance.websocket());
}

/// A call of MCP that has so many levels in all; three of them are the envelope, `params` and `arguments`.
fn nested_mcp(depth: usize) -> String {
    let inner = "[".repeat(depth - 3) + &"]".repeat(depth - 3);
    let params = format!(r#"{{"name":"fs_read","arguments":{{"path":{inner}}}}}"#);
    format!(r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{params}}}"#)
}

/// The same in the old dialect, where one level is the envelope.
fn nested_legacy(depth: usize) -> String {
    let inner = "[".repeat(depth - 1) + &"]".repeat(depth - 1);
    format!(r#"{{"jsonrpc":"2.0","id":1,"method":"mcp.fs.read","params":{inner}}}"#)
}

#[test]
fn a_message_may_be_so_deep_on_every_door_and_in_every_dialect() {
    let appliance = Appliance::new().start();
    for depth in [MAX_DEPTH - 1, MAX_DEPTH, MAX_DEPTH + 1] {
        // As deep as allowed, the tool or its schema says what is wrong with the argument.
        let taken = depth <= MAX_DEPTH;
        let check = |what: &str, reply: &Value| {
            let refused = reply["error"]["code"] == code::INVALID_REQUEST;
            let answered = reply["result"]["isError"] == true
                || reply["error"]["code"] == code::INVALID_PARAMS;
            assert_eq!((answered, refused), (taken, !taken), "{what} {depth}: {reply}");
        };
        check("POST", &appliance.request().body(nested_mcp(depth)).send().json());
        for (name, mut door) in doors(&appliance) {
            for message in [nested_mcp(depth), nested_legacy(depth)] {
                door.send_text(&message);
                check(name, &door.receive());
            }
            check_served(door.as_mut());
        }
    }
}

#[test]
fn an_id_may_have_so_many_bytes() {
    let appliance = Appliance::new().start();
    for bytes in [MAX_ID_BYTES - 1, MAX_ID_BYTES, MAX_ID_BYTES + 1] {
        let id = json!("i".repeat(bytes - 2));
        let ping = json!({ "jsonrpc": "2.0", "id": id, "method": "ping" });
        let check = |what: &str, reply: &Value| {
            if bytes <= MAX_ID_BYTES {
                assert_eq!(reply["id"], id, "{what} {bytes}: {reply}");
                assert!(reply.get("result").is_some(), "{what} {bytes}: {reply}");
            } else {
                assert_eq!(
                    reply["error"]["code"],
                    code::INVALID_REQUEST,
                    "{what} {bytes}: {reply}"
                );
                assert!(reply.get("id").is_none_or(Value::is_null), "{what} {bytes}: {reply}");
            }
        };
        check("POST", &appliance.request().body(ping.to_string()).send().json());
        for (name, mut door) in doors(&appliance) {
            check(name, &door.ask(&hello(&id)));
            check(name, &door.ask(&ping));
            check_served(door.as_mut());
        }
    }
}

/// The first frame of a stranger, padded so that it has this many bytes with its head.
fn first_frame(key: &str, bytes: usize) -> Vec<u8> {
    let call = json!({ "jsonrpc": "2.0", "id": 1, "method": "mcp.auth", "params": [key] });
    let call = call.to_string();
    let payload = bytes - 8;
    let length = u16::try_from(payload).unwrap().to_be_bytes();
    let head = [&[0x81, 0xfe][..], &length, &[0; 4]].concat();
    [&head, call.as_bytes(), " ".repeat(payload - call.len()).as_bytes()].concat()
}

#[test]
fn a_stranger_may_send_so_many_bytes_on_a_websocket() {
    let appliance = Appliance::new().start();
    let most = usize::try_from(MAX_STRANGER_BYTES).unwrap();
    for bytes in [most - 1, most] {
        let mut socket = WebSocket::open(appliance.port(), ShowKey::Later).unwrap();
        socket.send_raw(&first_frame(&appliance.facts().key, bytes));
        assert_eq!(socket.receive()["result"]["client"], "first", "{bytes}");
        check_served(&mut socket);
    }
    // The key is as good, and one byte of nothing too many.
    let mut socket = WebSocket::open(appliance.port(), ShowKey::Later).unwrap();
    socket.send_raw(&first_frame(&appliance.facts().key, most + 1));
    assert_eq!(socket.closed().filter(|code| *code != 1008), None);
}

#[test]
fn a_connection_may_have_so_many_calls_under_way() {
    let appliance = Appliance::new().start();
    let peer = appliance.peer("mute", |_| None);
    for (name, mut door) in doors(&appliance) {
        for id in 0..MAX_CALLS_PER_SESSION {
            door.start_call(&json!(id), "mute", &json!({}), &json!({}));
            // Each of them gets to the server before the next is sent.
            peer.received();
        }
        door.start_call(&json!("more"), "mute", &json!({}), &json!({}));
        let refused = door.receive();
        let expected = (&json!("more"), &json!(code::OVERLOADED));
        assert_eq!((&refused["id"], &refused["error"]["code"]), expected, "{name}");
        // Messages that are no calls of a server wait for nobody.
        check_served(door.as_mut());
    }
}

/// A server that answers a call each time it is told to.
fn gate(appliance: &Appliance) -> (testkit::Peer, Sender<()>) {
    let (open, opened): (Sender<()>, Receiver<()>) = channel();
    let peer = appliance.peer("gate", move |frame| {
        opened.recv().ok()?;
        obey(frame)
    });
    (peer, open)
}

#[test]
fn so_many_calls_of_the_old_dialect_wait_for_their_turn_before_nothing_more_is_read() {
    let appliance = Appliance::new().start();
    let (_peer, open) = gate(&appliance);
    let call =
        |id: usize| json!({ "jsonrpc": "2.0", "id": id, "method": "mcp.gate.gate", "params": [] });
    let ping = |id: &str| json!({ "jsonrpc": "2.0", "id": id, "method": "ping" });
    for (name, mut door) in doors(&appliance) {
        // One is under way, and one fewer than may wait do.
        (0..MAX_CALLS_PER_SESSION).for_each(|id| door.send(&call(id)));
        assert_eq!(door.ask(&ping("early"))["id"], "early", "{name}: there is room, so it is read");
        // Now as many wait as may, and what comes behind them is not read.
        door.send(&call(MAX_CALLS_PER_SESSION));
        door.send(&ping("late"));
        door.send(&call(MAX_CALLS_PER_SESSION + 1));
        // The gateway has had all the time that it needs to be wrong.
        let mut other = appliance.local(End::Newline);
        (0..100).for_each(|_| check_served(&mut other));
        open.send(()).unwrap();
        assert_eq!(door.receive()["id"], 0, "{name}: the ping overtook the call");
        (0..=MAX_CALLS_PER_SESSION).for_each(|_| open.send(()).unwrap());
        // Nothing is lost, and the calls keep their order.
        let ids: Vec<Value> =
            (0..MAX_CALLS_PER_SESSION + 2).map(|_| door.receive()["id"].clone()).collect();
        assert!(ids.contains(&json!("late")), "{name}: {ids:?}");
        let calls: Vec<u64> = ids.iter().filter_map(Value::as_u64).collect();
        let last = MAX_CALLS_PER_SESSION as u64 + 1;
        assert_eq!(calls, (1..=last).collect::<Vec<_>>(), "{name}");
    }
}

#[test]
fn a_server_may_have_so_many_calls_under_way() {
    let appliance = Appliance::new().start();
    let peer = appliance.peer("mute", |_| None);
    let sockets = MAX_CALLS_PER_SERVER.div_ceil(MAX_CALLS_PER_SESSION);
    let mut sockets: Vec<WebSocket> = (0..sockets).map(|_| appliance.websocket()).collect();
    for id in 0..MAX_CALLS_PER_SERVER {
        sockets[id / MAX_CALLS_PER_SESSION].start_call(&json!(id), "mute", &json!({}), &json!({}));
        peer.received();
    }
    for _ in 0..3 {
        let refused = appliance.call("mute", &json!({}));
        assert_eq!(refused["error"]["code"], code::OVERLOADED, "{refused}");
    }
    // Other servers have room.
    let listed = appliance.call("fs_list", &json!({ "path": "/" }));
    assert_eq!(listed["result"]["isError"], false, "{listed}");
    // A call that is given up leaves its place to another, which then waits for the server as they all do.
    sockets[0].cancel(&json!(0));
    until("a place", PATIENCE, || {
        let call = appliance.request().modern("tools/call", &json!({ "name": "mute" }));
        let reply = call.header("X-Request-Timeout-Ms", "1").send().json();
        (reply["error"]["code"] == code::SERVER_TIMEOUT).then_some(())
    });
}

#[test]
fn a_client_may_have_so_many_connections() {
    let appliance = Appliance::new().start();
    let (port, key) = (appliance.port(), appliance.facts().key.clone());
    let mut held: Vec<WebSocket> =
        (0..MAX_CONNECTIONS_PER_CLIENT).map(|_| appliance.websocket()).collect();
    check_served(held.last_mut().unwrap());
    for _ in 0..3 {
        assert_eq!(WebSocket::open(port, ShowKey::Header(&key)).err().unwrap(), 503);
    }
    let refused = appliance.request().legacy("ping", &json!({})).send();
    assert_eq!((refused.status, &refused.json()["error"]["code"]), (503, &json!(code::OVERLOADED)));
    check_served(&mut held[0]);
    drop(held.pop());
    let mut again =
        until("a place", PATIENCE, || WebSocket::open(port, ShowKey::Header(&key)).ok());
    check_served(&mut again);
    assert_eq!(WebSocket::open(port, ShowKey::Header(&key)).err().unwrap(), 503);
}

#[test]
fn a_client_may_have_so_many_sessions() {
    let appliance = Appliance::new().start();
    let _flow = appliance.flow_server();
    let begin = || {
        let params = json!({ "protocolVersion": "2025-06-18", "capabilities": {},
            "clientInfo": { "name": "t", "version": "0" } });
        let response = appliance.request().legacy("initialize", &params).send();
        response.header("mcp-session-id").expect("a session").to_owned()
    };
    // A session that is gone is taken up again by whoever shows it: what shows that it went is the end of its calls.
    let session = begin();
    let wait = json!({ "name": "flow_wait", "arguments": { "ms": 60_000, "label": "oldest" } });
    let request =
        appliance.request().legacy("tools/call", &wait).header("Mcp-Session-Id", &session);
    let state = || appliance.flow_seen().first().map(|seen| seen["state"].clone());
    thread::scope(|scope| {
        let waiting = scope.spawn(|| request.try_send());
        until("the call", PATIENCE, state);
        (1..MAX_SESSIONS_PER_CLIENT).for_each(|_| drop(begin()));
        assert_eq!(state(), Some(json!("running")), "as many as there may be are kept");
        begin();
        until("the end of the oldest", PATIENCE, || (state()? == "cancelled").then_some(()));
        waiting.join().unwrap();
    });
}

#[test]
fn a_servers_reply_may_have_so_many_bytes() {
    let appliance = Appliance::new().file("a.txt", "alpha").start();
    let sizes = [MAX_REPLY_BYTES - 1, MAX_REPLY_BYTES, MAX_REPLY_BYTES + 1];
    let mut next = sizes.into_iter();
    let _peer = appliance.peer("long", move |frame| {
        let mut reply = obey(frame)?;
        reply.pop();
        reply.resize(next.next()?, b' ');
        reply.push(0);
        Some(reply)
    });
    for bytes in sizes {
        let reply = appliance.call("long", &json!({}));
        if bytes <= MAX_REPLY_BYTES {
            assert_eq!(reply["result"]["isError"], false, "{bytes}");
        } else {
            assert_eq!(reply["error"]["code"], code::SERVER_UNAVAILABLE, "{bytes}");
        }
    }
    let read = appliance.call("fs_read", &json!({ "path": "/a.txt" }));
    assert_eq!(read["result"]["structuredContent"]["content"], "alpha");
}

#[test]
fn a_call_may_take_at_least_a_millisecond_and_no_longer_than_the_appliance_grants() {
    let appliance = Appliance::new().file("a.txt", "alpha").call_timeout(1).start();
    let _flow = appliance.flow_server();
    let most = u64::MAX.to_string();
    let wait = json!({ "name": "flow_wait", "arguments": { "ms": 60_000 } });
    let read = json!({ "name": "fs_read", "arguments": { "path": "/a.txt" } });
    let ask = |params: &Value, ms: &str| {
        let request = appliance.request().modern("tools/call", params);
        let response = request.header("X-Request-Timeout-Ms", ms).send();
        (response.status, response.json())
    };
    for none in ["0", "00", "-1", "", "1.5", "1 ", " ", "0x1", "18446744073709551616"] {
        let (status, reply) = ask(&read, none);
        // White space around a value does not belong to it.
        let expected = if none == "1 " { 200 } else { 400 };
        assert_eq!(status, expected, "{none:?}: {reply}");
    }
    for ms in ["1", "2", "999999999", &most] {
        let began = Instant::now();
        let (status, reply) = ask(&wait, ms);
        assert_eq!((status, &reply["error"]["code"]), (200, &json!(code::SERVER_TIMEOUT)), "{ms}");
        // A second and what a busy machine adds, not a minute.
        assert!(began.elapsed() < PATIENCE, "{ms}: {:?}", began.elapsed());
    }
    let (status, reply) = ask(&read, &most);
    assert_eq!((status, &reply["result"]["isError"]), (200, &json!(false)), "{reply}");
    let mut socket = appliance.websocket();
    for (ms, code) in [(0, code::INVALID_PARAMS), (1, code::SERVER_TIMEOUT)] {
        let meta = json!({ "org.llmbasedos/timeoutMs": ms });
        socket.start_call(&json!(ms), "flow_wait", &json!({ "ms": 60_000 }), &meta);
        let reply = socket.receive();
        assert_eq!((&reply["id"], &reply["error"]["code"]), (&json!(ms), &json!(code)), "{reply}");
    }
    let meta = json!({ "org.llmbasedos/timeoutMs": u64::MAX });
    socket.start_call(&json!(2), "fs_read", &json!({ "path": "/a.txt" }), &meta);
    assert_eq!(socket.receive()["result"]["isError"], false);
}

/// What came of a call: `done` or the kind of the error.
fn outcome(appliance: &Appliance, tool: &str, arguments: &Value) -> String {
    let reply = appliance.call(tool, arguments);
    match reply["result"]["_meta"]["org.llmbasedos/errorKind"].as_str() {
        Some(kind) => kind.to_owned(),
        None if reply["result"]["isError"] == false => "done".to_owned(),
        None => format!("error {}", reply["error"]["code"]),
    }
}

/// Checks what comes of a call around a bound: done up to it, and this kind of error from then on.
fn check_bound(
    appliance: &Appliance,
    bound: usize,
    beyond: &str,
    call: impl Fn(usize) -> (&'static str, Value),
) {
    for size in [bound - 1, bound, bound + 1] {
        let (tool, arguments) = call(size);
        let expected = if size <= bound { "done" } else { beyond };
        let found = outcome(appliance, tool, &arguments);
        let shown: String = arguments.to_string().chars().take(80).collect();
        assert_eq!(found, expected, "{tool} {shown} at {size}");
    }
}

#[test]
fn paths_names_folders_and_links_have_bounds() {
    let appliance = Appliance::new().file("end", "x").start();
    let root = appliance.root();
    // Only the text is long: it means the root itself.
    check_bound(&appliance, MAX_PATH_BYTES, "invalid_arguments", |bytes| {
        ("fs_list", json!({ "path": "/".repeat(bytes) }))
    });
    check_bound(&appliance, MAX_NAME_BYTES, "invalid_arguments", |bytes| {
        ("fs_write", json!({ "path": format!("/{}", "n".repeat(bytes)), "content": "x" }))
    });
    let depth = vroot::limits::MAX_DEPTH;
    let folders = |levels: usize| vec!["d"; levels].join("/");
    fs::create_dir_all(root.join(folders(depth + 1))).unwrap();
    // The folder that is entered counts, and not what is in it.
    check_bound(&appliance, depth, "too_large", |levels| {
        let file = format!("{}/file", folders(levels));
        fs::write(root.join(&file), "x").unwrap();
        ("fs_read", json!({ "path": format!("/{file}") }))
    });
    symlink("end", root.join("link1")).unwrap();
    for number in 2..=MAX_LINKS + 1 {
        symlink(format!("link{}", number - 1), root.join(format!("link{number}"))).unwrap();
    }
    check_bound(&appliance, MAX_LINKS, "invalid_arguments", |links| {
        ("fs_read", json!({ "path": format!("/link{links}") }))
    });
}

#[test]
fn what_is_read_appended_and_listed_has_bounds() {
    let appliance = Appliance::new().file("end", "x").start();
    let root = appliance.root();
    let most = usize::try_from(MAX_READ_BYTES).unwrap();
    for size in [most - 1, most, most + 1] {
        fs::write(root.join(format!("read{size}")), vec![b'x'; size]).unwrap();
    }
    check_bound(&appliance, most, "too_large", |size| {
        ("fs_read", json!({ "path": format!("/read{size}") }))
    });
    // What is there already is a hole, so that the test costs no disk.
    let most = usize::try_from(APPEND_MAX_BYTES).unwrap();
    check_bound(&appliance, most, "too_large", |size| {
        let file = fs::File::create(root.join("append")).unwrap();
        file.set_len(size as u64 - 1).unwrap();
        ("fs_write", json!({ "path": "/append", "content": "x", "append": true }))
    });
    fs::remove_file(root.join("append")).unwrap();

    check_bound(&appliance, MAX_LIST_ENTRIES, "invalid_arguments", |limit| {
        ("fs_list", json!({ "path": "/", "limit": limit }))
    });
    for (limit, expected) in [(0, "invalid_arguments"), (1, "done")] {
        let found = outcome(&appliance, "fs_list", &json!({ "path": "/", "limit": limit }));
        assert_eq!(found, expected, "{limit}");
    }
    fs::create_dir(root.join("full")).unwrap();
    for number in 0..=MAX_LIST_ENTRIES {
        fs::write(root.join(format!("full/{number:05}")), "").unwrap();
        let files = number + 1;
        if files + 1 < MAX_LIST_ENTRIES {
            continue;
        }
        let reply = appliance.call("fs_list", &json!({ "path": "/full" }));
        let page = &reply["result"]["structuredContent"];
        let listed = page["entries"].as_array().unwrap().len();
        let more = page.get("next_cursor").is_some();
        assert_eq!((listed, more), (files.min(MAX_LIST_ENTRIES), files > MAX_LIST_ENTRIES));
        if more {
            let next = json!({ "path": "/full", "cursor": page["next_cursor"] });
            let reply = appliance.call("fs_list", &next);
            assert_eq!(reply["result"]["structuredContent"]["entries"][0]["name"], "01000");
        }
    }
}
