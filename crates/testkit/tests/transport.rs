//! HTTP as the gateway speaks it: how long it waits, how much it takes, and what it answers.
//!
//! Whoever runs the appliance relies on this: a peer that sends too much, too slowly or nothing at all is shown the
//! door and disturbs nobody. Whoever writes a client relies on this: connections are kept, every refusal has its
//! status and says what to do, and the largest answer comes whole.
#![cfg(test)]

use std::fs;
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use gateway::limits::{
    FIRST_BYTE, HEAD, MAX_HEAD_BYTES, MAX_HEADERS, MAX_UNAUTHENTICATED_PER_ADDRESS,
};
use serde_json::{Value, json};
use testkit::{Appliance, Request, Response, exchange, until};

/// How long a test waits for what must come.
const PATIENCE: Duration = Duration::from_mins(1);
/// How late a deadline may be on a busy machine.
const LATE: Duration = Duration::from_secs(3);

fn appliance() -> Appliance {
    Appliance::new().file("a.txt", "text of a").start()
}

/// A good request.
fn read(appliance: &Appliance) -> Request {
    let params = json!({ "name": "fs_read", "arguments": { "path": "/a.txt" } });
    appliance.request().legacy("tools/call", &params)
}

#[track_caller]
fn check_served(response: &Response) {
    assert_eq!(response.status, 200, "{response:?}");
    let reply = response.json();
    assert_eq!(reply["result"]["structuredContent"]["content"], "text of a", "{reply}");
}

/// A connection that stays open.
struct Connection(TcpStream);

impl Connection {
    fn open(appliance: &Appliance) -> Self {
        let stream = TcpStream::connect(("127.0.0.1", appliance.port())).unwrap();
        stream.set_nodelay(true).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        Self(stream)
    }

    /// Sends these bytes. The peer may have closed already, which is then seen on reading.
    fn send(&mut self, bytes: &[u8]) {
        self.0.write_all(bytes).ok();
    }

    /// Reads one response; its body is as long as it says, save that there is none if `without_body`.
    fn response(&mut self, body: Body) -> Response {
        let mut bytes = Vec::new();
        loop {
            let mut headers = [httparse::EMPTY_HEADER; 32];
            let mut head = httparse::Response::new(&mut headers);
            if let httparse::Status::Complete(start) = head.parse(&bytes).unwrap() {
                let pair = |header: &httparse::Header<'_>| {
                    let value = String::from_utf8_lossy(header.value).into_owned();
                    (header.name.to_ascii_lowercase(), value)
                };
                let headers: Vec<_> = head.headers.iter().map(pair).collect();
                let status = head.code.unwrap();
                let mut response = Response { status, headers, body: Vec::new() };
                let length = response.header("content-length").unwrap_or("0").parse().unwrap();
                let length = if body == Body::Absent { 0 } else { length };
                let mut rest = bytes.split_off(start);
                let have = rest.len();
                assert!(have <= length, "more than one answer came: {rest:?}");
                rest.resize(length, 0);
                self.0.read_exact(&mut rest[have..]).unwrap();
                response.body = rest;
                return response;
            }
            let mut byte = [0];
            assert_eq!(self.0.read(&mut byte).expect("an answer"), 1, "closed: {bytes:?}");
            bytes.push(byte[0]);
        }
    }

    /// Waits until the peer closes, and tells what it sent before and how long that took.
    fn closed(&mut self) -> (Vec<u8>, Duration) {
        let began = Instant::now();
        let mut bytes = Vec::new();
        match self.0.read_to_end(&mut bytes) {
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::ConnectionReset => {}
            Err(error) => panic!("it was not closed: {error}"),
        }
        (bytes, began.elapsed())
    }
}

/// Whether a response has the body that it announces.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Body {
    Present,
    Absent,
}

/// A request whose head has exactly this many bytes.
fn head_of(appliance: &Appliance, bytes: usize) -> Vec<u8> {
    let request = read(appliance);
    let whole = |filler: usize| request.clone().header("X-Filler", &"f".repeat(filler)).bytes();
    let head = |bytes: &[u8]| bytes.windows(4).position(|end| end == b"\r\n\r\n").unwrap() + 4;
    let least = head(&whole(0));
    let made = whole(bytes - least);
    assert_eq!(head(&made), bytes);
    made
}

#[test]
fn a_head_has_a_bound() {
    let appliance = appliance();
    for bytes in [MAX_HEAD_BYTES / 2, MAX_HEAD_BYTES - 1, MAX_HEAD_BYTES] {
        check_served(&exchange(appliance.port(), &head_of(&appliance, bytes)).unwrap());
    }
    // hyper notices once its buffer is full, so what is a little larger may pass; more does not.
    for bytes in [MAX_HEAD_BYTES + 4096, MAX_HEAD_BYTES * 2, MAX_HEAD_BYTES * 20] {
        let answer = exchange(appliance.port(), &head_of(&appliance, bytes));
        let status = answer.map(|answer| answer.status);
        assert!(matches!(status, None | Some(431)), "{bytes}: {status:?}");
    }
    // A target that is as long is no better.
    let target = format!("/{}", "x".repeat(MAX_HEAD_BYTES * 2));
    let answer = exchange(appliance.port(), &read(&appliance).target(&target).bytes());
    let status = answer.map(|answer| answer.status);
    assert!(matches!(status, None | Some(414 | 431)), "{status:?}");
    check_served(&read(&appliance).send());
}

#[test]
fn headers_are_counted() {
    let appliance = appliance();
    let with = |count: usize| {
        let request = read(&appliance);
        let have =
            request.bytes().split(|byte| *byte == b'\n').position(|line| line == b"\r").unwrap();
        // The first line is not a header.
        (have - 1..count).fold(request, |request, at| request.also(&format!("X-{at}"), "x"))
    };
    check_served(&with(MAX_HEADERS - 1).send());
    check_served(&with(MAX_HEADERS).send());
    let answer = exchange(appliance.port(), &with(MAX_HEADERS + 1).bytes());
    assert_eq!(answer.map(|answer| answer.status), Some(431));
    check_served(&read(&appliance).send());
}

/// Sends `first` at once and then a byte of `rest` every so often, and checks that the gateway closes in time.
fn check_deadline(
    what: &str,
    appliance: &Appliance,
    first: &[u8],
    rest: &[u8],
    deadline: Duration,
) {
    const PAUSE: Duration = Duration::from_millis(400);
    let began = Instant::now();
    let mut connection = Connection::open(appliance);
    connection.send(first);
    connection.0.set_read_timeout(Some(PAUSE)).unwrap();
    let mut rest = rest.iter().copied();
    let mut received = Vec::new();
    // Waiting for an answer is the pause.
    loop {
        let mut chunk = [0; 1024];
        match connection.0.read(&mut chunk) {
            Ok(0) => break,
            Ok(length) => received.extend_from_slice(&chunk[..length]),
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                if let Some(byte) = rest.next() {
                    connection.send(&[byte]);
                }
            }
            Err(error) if error.kind() == ErrorKind::ConnectionReset => break,
            Err(error) => panic!("{what}: {error}"),
        }
        assert!(began.elapsed() < deadline * 3, "{what}: it was not closed");
    }
    let took = began.elapsed();
    let received = String::from_utf8_lossy(&received);
    println!(
        "{what}: closed after {took:.1?}, said {:?}",
        received.lines().next().unwrap_or_default()
    );
    assert!(took + Duration::from_millis(100) >= deadline, "{what}: closed early, {took:?}");
    assert!(took <= deadline + LATE, "{what}: closed late, {took:?}");
    let quiet = received.is_empty() || received.starts_with("HTTP/1.1 408");
    assert!(quiet, "{what}: {received}");
}

/// Checks that a connection on which a request was answered, and no other follows, is closed in time.
fn check_idle(appliance: &Appliance) {
    let mut connection = Connection::open(appliance);
    connection.send(&read(appliance).bytes());
    check_served(&connection.response(Body::Present));
    let (rest, took) = connection.closed();
    println!("idle: closed after {took:.1?}");
    assert!(rest.is_empty(), "{rest:?}");
    assert!(took + Duration::from_millis(100) >= HEAD && took <= HEAD + LATE, "{took:?}");
}

#[test]
fn whoever_is_silent_or_slow_is_closed_in_time_and_disturbs_nobody() {
    let appliance = appliance();
    let good = read(&appliance).bytes();
    let half = &good[..40];
    let appliance = &appliance;
    thread::scope(|scope| {
        let slow = [
            scope.spawn(|| check_idle(appliance)),
            scope.spawn(|| check_deadline("silence", appliance, b"", b"", FIRST_BYTE)),
            scope.spawn(|| check_deadline("half a head", appliance, half, b"", HEAD)),
            scope
                .spawn(|| check_deadline("a byte now and then", appliance, b"P", &good[1..], HEAD)),
            scope.spawn(|| check_deadline("empty lines", appliance, b"\r\n", &[b'\n'; 90], HEAD)),
        ];
        // All the while, others are served.
        let mut connection = Connection::open(appliance);
        let mut served = 0;
        while !slow.iter().all(thread::ScopedJoinHandle::is_finished) {
            connection.send(&good);
            check_served(&connection.response(Body::Present));
            served += 1;
        }
        println!("{served} calls were served meanwhile");
        assert!(served > 100);
        for slow in slow {
            slow.join().unwrap();
        }
    });
}

#[test]
fn a_connection_is_kept() {
    let appliance = appliance();
    let mut connection = Connection::open(&appliance);
    for _ in 0..200 {
        connection.send(&read(&appliance).bytes());
        check_served(&connection.response(Body::Present));
    }
    // It is kept after a refusal too, and an unread body does not become the next request.
    let refusals = [
        (read(&appliance).without("Authorization"), 401),
        (read(&appliance).target("/none"), 404),
        (read(&appliance).header("Content-Type", "text/plain"), 415),
        (read(&appliance).body("{"), 400),
        (read(&appliance).header("Host", "evil.example"), 403),
    ];
    for (request, status) in refusals {
        connection.send(&request.bytes());
        assert_eq!(connection.response(Body::Present).status, status);
        connection.send(&read(&appliance).bytes());
        check_served(&connection.response(Body::Present));
    }
    // Whoever asks for the end gets it.
    connection.send(&read(&appliance).header("Connection", "close").bytes());
    check_served(&connection.response(Body::Present));
    let (rest, took) = connection.closed();
    assert!(rest.is_empty() && took < HEAD / 2, "{took:?}");
}

#[test]
fn requests_may_be_sent_before_their_answers() {
    let appliance = appliance();
    let mut connection = Connection::open(&appliance);
    let ids = 0..20;
    for id in ids.clone() {
        let message = json!({
            "jsonrpc": "2.0", "id": id, "method": "tools/call",
            "params": { "name": "fs_read", "arguments": { "path": "/a.txt" } },
        });
        connection.send(&appliance.request().body(message.to_string()).bytes());
    }
    for id in ids {
        let response = connection.response(Body::Present);
        check_served(&response);
        assert_eq!(response.json()["id"], id, "answers come in the order of the requests");
    }
}

#[test]
fn strangers_of_one_address_are_few_and_do_not_lock_out_who_has_a_key() {
    let appliance = appliance();
    let mut known = Connection::open(&appliance);
    known.send(&read(&appliance).bytes());
    check_served(&known.response(Body::Present));

    // Whoever only has connected, and whoever has shown no key, are strangers alike.
    let mut strangers: Vec<_> =
        (0..MAX_UNAUTHENTICATED_PER_ADDRESS).map(|_| Connection::open(&appliance)).collect();
    for stranger in strangers.iter_mut().take(10) {
        stranger.send(&read(&appliance).without("Authorization").bytes());
        assert_eq!(stranger.response(Body::Present).status, 401);
    }
    // Whoever comes next gets in, and the stranger that has waited longest leaves at once.
    let mut newcomer = Connection::open(&appliance);
    newcomer.send(&read(&appliance).bytes());
    check_served(&newcomer.response(Body::Present));
    let (said, took) = strangers.remove(0).closed();
    assert!(said.is_empty() && took < FIRST_BYTE / 2, "the first leaves at once: {took:?}");
    known.send(&read(&appliance).bytes());
    check_served(&known.response(Body::Present));
    // With a key a stranger becomes known, and is sent away no more.
    let mut last = strangers.pop().unwrap();
    last.send(&read(&appliance).bytes());
    check_served(&last.response(Body::Present));
    // Whoever keeps coming without a key locks out nobody who has one.
    let flood: Vec<_> =
        (0..3 * MAX_UNAUTHENTICATED_PER_ADDRESS).map(|_| Connection::open(&appliance)).collect();
    for connection in [&mut known, &mut last, &mut newcomer, &mut Connection::open(&appliance)] {
        connection.send(&read(&appliance).bytes());
        check_served(&connection.response(Body::Present));
    }
    drop(flood);
}

#[test]
fn strangers_cannot_fill_the_log() {
    let appliance = appliance();
    let started = Instant::now();
    for _ in 0..2_000 {
        let answer = exchange(appliance.port(), &read(&appliance).without("Authorization").bytes());
        assert_eq!(answer.unwrap().status, 401);
    }
    // One line a second of each kind, and those of the start.
    let lines = appliance.log("gateway").lines().count();
    let allowed = 10 + 2 * usize::try_from(started.elapsed().as_secs()).unwrap();
    assert!(lines <= allowed, "{lines} lines in {:?}", started.elapsed());
}

/// Checks the status of a request, and that its refusal is JSON-RPC with this code.
#[track_caller]
fn check(request: &Request, status: u16, code: i64) {
    let response = request.send();
    assert_eq!(response.status, status, "{response:?}");
    if status == 200 {
        check_served(&response);
    } else {
        assert_eq!(response.json()["error"]["code"], code, "{response:?}");
    }
    assert_eq!(response.header("content-type"), Some("application/json"));
    assert_eq!(response.header("cache-control"), Some("no-store"));
    assert_eq!(response.header("x-content-type-options"), Some("nosniff"));
}

#[test]
fn json_comes_in_and_json_goes_out() {
    let appliance = appliance();
    let request = read(&appliance);
    for kind in [
        "application/json",
        "application/json; charset=utf-8",
        "APPLICATION/JSON",
        " application/json ;x=y",
    ] {
        check(&request.clone().header("Content-Type", kind), 200, 0);
    }
    for kind in [
        "",
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/jsonx",
        "application/json-rpc",
        "text/plain, application/json",
        "text/plain; application/json",
    ] {
        check(&request.clone().header("Content-Type", kind), 415, -31_415);
    }
    check(&request.clone().without("Content-Type"), 415, -31_415);

    for accept in [
        "application/json",
        "application/json, text/event-stream",
        "text/event-stream, application/json",
        "*/*",
        "application/*",
        "text/html, application/json;q=0.9",
        "APPLICATION/JSON",
    ] {
        check(&request.clone().header("Accept", accept), 200, 0);
    }
    check(&request.clone().without("Accept"), 200, 0);
    for accept in
        ["text/event-stream", "text/html", "application/xml", "text/*", "application/jsonx"]
    {
        check(&request.clone().header("Accept", accept), 406, -31_406);
    }
}

#[test]
fn a_list_of_types_may_stand_in_several_headers() {
    // RFC 9110, 5.3: a list in several headers is the same list.
    let appliance = appliance();
    let request = read(&appliance).header("Accept", "text/event-stream");
    check(&request.also("Accept", "application/json"), 200, 0);
}

#[test]
fn each_page_has_its_methods() {
    let appliance = appliance();
    for method in ["GET", "DELETE", "PUT", "PATCH", "OPTIONS", "TRACE", "BREW"] {
        let request = appliance.request().method(method);
        check(&request, 405, -31_405);
        assert_eq!(request.send().header("allow"), Some("POST"), "{method}");
        let keyless = request.without("Authorization").send();
        assert_eq!(keyless.status, 401, "{method}: the key comes first");
        assert!(keyless.header("www-authenticate").is_some_and(|way| way.starts_with("Bearer")));
        for page in ["/healthz", "/readyz", "/metrics"] {
            let response = appliance.request().method(method).target(page).send();
            let status = if method == "GET" { 200 } else { 405 };
            assert_eq!(response.status, status, "{method} {page}");
            let allow = (method != "GET").then_some("GET, HEAD");
            assert_eq!(response.header("allow"), allow, "{method} {page}");
        }
    }
    for target in [
        "/",
        "/mcp/",
        "//mcp",
        "/MCP",
        "/mcp/x",
        "/mcp%00",
        "/%6dcp",
        "/healthz/",
        "/../mcp",
        "/ws/",
        "/.well-known/oauth-protected-resource",
        "/.well-known/oauth-authorization-server",
    ] {
        check(&read(&appliance).target(target), 404, -31_404);
        check(&read(&appliance).target(target).without("Authorization"), 404, -31_404);
        check(&read(&appliance).target(target).method("GET"), 404, -31_404);
    }
    check(&read(&appliance).target("/mcp?x=y"), 200, 0);
}

#[test]
fn a_probe_learns_whether_it_lives_and_whether_it_is_of_use() {
    let appliance = appliance();
    // No key is needed, and HEAD has no body.
    for page in ["/healthz", "/readyz"] {
        let request = appliance.request().target(page).without("Authorization");
        let got = request.clone().method("GET").send();
        assert_eq!(got.status, 200, "{got:?}");
        let mut connection = Connection::open(&appliance);
        for _ in 0..3 {
            connection.send(&request.clone().method("HEAD").bytes());
            let head = connection.response(Body::Absent);
            assert_eq!(head.status, 200);
            assert_eq!(head.header("content-length"), got.header("content-length"), "{page}");
            assert_eq!(head.header("content-type"), got.header("content-type"));
        }
        // What comes next on the connection is the next answer.
        connection.send(&read(&appliance).bytes());
        check_served(&connection.response(Body::Present));
        // A web page that has rebound its name learns nothing.
        let strange = request.method("GET").header("Host", "evil.example").send();
        assert_eq!(strange.status, 403);
    }
    let probe = |page: &str| appliance.request().method("GET").target(page).send();
    let ready = probe("/readyz").json();
    assert_eq!(ready["status"], "ready");
    assert_eq!(ready["servers"], json!(["fs"]));
    assert!(!ready["confinement"].is_null(), "{ready}");
    let host = appliance.outside().to_str().unwrap();
    assert!(!ready.to_string().contains(host), "{ready}");

    // Without anything to call it lives but is not ready, and is again once there is.
    let caps = fs::read(appliance.state().join("run/fs.cap.json")).unwrap();
    appliance.undeclare("fs");
    until("503", PATIENCE, || (probe("/readyz").status == 503).then_some(()));
    assert_eq!(probe("/readyz").json()["servers"], json!([]));
    assert_eq!(probe("/healthz").status, 200);
    appliance.declare("fs", &caps);
    until("200", PATIENCE, || (probe("/readyz").status == 200).then_some(()));
    // A server that has died is still registered: a probe starts nothing.
    appliance.kill("fs");
    assert_eq!(probe("/readyz").status, 200);
}

#[test]
fn a_request_means_one_thing_only() {
    let appliance = appliance();
    let port = appliance.port();
    let good = String::from_utf8(read(&appliance).bytes()).unwrap();
    let (head, body) = good.split_once("\r\n\r\n").unwrap();
    let chunked = format!("{:x}\r\n{body}\r\n0\r\n\r\n", body.len());
    let lengthless: Vec<_> =
        head.split("\r\n").filter(|line| !line.starts_with("Content-Length")).collect();
    let lengthless = lengthless.join("\r\n");

    let pieces = format!("{lengthless}\r\nTransfer-Encoding: chunked\r\n\r\n{chunked}");
    check_served(&exchange(port, pieces.as_bytes()).unwrap());

    // Two readers of these could see two different requests, so none is served.
    let length = body.len();
    for (what, request) in [
        ("two lengths", format!("{head}\r\nContent-Length: 1\r\n\r\n{body}")),
        (
            "a length that is none",
            format!("{lengthless}\r\nContent-Length: +{length}\r\n\r\n{body}"),
        ),
        ("a folded header", format!("{head}\r\nX-A: b\r\n c\r\n\r\n{body}")),
        ("a space before the colon", format!("{head}\r\nX-A : b\r\n\r\n{body}")),
        ("a NUL in a header", format!("{head}\r\nX-A: \0\r\n\r\n{body}")),
        ("another coding", format!("{lengthless}\r\nTransfer-Encoding: gzip\r\n\r\n{body}")),
        ("no host", good.replacen("Host:", "X-Host:", 1)),
        // The first byte of a handshake would be that of TLS.
        ("no HTTP", format!("\x17\x03\x01{good}")),
    ] {
        let answer = exchange(port, request.as_bytes());
        let status = answer.map(|answer| answer.status);
        assert!(matches!(status, None | Some(400 | 403 | 501)), "{what}: {status:?}");
    }
    check_served(&read(&appliance).send());
}

#[test]
fn length_and_chunks_at_once_end_the_connection() {
    // RFC 9112, 6.1: a server that answers such a request must close afterwards, since what follows may be the
    // second half of somebody else's.
    let appliance = appliance();
    let good = String::from_utf8(read(&appliance).bytes()).unwrap();
    let (head, body) = good.split_once("\r\n\r\n").unwrap();
    let chunked = format!("{:x}\r\n{body}\r\n0\r\n\r\n", body.len());
    let mut connection = Connection::open(&appliance);
    connection
        .send(format!("{head}\r\nTransfer-Encoding: chunked\r\n\r\n{chunked}{good}").as_bytes());
    let (bytes, took) = connection.closed();
    let said = String::from_utf8_lossy(&bytes);
    assert!(took < HEAD / 2, "it was kept open: {said}");
    assert!(said.matches("HTTP/1.1 ").count() <= 1, "both were answered: {said}");
}

/// The host path of a client's path.
fn below(root: &Path, path: &str) -> PathBuf {
    root.join(path.trim_start_matches('/'))
}

/// A folder that is as deep as a path may be, of names that JSON writes with six bytes a character.
fn deep_folder(appliance: &Appliance) -> String {
    let mut path = String::new();
    for _ in 0..14 {
        path.push('/');
        path.push_str(&"\u{1}".repeat(255));
    }
    fs::create_dir_all(below(appliance.root(), &path)).unwrap();
    path
}

#[test]
fn the_largest_file_comes_whole() {
    let appliance = appliance();
    for byte in [1_u8, b'"', b'\\', b'a'] {
        fs::write(appliance.root().join("large"), vec![byte; 1024 * 1024]).unwrap();
        let reply = appliance.call("fs_read", &json!({ "path": "/large" }));
        let content = reply["result"]["structuredContent"]["content"].as_str();
        let content = content.unwrap_or_else(|| panic!("{byte}: {}", reply["error"]));
        assert!(content.len() == 1024 * 1024 && content.bytes().all(|found| found == byte));
    }
}

#[test]
fn the_largest_list_comes_whole_or_in_pages() {
    let appliance = appliance();
    let folder = deep_folder(&appliance);
    for file in 0..1000 {
        fs::write(below(appliance.root(), &folder).join(file.to_string()), "").unwrap();
    }
    let (mut found, mut pages) = (0, 0);
    let mut arguments = json!({ "path": folder });
    loop {
        let reply = appliance.call("fs_list", &arguments);
        let page = &reply["result"]["structuredContent"];
        let entries = page["entries"].as_array();
        found += entries.unwrap_or_else(|| panic!("no list: {}", reply["error"])).len();
        pages += 1;
        match &page["next_cursor"] {
            Value::Null => break,
            cursor => arguments["cursor"] = cursor.clone(),
        }
    }
    println!("{found} entries on {pages} pages");
    assert_eq!(found, 1000);
}
