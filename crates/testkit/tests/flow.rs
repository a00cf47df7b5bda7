//! What happens to a call between client and handler: it is cancelled, it tells of progress, its time is bounded, and none is
//! lost when the gateway stops.
#![cfg(test)]

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::os::unix::net::UnixStream;
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use testkit::{Appliance, Door, End, until};

/// How long a test waits for what must come.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long after a client gives a call up its handler may work on.
const GIVEN_UP: Duration = Duration::from_millis(250);
/// Longer than any test runs: a call that ends before was stopped.
const LONG_MS: u64 = 120_000;

/// The call with this label, once it has begun.
fn begun(appliance: &Appliance, label: &str) -> Option<Value> {
    appliance.flow_seen().into_iter().find(|seen| seen["label"] == label)
}

/// Waits until a call runs, gives it up, and sees to it that its handler stopped in time.
#[track_caller]
fn stops(appliance: &Appliance, label: &str, give_up: impl FnOnce()) {
    until("the call to run", PATIENCE, || begun(appliance, label));
    let running = Instant::now();
    give_up();
    let until_then = running.elapsed();
    let seen = until("the handler to stop", PATIENCE, || {
        begun(appliance, label).filter(|seen| seen["state"] != "running")
    });
    assert_eq!(seen["state"], "cancelled", "{label}: {seen}");
    // It ran for `ms` since before it was seen to run, so it stopped this long after it was given up, at the most.
    let after = Duration::from_millis(seen["ms"].as_u64().unwrap()).saturating_sub(until_then);
    println!("{label}: stopped {after:?} after it was given up, at the most (goal: {GIVEN_UP:?})");
    assert!(after <= GIVEN_UP, "{label}: {after:?} after it was given up");
}

/// Both ways in which a handler can be at work: waiting, and computing on the pool of blocking threads.
const TOOLS: [&str; 2] = ["flow_wait", "flow_spin"];

#[test]
fn closing_the_connection_stops_the_work() {
    let appliance = Appliance::new().start();
    let _flow = appliance.flow_server();
    for tool in TOOLS {
        let label = format!("http {tool}");
        let mut stream =
            post(&appliance, tool, &json!({ "ms": LONG_MS, "label": label }), &json!({}));
        stops(&appliance, &label, || stream.shutdown(Shutdown::Both).unwrap());
        assert_eq!(stream.read(&mut [0]).unwrap_or(0), 0);
    }
    // The same once the answer is a stream.
    let arguments = json!({ "steps": 1000, "ms": 120, "label": "stream" });
    let mut stream = post(&appliance, "flow_steps", &arguments, &json!({ "progressToken": 1 }));
    let mut seen = String::new();
    until("a step", PATIENCE, || {
        let mut chunk = [0; 4096];
        let length = stream.read(&mut chunk).unwrap();
        seen += &String::from_utf8_lossy(&chunk[..length]);
        seen.contains("notifications/progress").then_some(())
    });
    assert!(seen.contains("text/event-stream"), "{seen}");
    stops(&appliance, "stream", || drop(stream));
}

#[test]
fn an_older_client_gives_a_call_up_by_its_session() {
    let appliance = Appliance::new().start();
    let _flow = appliance.flow_server();
    let initialize = || {
        let params = json!({ "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": { "name": "t", "version": "0" } });
        let answer = appliance.request().legacy("initialize", &params).send();
        answer.header("mcp-session-id").expect("a session").to_owned()
    };
    let (mine, other) = (initialize(), initialize());
    let wait = |session: &str, label: &str, ms: u64| {
        let params = json!({ "name": "flow_wait", "arguments": { "ms": ms, "label": label } });
        appliance.request().legacy("tools/call", &params).header("Mcp-Session-Id", session)
    };
    let tell = |session: &str, method: &str| {
        let body = json!({ "jsonrpc": "2.0", "method": method, "params": { "requestId": 1 } });
        let request = appliance.request().body(body.to_string()).header("Mcp-Session-Id", session);
        request.send().status
    };
    thread::scope(|scope| {
        // Two hosts with one key count their ids anew: both of these calls have the id 1.
        let theirs = scope.spawn(|| wait(&other, "theirs", 3000).send());
        let given_up = scope.spawn(|| wait(&mine, "mine", LONG_MS).send());
        until("their call to run", PATIENCE, || begun(&appliance, "theirs"));
        stops(&appliance, "mine", || assert_eq!(tell(&mine, "notifications/cancelled"), 202));
        assert_eq!(given_up.join().unwrap().status, 202, "what was given up has no answer");
        assert_eq!(theirs.join().unwrap().json()["result"]["isError"], false);
    });
    let delete =
        || appliance.request().method("DELETE").header("Mcp-Session-Id", &mine).send().status;
    assert_eq!((delete(), delete()), (204, 404));
    for (session, status) in [(mine.as_str(), 404), ("no such", 404), (other.as_str(), 200)] {
        assert_eq!(wait(session, "after", 0).send().status, status, "{session}");
    }
    assert_eq!(tell(&mine, "notifications/initialized"), 404);
    // The modern era has no sessions and passes over the header.
    let params = json!({ "name": "flow_count", "arguments": {} });
    let modern = appliance.request().modern("tools/call", &params);
    assert_eq!(modern.header("Mcp-Session-Id", "no such").send().status, 200);
}

#[test]
fn a_websocket_stops_a_call_by_its_id_and_all_by_its_end() {
    let appliance = Appliance::new().start();
    let _flow = appliance.flow_server();
    let mut socket = appliance.websocket();
    for tool in TOOLS {
        let label = format!("websocket {tool}");
        let arguments = json!({ "ms": LONG_MS, "label": label });
        socket.start_call(&json!(label), tool, &arguments, &json!({}));
        stops(&appliance, &label, || socket.cancel(&json!(label)));
    }
    let old = json!({ "jsonrpc": "2.0", "id": 5, "method": "mcp.flow.wait", "params": [LONG_MS, "old dialect"] });
    socket.send(&old);
    stops(&appliance, "old dialect", || socket.cancel(&json!(5)));
    // What was given up is not answered: the next message is the answer to the next call.
    socket.start_call(&json!("next"), "flow_count", &json!({}), &json!({}));
    assert_eq!(socket.receive()["id"], "next");

    socket.start_call(
        &json!(1),
        "flow_spin",
        &json!({ "ms": LONG_MS, "label": "end" }),
        &json!({}),
    );
    stops(&appliance, "end", || drop(socket));
}

#[test]
fn a_local_program_stops_a_call_by_its_id_and_all_by_going_away() {
    let appliance = Appliance::new().start();
    let _flow = appliance.flow_server();
    let mut local = appliance.local(End::Newline);
    local.start_call(&json!(1), "flow_wait", &json!({ "ms": LONG_MS, "label": "id" }), &json!({}));
    stops(&appliance, "id", || local.cancel(&json!(1)));
    local.start_call(
        &json!(2),
        "flow_wait",
        &json!({ "ms": LONG_MS, "label": "gone" }),
        &json!({}),
    );
    stops(&appliance, "gone", || drop(local));
    // Whoever only sends no more still waits for the answer.
    let mut script = appliance.local(End::Nul);
    script.start_call(&json!(3), "flow_wait", &json!({ "ms": 400, "label": "script" }), &json!({}));
    script.end_sending();
    let reply: Value = serde_json::from_str(&script.next_text().unwrap()).unwrap();
    assert_eq!((&reply["id"], &reply["result"]["isError"]), (&json!(3), &json!(false)), "{reply}");
}

#[test]
fn the_time_that_a_client_grants_is_the_handlers_too() {
    let appliance = Appliance::new().start();
    let _flow = appliance.flow_server();
    let params = |label: &str, meta: Value| json!({ "name": "flow_wait", "arguments": { "ms": LONG_MS, "label": label }, "_meta": meta });
    let meta = json!({ "org.llmbasedos/timeoutMs": 200 });
    let by_meta = appliance.request().modern("tools/call", &params("meta", meta.clone()));
    let by_header = appliance
        .request()
        .modern("tools/call", &params("header", json!({})))
        .header("X-Request-Timeout-Ms", "200");
    for (label, request) in [("meta", by_meta), ("header", by_header)] {
        let reply = request.send().json();
        assert_eq!(reply["error"]["code"], -31_504, "{label}: {reply}");
        let seen = until("the handler to stop", PATIENCE, || {
            begun(&appliance, label).filter(|seen| seen["state"] == "cancelled")
        });
        let ms = seen["ms"].as_u64().unwrap();
        assert!(ms <= 200 + 250, "{label}: {ms} ms");
    }
    let mut socket = appliance.websocket();
    socket.start_call(&json!(1), "flow_wait", &json!({ "ms": LONG_MS, "label": "socket" }), &meta);
    assert_eq!(socket.receive()["error"]["code"], -31_504);
    // More than the appliance grants is not granted, and what is no time is refused.
    for bad in [json!(0), json!(-1), json!("1"), json!(1.5)] {
        let meta = json!({ "org.llmbasedos/timeoutMs": bad });
        let reply = appliance.request().modern("tools/call", &params("bad", meta)).send();
        assert_eq!((reply.status, &reply.json()["error"]["code"]), (400, &json!(-32_602)), "{bad}");
    }
    let bad = appliance.request().modern("tools/call", &params("bad", json!({})));
    assert_eq!(bad.header("X-Request-Timeout-Ms", "soon").send().status, 400);
    assert!(begun(&appliance, "bad").is_none());
}

#[test]
fn progress_reaches_the_one_who_asked_under_its_own_token() {
    let appliance = Appliance::new().start();
    let _flow = appliance.flow_server();
    let steps = json!({ "steps": 3, "ms": 150 });
    // Two clients with the same token and the same id, on one connection of the gateway to the server.
    let (mut one, mut other) = (appliance.websocket(), appliance.local(End::Newline));
    let token = json!({ "progressToken": "tok\u{e9}n" });
    one.start_call(&json!(1), "flow_steps", &steps, &token);
    other.start_call(&json!(1), "flow_steps", &json!({ "steps": 2, "ms": 150 }), &token);
    let doors: [(&mut dyn Door, u64); 2] = [(&mut one, 3), (&mut other, 2)];
    for (door, steps) in doors {
        for step in 1..=steps {
            let told = door.receive();
            assert_eq!(told["method"], "notifications/progress", "{told}");
            let params = &told["params"];
            assert_eq!(
                (&params["progressToken"], params["progress"].as_f64(), params["total"].as_f64()),
                (&json!("tok\u{e9}n"), Some(f64_of(step)), Some(f64_of(steps)))
            );
        }
        let reply = door.receive();
        assert_eq!(reply["result"]["isError"], false, "{reply}");
    }
    // Without a token nothing is told.
    one.start_call(&json!(2), "flow_steps", &json!({ "steps": 2, "ms": 10 }), &json!({}));
    assert_eq!(one.receive()["id"], 2);
}

fn f64_of(number: u64) -> f64 {
    f64::from(u32::try_from(number).unwrap())
}

#[test]
fn an_answer_is_a_stream_only_where_something_comes_before_it() {
    let appliance = Appliance::new().start();
    let _flow = appliance.flow_server();
    let meta = json!({ "progressToken": 7 });
    let steps = json!({ "steps": 3, "ms": 150, "label": "s" });
    let mut stream = post(&appliance, "flow_steps", &steps, &meta);
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    let head = text.to_ascii_lowercase();
    assert!(head.contains("content-type: text/event-stream"), "{text}");
    assert!(head.contains("x-accel-buffering: no"), "{text}");
    let events: Vec<Value> = text
        .lines()
        .filter_map(|line| line.strip_prefix("data: "))
        .map(|data| serde_json::from_str(data).unwrap())
        .collect();
    let progress: Vec<_> =
        events.iter().filter_map(|event| event["params"]["progress"].as_f64()).collect();
    assert_eq!(progress, [1.0, 2.0, 3.0], "{text}");
    assert!(events.iter().take(3).all(|event| event["params"]["progressToken"] == 7));
    assert_eq!(events.last().unwrap()["result"]["isError"], false, "{text}");

    let params = |meta: &Value| json!({ "name": "flow_steps", "arguments": { "steps": 2, "ms": 10 }, "_meta": meta });
    let both = "application/json, text/event-stream";
    for (accept, meta) in [(both, json!({})), ("application/json", meta)] {
        let request =
            appliance.request().modern("tools/call", &params(&meta)).header("Accept", accept);
        let answer = request.send();
        assert_eq!(answer.header("content-type"), Some("application/json"), "{accept}");
        assert_eq!(answer.json()["result"]["isError"], false);
    }
    for bad in [json!({}), json!(null), json!([1]), json!(true)] {
        let meta = json!({ "progressToken": bad });
        let reply = appliance.request().modern("tools/call", &params(&meta)).send().json();
        assert_eq!(reply["error"]["code"], -32_602, "{bad}");
    }
}

/// Begins a call over HTTP, whose answer may be a stream, and leaves its connection to the test.
fn post(appliance: &Appliance, tool: &str, arguments: &Value, meta: &Value) -> TcpStream {
    let params = json!({ "name": tool, "arguments": arguments, "_meta": meta });
    let request = appliance
        .request()
        .modern("tools/call", &params)
        .header("Accept", "application/json, text/event-stream")
        .header("Connection", "close");
    let mut stream = TcpStream::connect(("127.0.0.1", appliance.port())).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.write_all(&request.bytes()).unwrap();
    stream
}

/// One client of the drain: it counts until the gateway is gone, and gives the counts that it was told.
fn count_until_gone(
    appliance: &Appliance,
    number: usize,
    stopping: &AtomicBool,
    begun: &AtomicUsize,
) -> Vec<u64> {
    let arguments = json!({ "ms": 20 });
    let mut counts = Vec::new();
    let mut door: Option<Box<dyn Door>> = match number % 3 {
        0 => None,
        1 => Some(Box::new(appliance.websocket())),
        _ => Some(Box::new(appliance.local(End::Nul))),
    };
    loop {
        let reply = match &mut door {
            Some(door) => std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
                door.start_call(&json!(counts.len()), "flow_count", &arguments, &json!({}));
                door.receive()
            }))
            .ok(),
            None => std::panic::catch_unwind(|| {
                let params = json!({ "name": "flow_count", "arguments": arguments });
                let request = appliance.request().modern("tools/call", &params);
                testkit::exchange(appliance.port(), &request.bytes()).map(|answer| answer.json())
            })
            .ok()
            .flatten(),
        };
        let count =
            reply.as_ref().and_then(|reply| reply["result"]["structuredContent"]["count"].as_u64());
        // The gateway takes no more; before it was asked to stop, every call has an answer.
        let Some(count) = count else {
            assert!(stopping.load(Ordering::SeqCst), "client {number}: {reply:?}");
            return counts;
        };
        counts.push(count);
        begun.fetch_add(1, Ordering::SeqCst);
    }
}

#[test]
fn no_call_under_way_is_lost_when_the_gateway_stops() {
    const CLIENTS: usize = 32;
    let appliance = Appliance::new().start();
    let _flow = appliance.flow_server_with(&[("LLMBDO_FLOW_WORKERS", "32")]);
    let (stopping, begun) = (AtomicBool::new(false), AtomicUsize::new(0));
    let told: Vec<u64> = thread::scope(|scope| {
        let clients: Vec<_> = (0..CLIENTS)
            .map(|number| {
                let (appliance, stopping, begun) = (&appliance, &stopping, &begun);
                scope.spawn(move || count_until_gone(appliance, number, stopping, begun))
            })
            .collect();
        until("the clients to be at work", PATIENCE, || {
            (begun.load(Ordering::SeqCst) >= 10 * CLIENTS).then_some(())
        });
        stopping.store(true, Ordering::SeqCst);
        let gateway = appliance.facts().pids["gateway"].to_string();
        assert!(Command::new("kill").args(["-TERM", &gateway]).status().unwrap().success());
        clients.into_iter().flat_map(|client| client.join().unwrap()).collect()
    });
    let once: BTreeSet<u64> = told.iter().copied().collect();
    assert_eq!(once.len(), told.len(), "no count was told twice");
    let counted = counted_by_the_handler(&appliance);
    assert_eq!(
        told.len(),
        usize::try_from(counted).unwrap(),
        "answers, and calls that the handler did"
    );
}

#[test]
fn a_call_that_takes_its_time_is_answered_on_every_door() {
    // One door an appliance: none of them may live on what another waits for.
    type Open = fn(&Appliance) -> Box<dyn Door>;
    let doors: [Open; 3] = [
        |appliance| Box::new(appliance.websocket()),
        |appliance| Box::new(appliance.local(End::Nul)),
        |appliance| Box::new(appliance.local(End::Newline)),
    ];
    for open in doors {
        let appliance = Appliance::new().start();
        let _flow = appliance.flow_server();
        let mut door = open(&appliance);
        let arguments = json!({ "ms": 1500, "label": "slow" });
        door.start_call(&json!("slow"), "flow_count", &arguments, &json!({}));
        until("the call to run", PATIENCE, || begun(&appliance, "slow"));
        let gateway = appliance.facts().pids["gateway"].to_string();
        assert!(Command::new("kill").args(["-TERM", &gateway]).status().unwrap().success());
        let reply = door.receive();
        assert_eq!(reply["result"]["structuredContent"]["count"], 1, "{reply}");
    }
}

/// Asks the server itself, past the gateway that is gone, how many calls it has counted.
fn counted_by_the_handler(appliance: &Appliance) -> u64 {
    let mut stream = UnixStream::connect(appliance.state().join("run/flow.sock")).unwrap();
    let meta = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {},
        "org.llmbasedos/caller": { "client": "test", "request": "1", "origin": "http", "policyGeneration": 0,
        "scopes": [{ "collection": "files", "prefix": "/" }] },
    });
    let params = json!({ "name": "flow_count", "arguments": {}, "_meta": meta });
    let message = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params });
    stream.write_all(&[message.to_string().as_bytes(), b"\0"].concat()).unwrap();
    let mut reply = Vec::new();
    let mut byte = [0];
    while stream.read(&mut byte).unwrap() == 1 && byte != [0] {
        reply.push(byte[0]);
    }
    let reply: Value = serde_json::from_slice(&reply).unwrap();
    // This call counted too.
    reply["result"]["structuredContent"]["count"].as_u64().unwrap() - 1
}
