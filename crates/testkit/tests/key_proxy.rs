//! The proxy that shows the key changes nothing else, so that what the conformance suite sees is the gateway.
#![cfg(test)]

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::json;
use testkit::{Appliance, KeyProxy, Request, until};

/// How long a test waits for what must come.
const PATIENCE: Duration = Duration::from_secs(30);

fn start() -> (Appliance, KeyProxy) {
    let appliance = Appliance::new().start();
    let proxy = KeyProxy::start(appliance.port(), &appliance.facts().key);
    (appliance, proxy)
}

/// A request without a key.
fn keyless(port: u16) -> Request {
    Request::new(port, "").without("Authorization")
}

#[test]
fn it_shows_the_key_and_hides_nothing() {
    let (appliance, proxy) = start();
    let status = |request: &Request| request.send().status;
    let list = |port| keyless(port).modern("tools/list", &json!({}));
    assert_eq!(status(&list(appliance.port())), 401, "the gateway itself wants the key");
    assert_eq!(status(&list(proxy.port())), 200);
    assert_eq!(status(&list(proxy.port()).header("Host", "evil.example")), 403);
    assert_eq!(status(&list(proxy.port()).header("Origin", "http://evil.example")), 403);
    assert_eq!(status(&list(proxy.port()).header("Mcp-Method", "ping")), 400);
    assert_eq!(status(&list(proxy.port()).method("GET")), 405);
    // What a client of a pool would reuse is closed, so that no request goes without a key.
    let answer = list(proxy.port()).header("Connection", "keep-alive").send();
    assert_eq!((answer.status, answer.header("connection")), (200, Some("close")));
}

#[test]
fn events_come_at_once_and_a_client_that_goes_cancels() {
    let (appliance, proxy) = start();
    let _flow = appliance.flow_server();
    let params = json!({
        "name": "flow_steps",
        "arguments": { "steps": 10_000, "ms": 120, "label": "left" },
        "_meta": { "progressToken": 1 },
    });
    let mut client = TcpStream::connect(("127.0.0.1", proxy.port())).unwrap();
    client.set_read_timeout(Some(PATIENCE)).unwrap();
    client.write_all(&keyless(proxy.port()).modern("tools/call", &params).bytes()).unwrap();
    let mut seen = Vec::new();
    until("an event of a call that goes on for minutes", PATIENCE, || {
        let mut chunk = [0; 4096];
        let length = client.read(&mut chunk).unwrap();
        seen.extend_from_slice(&chunk[..length]);
        String::from_utf8_lossy(&seen).contains("notifications/progress").then_some(())
    });
    drop(client);
    until("the call to be cancelled", PATIENCE, || {
        let calls = appliance.flow_seen();
        calls
            .iter()
            .any(|call| call["label"] == "left" && call["state"] == "cancelled")
            .then_some(())
    });
}
