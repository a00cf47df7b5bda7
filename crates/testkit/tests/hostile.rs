//! What a hostile or broken client sends, and what a hostile or broken server does: each gets its documented error, and
//! everything else goes on.
#![expect(clippy::unwrap_used, reason = "what is missing fails the test")]

use std::time::{Duration, Instant};

use mcp_wire::code;
use mcp_wire::limits::{MAX_DEPTH, MAX_MESSAGE_BYTES};
use serde_json::{Value, json};
use testkit::{Appliance, Request, cap_file, exchange};

/// What is expected of a refusal: HTTP status and JSON-RPC code.
#[derive(Debug, PartialEq)]
struct Refused(u16, i32);

fn appliance() -> Appliance {
    Appliance::new().file("a.txt", "alpha").start()
}

/// Sends it, and sees to it that the answer is as documented and that the appliance goes on.
fn check(appliance: &Appliance, what: &str, request: &Request, expected: &Refused) {
    let response = request.send();
    let reply = response.json();
    let found =
        Refused(response.status, i32::try_from(reply["error"]["code"].as_i64().unwrap()).unwrap());
    assert_eq!(&found, expected, "{what}: {reply}");
    assert!(!reply["error"]["message"].as_str().unwrap().is_empty(), "{what}");
    assert!(!reply.to_string().contains(appliance.outside().to_str().unwrap()), "{what}: {reply}");
    goes_on(appliance);
}

fn goes_on(appliance: &Appliance) {
    let reply = appliance.call("fs_read", &json!({ "path": "/a.txt" }));
    assert_eq!(reply["result"]["structuredContent"]["content"], "alpha", "{reply}");
}

/// A call of `fs_read` whose arguments nest so deep that the whole message has `depth` levels.
fn nested(depth: usize) -> String {
    // Envelope, params and arguments are three levels.
    let inner = depth - 3;
    let value = "[".repeat(inner) + &"]".repeat(inner);
    let params = format!(r#"{{"name":"fs_read","arguments":{{"path":{value}}}}}"#);
    format!(r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{params}}}"#)
}

/// A call of `fs_write` that has this many bytes in all.
fn sized(bytes: usize) -> String {
    let call = |content: &str| {
        let arguments = format!(r#"{{"path":"/big.txt","content":"{content}"}}"#);
        format!(
            r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"fs_write","arguments":{arguments}}}}}"#
        )
    };
    let rest = bytes - call("").len();
    call(&"x".repeat(rest))
}

#[test]
fn messages_that_are_not_right_are_refused_and_nothing_else_suffers() {
    let appliance = appliance();
    let parse = || Refused(400, code::PARSE_ERROR);
    let invalid = || Refused(400, code::INVALID_REQUEST);
    let params = || Refused(400, code::INVALID_PARAMS);
    let call = |params: &str| {
        format!(r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{params}}}"#)
    };
    let table = [
        ("no JSON", "{".to_owned(), parse()),
        ("nothing", String::new(), parse()),
        ("two messages", r#"{"jsonrpc":"2.0","id":1,"method":"ping"}{}"#.to_owned(), parse()),
        (
            "a NUL after the message",
            "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}\0".to_owned(),
            parse(),
        ),
        ("a batch", r#"[{"jsonrpc":"2.0","id":1,"method":"ping"}]"#.to_owned(), invalid()),
        ("an empty batch", "[]".to_owned(), invalid()),
        ("id null", r#"{"jsonrpc":"2.0","id":null,"method":"ping"}"#.to_owned(), invalid()),
        ("id a fraction", r#"{"jsonrpc":"2.0","id":1.5,"method":"ping"}"#.to_owned(), invalid()),
        ("no version", r#"{"id":1,"method":"ping"}"#.to_owned(), invalid()),
        ("an answer", r#"{"jsonrpc":"2.0","id":1,"result":{}}"#.to_owned(), invalid()),
        (
            "params twice",
            r#"{"jsonrpc":"2.0","id":1,"method":"ping","params":{},"params":{}}"#.to_owned(),
            invalid(),
        ),
        (
            "params twice, once escaped",
            r#"{"jsonrpc":"2.0","id":1,"method":"ping","params":{},"p\u0061rams":{}}"#.to_owned(),
            invalid(),
        ),
        ("_meta twice", call(r#"{"name":"fs_read","_meta":{},"_meta":{}}"#), params()),
        (
            "_meta twice, once escaped",
            call(r#"{"name":"fs_read","_meta":{},"\u005fmeta":{}}"#),
            params(),
        ),
        ("name twice", call(r#"{"name":"fs_read","name":"fs_delete"}"#), params()),
        ("_meta no object", call(r#"{"name":"fs_read","_meta":[]}"#), params()),
        ("params an array", call(r#"["fs_read"]"#), params()),
        (
            "the caller member twice",
            call(
                r#"{"name":"fs_read","_meta":{"org.llmbasedos/caller":{},"org.llmbasedos\u002fcaller":{}}}"#,
            ),
            params(),
        ),
        ("too deep", nested(MAX_DEPTH + 1), invalid()),
    ];
    for (what, body, expected) in table {
        check(&appliance, what, &appliance.request().body(body), &expected);
    }
    let not_utf8 =
        appliance.request().body(b"{\"jsonrpc\":\"2.0\",\"id\":\"\xff\",\"method\":\"ping\"}");
    check(&appliance, "not UTF-8", &not_utf8, &parse());
}

#[test]
fn the_bounds_of_depth_and_size_are_exact() {
    let appliance = appliance();
    // As deep as allowed: the message passes, and the tool says what is wrong with its argument.
    let reply = appliance.request().body(nested(MAX_DEPTH)).send().json();
    assert_eq!(reply["result"]["isError"], true, "{reply}");

    for bytes in [MAX_MESSAGE_BYTES - 1, MAX_MESSAGE_BYTES] {
        let reply = appliance.request().body(sized(bytes)).send().json();
        assert_eq!(reply["result"]["isError"], false, "{bytes} bytes: {reply}");
    }
    let too_large = Refused(413, code::TOO_LARGE);
    let request = appliance.request().body(sized(MAX_MESSAGE_BYTES + 1));
    check(&appliance, "one byte too many", &request, &too_large);
    let request = appliance.request().body(sized(5 * 1024 * 1024));
    check(&appliance, "5 MiB", &request, &too_large);

    // The same without a length that announces it.
    let mut chunked = appliance.request().header("Transfer-Encoding", "chunked").bytes();
    let head = chunked.windows(16).position(|window| window == b"Content-Length: ").unwrap();
    chunked.truncate(head);
    chunked.extend_from_slice(b"\r\n");
    let body = sized(MAX_MESSAGE_BYTES + 1);
    chunked.extend_from_slice(format!("{:x}\r\n{body}\r\n0\r\n\r\n", body.len()).as_bytes());
    let response = exchange(appliance.port(), &chunked).unwrap();
    assert_eq!(
        (response.status, response.json()["error"]["code"].clone()),
        (413, json!(code::TOO_LARGE))
    );
    goes_on(&appliance);
}

#[test]
fn unknown_methods_and_tools_are_named_as_each_era_does() {
    let appliance = appliance();
    let not_found = code::METHOD_NOT_FOUND;
    let legacy = appliance.request().legacy("no/such", &json!({}));
    check(&appliance, "older era", &legacy, &Refused(200, not_found));
    let modern = appliance.request().modern("no/such", &json!({}));
    check(&appliance, "modern era", &modern, &Refused(404, not_found));
    for gone in ["initialize", "ping", "logging/setLevel", "resources/subscribe"] {
        let request = appliance.request().modern(gone, &json!({}));
        check(&appliance, gone, &request, &Refused(404, not_found));
    }
    let tool = json!({ "name": "fs_format_disk", "arguments": {} });
    let request = appliance.request().modern("tools/call", &tool);
    check(&appliance, "unknown tool", &request, &Refused(200, code::INVALID_PARAMS));
}

#[test]
fn a_request_of_the_modern_era_says_the_same_in_head_and_body() {
    let appliance = appliance();
    let read = json!({ "name": "fs_read", "arguments": { "path": "/a.txt" } });
    let good = || appliance.request().modern("tools/call", &read);
    let mismatch = Refused(400, code::HEADER_MISMATCH);
    let table = [
        ("no Mcp-Method", good().without("Mcp-Method")),
        ("another Mcp-Method", good().header("Mcp-Method", "tools/list")),
        ("Mcp-Method twice", good().also("Mcp-Method", "tools/call")),
        ("no Mcp-Name", good().without("Mcp-Name")),
        ("another Mcp-Name", good().header("Mcp-Name", "fs_delete")),
        ("Mcp-Name in broken base64", good().header("Mcp-Name", "=?base64?%%?=")),
        ("another version", good().header("MCP-Protocol-Version", "2025-11-25")),
        ("no version in the head", good().without("MCP-Protocol-Version")),
    ];
    for (what, request) in table {
        check(&appliance, what, &request, &mismatch);
    }
    let encoded = good().header("Mcp-Name", "=?base64?ZnNfcmVhZA==?=");
    assert_eq!(encoded.send().json()["result"]["isError"], false);

    let bare = |meta: Value| {
        let params = json!({ "name": "fs_read", "_meta": meta });
        good().legacy("tools/call", &params)
    };
    let no_metadata = bare(json!({}));
    check(&appliance, "no metadata", &no_metadata, &Refused(400, code::INVALID_PARAMS));
    let no_capabilities = bare(json!({ "io.modelcontextprotocol/protocolVersion": "2026-07-28" }));
    check(&appliance, "no capabilities", &no_capabilities, &Refused(400, code::INVALID_PARAMS));
    let future = bare(json!({ "io.modelcontextprotocol/protocolVersion": "2099-01-01" }));
    let unsupported = Refused(400, code::UNSUPPORTED_PROTOCOL_VERSION);
    check(&appliance, "another version than in the head", &future, &mismatch);
    let future = future.header("MCP-Protocol-Version", "2099-01-01");
    check(&appliance, "another version", &future, &unsupported);
    let data = future.send().json()["error"]["data"].clone();
    assert_eq!(data["requested"], "2099-01-01");
    assert!(data["supported"].as_array().unwrap().contains(&json!("2026-07-28")), "{data}");
}

#[test]
fn without_a_good_key_nothing_is_served() {
    let appliance = appliance();
    let key = appliance.facts().key.clone();
    let list = || appliance.request().legacy("tools/list", &json!({}));
    let unauthenticated = Refused(401, code::UNAUTHENTICATED);
    let mut cut = key.clone();
    cut.pop();
    let table = [
        ("no key", list().without("Authorization")),
        ("a wrong key", list().header("Authorization", "Bearer llmb_wrong")),
        ("the key cut short", list().header("Authorization", &format!("Bearer {cut}"))),
        ("the key and more", list().header("Authorization", &format!("Bearer {key}x"))),
        ("another scheme", list().header("Authorization", &format!("Basic {key}"))),
        ("two keys", list().also("Authorization", "Bearer other")),
        ("no body either", appliance.request().without("Authorization")),
        ("another method", appliance.request().without("Authorization").method("DELETE")),
    ];
    for (what, request) in table {
        check(&appliance, what, &request, &unauthenticated);
        let response = request.send();
        assert_eq!(
            response.header("www-authenticate"),
            Some("Bearer realm=\"llmbasedos\""),
            "{what}"
        );
    }
    // Hosts that see OAuth metadata drop the key, so there is none, with a key or without.
    for page in ["/.well-known/oauth-protected-resource", "/.well-known/oauth-authorization-server"]
    {
        let request = appliance.request().method("GET").target(page);
        check(&appliance, page, &request, &Refused(404, code::NOT_FOUND));
    }
    let log = testkit::until("the refusals in the log", Duration::from_secs(10), || {
        Some(appliance.log("gateway")).filter(|log| log.contains("status=40"))
    });
    assert!(!log.contains(&key), "the key is in the log");
}

#[test]
fn a_strange_page_is_refused_whatever_it_asks_for() {
    let appliance = appliance();
    let forbidden = Refused(403, code::FORBIDDEN_ORIGIN);
    for (method, target) in
        [("POST", "/mcp"), ("GET", "/readyz"), ("GET", "/healthz"), ("GET", "/no")]
    {
        let request =
            || appliance.request().legacy("tools/list", &json!({})).method(method).target(target);
        let table = [
            ("a strange Host", request().header("Host", "evil.example")),
            ("no Host", request().without("Host")),
            ("two Hosts", request().also("Host", "evil.example")),
            ("a strange Origin", request().header("Origin", "http://evil.example")),
            ("Origin null", request().header("Origin", "null")),
            (
                "two Origins",
                request().also("Origin", "http://localhost").also("Origin", "http://x"),
            ),
        ];
        for (what, request) in table {
            check(&appliance, &format!("{what} {target}"), &request, &forbidden);
        }
    }
    let own =
        appliance.request().header("Origin", &format!("http://localhost:{}", appliance.port()));
    assert_eq!(own.legacy("tools/list", &json!({})).send().status, 200);
}

/// The caller member of what a server received.
fn caller(frame: &[u8]) -> Value {
    let message: Value = serde_json::from_slice(frame).unwrap();
    message["params"]["_meta"]["org.llmbasedos/caller"].clone()
}

#[test]
fn a_forged_caller_is_replaced_however_it_is_spelt() {
    let appliance = appliance();
    let peer = appliance.peer("spy", testkit::obey);
    let forged = [
        r#""org.llmbasedos/caller":{"client":"root"}"#,
        r#""org.llmbasedos\/caller":{"client":"root"}"#,
        r#""\u006frg.llmbasedos/caller":{"client":"root"}"#,
        r#""\u006F\u0072g.llmbasedos\u002Fcaller":"root""#,
    ];
    for member in forged {
        let body = format!(
            r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"spy","_meta":{{{member},"kept":1.50}}}}}}"#
        );
        assert_eq!(appliance.request().body(body).send().json()["result"]["isError"], false);
        let frame = peer.received();
        assert_eq!(caller(&frame)["client"], "first", "{member}");
        let text = String::from_utf8(frame).unwrap();
        assert!(!text.contains("root"), "{text}");
        assert!(text.contains("\"kept\":1.50"), "the rest is as it came: {text}");
    }
    goes_on(&appliance);
}

/// The messages that a server sees which takes a newline for the end of a message.
fn split_on_newlines(frame: &[u8]) -> Vec<Value> {
    let lines = frame.split(|byte| *byte == b'\n');
    lines.filter_map(|line| serde_json::from_slice(line).ok()).collect()
}

#[test]
fn a_message_hidden_on_a_line_of_its_own_stays_data() {
    let appliance = appliance();
    let peer = appliance.peer("spy", testkit::obey);
    let hidden = json!({
        "jsonrpc": "2.0", "id": 666, "method": "tools/call",
        "params": { "name": "fs_delete", "_meta": { "org.llmbasedos/caller": { "client": "root" } } },
    });
    let body = format!(
        "{{\"jsonrpc\":\"2.0\",\n\"id\":1,\n\"method\":\"tools/call\",\n\"params\":{{\"name\":\"spy\",\"arguments\":{{\"x\":\n{hidden}\n}}}}}}"
    );
    assert_eq!(appliance.request().body(body).send().json()["result"]["isError"], false);
    let frame = peer.received();
    // One frame, one message, and the caller is ours.
    let message: Value = serde_json::from_slice(&frame).unwrap();
    assert_eq!(message["params"]["arguments"]["x"], hidden);
    assert_eq!(caller(&frame)["client"], "first");
    // The control: whoever splits on newlines is fooled by the very same bytes.
    assert!(split_on_newlines(&frame).contains(&hidden), "the control was not fooled");
    goes_on(&appliance);
}

#[test]
fn a_dead_server_costs_only_its_own_calls() {
    let appliance = appliance();
    // Declared, but nobody listens.
    appliance.declare("ghost", cap_file("ghost", &["ghost"]).to_string().as_bytes());
    testkit::until("the ghost's tool", Duration::from_secs(10), || {
        appliance.tools().contains(&"ghost".to_owned()).then_some(())
    });
    let call = json!({ "name": "ghost" });
    let request = appliance.request().modern("tools/call", &call);
    check(&appliance, "nobody listens", &request, &Refused(200, code::SERVER_UNAVAILABLE));

    // Dies under the call.
    let mut calls = 0;
    let _peer = appliance.peer("fatal", move |_| {
        calls += 1;
        panic!("the server dies at call {calls}")
    });
    let request = appliance.request().modern("tools/call", &json!({ "name": "fatal" }));
    check(&appliance, "dies under the call", &request, &Refused(200, code::SERVER_UNAVAILABLE));

    // The file server itself.
    appliance.kill("fs");
    let read = json!({ "name": "fs_read", "arguments": { "path": "/a.txt" } });
    let reply = appliance.request().modern("tools/call", &read).send().json();
    assert_eq!(reply["error"]["code"], code::SERVER_UNAVAILABLE, "{reply}");
    assert!(appliance.tools().contains(&"fs_read".to_owned()), "its tools are still listed");
    assert_eq!(appliance.request().method("GET").target("/healthz").send().status, 200);
}

#[test]
fn a_server_that_never_answers_costs_only_its_own_calls() {
    let appliance = Appliance::new().file("a.txt", "alpha").call_timeout(1).start();
    let _peer = appliance.peer("mute", |_| None);
    let request = appliance.request().modern("tools/call", &json!({ "name": "mute" }));
    let started = Instant::now();
    std::thread::scope(|scope| {
        let hanging: Vec<_> = (0..8).map(|_| scope.spawn(|| request.send())).collect();
        goes_on(&appliance);
        for call in hanging {
            let reply = call.join().unwrap().json();
            assert_eq!(reply["error"]["code"], code::SERVER_TIMEOUT, "{reply}");
        }
    });
    assert!(started.elapsed() >= Duration::from_secs(1), "it gave up too early");
    check(&appliance, "again", &request, &Refused(200, code::SERVER_TIMEOUT));
}

#[test]
fn a_server_that_talks_nonsense_costs_only_its_own_calls() {
    let appliance = appliance();
    let nonsense: [(&str, &[u8]); 6] = [
        ("garbage", b"not JSON\0"),
        ("other-id", b"{\"jsonrpc\":\"2.0\",\"id\":999999,\"result\":{}}\0garbage\0"),
        ("half", b"{\"jsonrpc\":\"2.0\",\"id\":\0"),
        ("binary", b"\xff\xfe\0"),
        ("array", b"[]\0"),
        ("deep", b"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\0"),
    ];
    for (name, reply) in nonsense {
        let _peer = appliance.peer(name, move |_| Some(reply.to_vec()));
        let request = appliance.request().modern("tools/call", &json!({ "name": name }));
        check(&appliance, name, &request, &Refused(200, code::SERVER_UNAVAILABLE));
    }
}
