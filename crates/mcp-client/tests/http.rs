//! Streamable HTTP: what is sent, and that every request gets one answer whatever the server does.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "what is missing fails the test"
)]

mod common;

use std::time::{Duration, Instant};

use common::{Answer, PATIENCE, Server, answer, events, json, receive};
use mcp_client::{Link, Target};
use mcp_wire::code;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::time::timeout;

/// How soon a cancelled request must be gone.
const SOON: Duration = Duration::from_millis(250);

const OK: &str = r#"{"jsonrpc":"2.0","id":1,"result":{}}"#;
const ASK: &str = r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#;

fn modern(id: &Value, method: &str, params: &Value) -> String {
    let mut params = params.clone();
    params["_meta"] = json!({ "io.modelcontextprotocol/protocolVersion": "2026-07-28" });
    json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params }).to_string()
}

#[tokio::test]
async fn a_message_goes_as_it_is_with_the_headers_of_its_era() {
    let mut server = Server::start(|_| json(200, OK)).await;
    let (sender, mut receiver) = server.link().await;

    let text = "{ \"jsonrpc\":\"2.0\", \"id\" : 1,\"method\":\"tools/list\"}";
    sender.send(text).await.unwrap();
    assert_eq!(receive(&mut receiver).await["result"], json!({}));
    let seen = server.request().await;
    assert_eq!(seen.body, text);
    assert_eq!(seen.start, "POST /mcp HTTP/1.1");
    assert_eq!(seen.header("authorization"), Some("Bearer s3cret"));
    assert_eq!(seen.header("accept"), Some("application/json, text/event-stream"));
    assert_eq!(seen.header("content-type"), Some("application/json"));
    assert_eq!(seen.header("mcp-protocol-version"), None);
    assert_eq!(seen.header("mcp-method"), None);

    sender.send(&modern(&json!(1), "tools/call", &json!({ "name": "é" }))).await.unwrap();
    receive(&mut receiver).await;
    let seen = server.request().await;
    assert_eq!(seen.header("mcp-protocol-version"), Some("2026-07-28"));
    assert_eq!(seen.header("mcp-method"), Some("tools/call"));
    assert_eq!(seen.header("mcp-name"), Some("=?base64?w6k=?="));
}

#[tokio::test]
async fn the_older_era_has_a_session() {
    let mut server = Server::start(|seen| {
        if seen.start.starts_with("DELETE") {
            return answer(204, "", "");
        }
        match seen.json()["method"].as_str().unwrap() {
            "initialize" => answer(
                200,
                "content-type: application/json\r\nmcp-session-id: the-session\r\n",
                r#"{"jsonrpc":"2.0","id":1,"result":{"protocolVersion":"2025-06-18"}}"#,
            ),
            "notifications/initialized" => answer(202, "", ""),
            _ => json(200, OK),
        }
    })
    .await;
    let (sender, mut receiver) = server.link().await;
    let initialize = ASK.replace("tools/list", "initialize");
    let initialized = r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#;
    sender.send(&initialize).await.unwrap();
    receive(&mut receiver).await;
    let seen = server.request().await;
    assert_eq!(seen.header("mcp-session-id"), None);

    sender.send(initialized).await.unwrap();
    assert_eq!(server.request().await.header("mcp-session-id"), Some("the-session"));
    sender.send(ASK).await.unwrap();
    receive(&mut receiver).await;
    let seen = server.request().await;
    assert_eq!(seen.header("mcp-session-id"), Some("the-session"));
    assert_eq!(seen.header("mcp-protocol-version"), Some("2025-06-18"));
    // A modern request on the same link belongs to no session.
    sender.send(&modern(&json!(1), "tools/list", &json!({}))).await.unwrap();
    receive(&mut receiver).await;
    assert_eq!(server.request().await.header("mcp-session-id"), None);

    drop(sender);
    let seen = server.request().await;
    assert_eq!(seen.start, "DELETE /mcp HTTP/1.1");
    assert_eq!(seen.header("mcp-session-id"), Some("the-session"));
    assert_eq!(seen.header("authorization"), Some("Bearer s3cret"));
    assert_eq!(timeout(PATIENCE, receiver.receive()).await.unwrap(), None, "the link has ended");
}

#[tokio::test]
async fn a_stream_gives_what_comes_before_the_answer_as_it_comes() {
    let progress = r#"{"jsonrpc":"2.0","method":"notifications/progress","params":{}}"#;
    let mut server = Server::start(move |_| {
        // Two lines of data are one text; comments and events without data are nothing.
        let (one, two) = OK.split_once(",\"result\"").unwrap();
        Answer::Hang(events(&format!(
            ": hello\r\n\r\nid: 0\ndata:\n\nevent: message\ndata: {progress}\n\n: still here\n\ndata: {one}\ndata: ,\"result\"{two}\n\n"
        )))
    })
    .await;
    let (sender, mut receiver) = server.link().await;
    sender.send(ASK).await.unwrap();
    assert_eq!(receive(&mut receiver).await["method"], "notifications/progress");
    assert_eq!(receive(&mut receiver).await["result"], json!({}));
    server.request().await;
    // The answer ends the request, whether the server ends the stream or not.
    server.closed().await;
}

/// What becomes of a request whose `POST` is answered so: the error's code, and words of its message.
async fn check(
    answer: impl Fn() -> Answer + Send + Sync + Clone + 'static,
    code: i32,
    words: &str,
) {
    let server = Server::start(move |_| answer()).await;
    let (sender, mut receiver) = server.link().await;
    sender.send(ASK).await.unwrap();
    let reply = receive(&mut receiver).await;
    assert_eq!(reply["id"], 1, "{reply}");
    assert_eq!(reply["error"]["code"], code, "{reply}");
    let message = reply["error"]["message"].as_str().unwrap();
    assert!(message.contains(words), "`{words}` in {message}");
    assert!(!message.contains("s3cret"), "{message}");
    // The link goes on.
    sender.send("{").await.unwrap();
    assert_eq!(receive(&mut receiver).await["error"]["code"], code::PARSE_ERROR);
}

#[tokio::test]
async fn a_refusal_in_json_rpc_is_passed_on() {
    let body =
        |id: &str| format!(r#"{{"jsonrpc":"2.0",{id}"error":{{"code":-7,"message":"mine"}}}}"#);
    for id in ["\"id\":1,", "", "\"id\":null,"] {
        let body = body(id);
        check(move || json(400, &body), -7, "mine").await;
    }
    let body = body("");
    check(move || json(200, &body), -7, "mine").await;
}

#[tokio::test]
async fn every_other_refusal_says_what_to_do() {
    let plain = |status| move || answer(status, "content-type: text/plain\r\n", "no");
    check(plain(401), code::UNAUTHENTICATED, "give it the client key").await;
    check(plain(403), code::FORBIDDEN_ORIGIN, "`allowed_hosts`").await;
    check(plain(404), code::NOT_FOUND, "correct the path").await;
    check(plain(413), code::TOO_LARGE, "send less").await;
    check(plain(503), code::OVERLOADED, "try again later").await;
    check(plain(504), code::SERVER_TIMEOUT, "in time").await;
    check(plain(500), code::INTERNAL_ERROR, "HTTP status 500").await;
    check(|| json(500, "{}"), code::INTERNAL_ERROR, "HTTP status 500").await;
    // Another answer's body is not taken for a refusal of this request.
    let other = r#"{"jsonrpc":"2.0","id":2,"error":{"code":-7,"message":"mine"}}"#;
    check(|| json(401, other), code::UNAUTHENTICATED, "client key").await;
}

#[tokio::test]
async fn what_is_no_answer_is_said() {
    let unavailable = code::SERVER_UNAVAILABLE;
    check(|| json(200, "<html>"), unavailable, "is it an MCP server?").await;
    check(|| json(200, r#"{"jsonrpc":"2.0","id":2,"result":{}}"#), unavailable, "no answer").await;
    check(|| answer(202, "", ""), unavailable, "neither JSON nor events").await;
    check(|| answer(200, "content-type: text/html\r\n", "hi"), unavailable, "neither").await;
    check(|| Answer::Last(events("data: {}\n\n")), unavailable, "no answer").await;
    check(|| Answer::Last(events("data: \u{0}\n\n")), unavailable, "no answer").await;
    check(|| Answer::Last(events(": nothing\n\n")), unavailable, "before the answer came").await;
    let cut = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 99\r\n\r\n{";
    check(|| Answer::Last(cut.to_owned()), unavailable, "before the answer came").await;
    check(|| Answer::Last(String::new()), unavailable, "before the answer came").await;
}

#[tokio::test]
async fn an_answer_that_is_too_long_is_not_taken() {
    let long = "x".repeat(mcp_wire::limits::MAX_REPLY_BYTES + 1);
    let body = long.clone();
    check(move || json(200, &body), code::SERVER_UNAVAILABLE, "ask for less").await;
    // Without an end of the event, so that only the bound ends it.
    let event = events(&format!("data: {long}{long}"));
    check(move || Answer::Hang(event.clone()), code::SERVER_UNAVAILABLE, "ask for less").await;
    let refusal = "x".repeat(mcp_client::limits::MAX_REFUSAL_BYTES + 1);
    check(move || json(401, &refusal), code::UNAUTHENTICATED, "client key").await;
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let mut elsewhere = Server::start(|_| json(200, OK)).await;
    let location = format!("location: {}\r\n", elsewhere.url);
    for status in [301, 302, 307, 308] {
        let location = location.clone();
        check(move || answer(status, &location, ""), code::NOT_FOUND, "the address leads on").await;
    }
    let (sender, mut receiver) = elsewhere.link().await;
    sender.send(&ASK.replace("tools/list", "first")).await.unwrap();
    receive(&mut receiver).await;
    assert_eq!(elsewhere.request().await.json()["method"], "first", "the key went there before");
}

#[tokio::test]
async fn a_server_that_is_not_there_is_said_and_may_come() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let target: Target = format!("http://{address}/mcp?key=s3cret").parse().unwrap();
    let (sender, mut receiver) = Link::connect(&target, None).await.unwrap().split();
    sender.send(ASK).await.unwrap();
    let reply = receive(&mut receiver).await;
    assert_eq!(reply["error"]["code"], code::SERVER_UNAVAILABLE);
    let message = reply["error"]["message"].as_str().unwrap();
    assert!(message.contains("is the gateway running?"), "{message}");
    assert!(message.contains("refused") && !message.contains("s3cret"), "{message}");
}

#[tokio::test]
async fn a_request_that_is_cancelled_is_dropped() {
    let mut server = Server::start(|seen| match seen.json()["method"].as_str().unwrap() {
        "slow" => Answer::Hang(String::new()),
        "notifications/cancelled" => answer(202, "", ""),
        _ => json(200, OK),
    })
    .await;
    let (sender, mut receiver) = server.link().await;
    let cancel = |id: &str| {
        format!(
            r#"{{"jsonrpc":"2.0","method":"notifications/cancelled","params":{{"requestId":{id}}}}}"#
        )
    };
    sender.send(&modern(&json!("a"), "slow", &json!({}))).await.unwrap();
    server.request().await;
    // Another request is not kept waiting.
    sender.send(ASK).await.unwrap();
    assert_eq!(receive(&mut receiver).await["id"], 1);
    server.request().await;

    let since = Instant::now();
    sender.send(&cancel("\"a\"")).await.unwrap();
    server.closed().await;
    assert!(since.elapsed() < SOON, "{:?}", since.elapsed());

    // In the older era the notification is sent as well.
    sender.send(&ASK.replace('1', "7").replace("tools/list", "slow")).await.unwrap();
    server.request().await;
    sender.send(&cancel("7")).await.unwrap();
    let mut noted = 0;
    for _ in 0..2 {
        if let common::Event::Request(seen) = server.event().await {
            assert_eq!(seen.json()["params"]["requestId"], 7);
            noted += 1;
        }
    }
    assert_eq!(noted, 1, "the end of the connection, and the notification");
    // What was cancelled has no answer: the next that comes is another's.
    sender.send(ASK).await.unwrap();
    assert_eq!(receive(&mut receiver).await["id"], 1);
}

#[tokio::test]
async fn requests_under_way_are_bounded_and_ids_are_used_once() {
    let mut server = Server::start(|_| Answer::Hang(String::new())).await;
    let (sender, mut receiver) = server.link().await;
    for id in 0..mcp_client::limits::MAX_REQUESTS {
        sender.send(&modern(&json!(id), "slow", &json!({}))).await.unwrap();
    }
    sender.send(&modern(&json!("one more"), "slow", &json!({}))).await.unwrap();
    let reply = receive(&mut receiver).await;
    assert_eq!(
        (&reply["id"], &reply["error"]["code"]),
        (&json!("one more"), &json!(code::OVERLOADED))
    );
    for _ in 0..mcp_client::limits::MAX_REQUESTS {
        server.request().await;
    }
    let cancel = r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":0}}"#;
    sender.send(cancel).await.unwrap();
    server.closed().await;
    sender.send(&modern(&json!(1), "slow", &json!({}))).await.unwrap();
    let reply = receive(&mut receiver).await;
    assert_eq!((&reply["id"], &reply["error"]["code"]), (&json!(1), &json!(code::INVALID_REQUEST)));
    // A link that is let go ends all of it.
    drop((sender, receiver));
    for _ in 1..mcp_client::limits::MAX_REQUESTS {
        server.closed().await;
    }
}
