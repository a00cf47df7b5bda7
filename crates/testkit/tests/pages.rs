//! Campaign C5: a web page of a stranger gets nothing, however it writes `Host` and `Origin`.
//!
//! A person who runs the gateway beside a browser relies on this: what a page makes the browser send, under a name that
//! resolves to this machine or from a page of somebody else, is refused before it is read. Each spelling stands in a table
//! with what it deserves, and the table knows nothing of the guard; that nothing was done is seen on the disk, where each
//! request of the table would have written a file of its own.
//!
//! The controls go through the same table: a server that looks at neither header, and one that looks as many do. Each must
//! fail where the gateway may not.
#![cfg(test)]

use std::collections::BTreeSet;
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

use axum::Router;
use axum::http::{HeaderMap, StatusCode};
use serde_json::json;
use testkit::{Appliance, Request, until};
use tokio::sync::oneshot;

/// How long a test waits for what must come.
const PATIENCE: Duration = Duration::from_secs(20);

/// Names of this machine, as a person may write them.
const OUR_NAMES: [&str; 6] =
    ["localhost", "LOCALHOST", "LocalHost", "lOcALhOSt", "127.0.0.1", "[::1]"];

/// What may stand behind a name: a port is forwarded to ours by whoever likes, so any number that is a port.
const PORTS: [&str; 7] = ["", ":80", ":8000", ":1", ":0", ":65535", ":00080"];

/// What is no port.
const NO_PORTS: [&str; 20] = [
    ":",
    "::80",
    ":65536",
    ":99999",
    ":4294967376",
    ":18446744073709551696",
    ":x",
    ":80x",
    ":0x50",
    ":1e3",
    ":+80",
    ":-1",
    ":80:80",
    ":8 0",
    ": 80",
    ":80/",
    ":80#",
    ":80,evil.example",
    ":80@evil.example",
    ":８０",
];

/// Names that are not ours. Some of them do resolve to this machine, which is the point of them.
const STRANGE_NAMES: [&str; 100] = [
    // Nobody, and somebody else.
    "",
    "evil.example",
    "llmbasedos",
    "llmbasedos.local",
    "null",
    "undefined",
    "*",
    "*.localhost",
    // Names that begin or end as ours do.
    "localhost.",
    "localhost..",
    ".localhost",
    "app.localhost",
    "a.b.localhost",
    "evil.example.localhost",
    "localhost.localdomain",
    "localhost6",
    "ip6-localhost",
    "localhost.evil.example",
    "localhostevil.example",
    "evil-localhost",
    "localhost-evil.example",
    "localhos",
    "ocalhost",
    "127.0.0.1.",
    "127.0.0.1.evil.example",
    "127.0.0.1.nip.io",
    "127-0-0-1.nip.io",
    "localtest.me",
    "1.127.0.0.1",
    "127.0.0.11",
    // The address of this machine in other numbers, and its neighbours.
    "0",
    "0.0.0.0",
    "127.1",
    "127.0.1",
    "127.0.0.01",
    "127.000.000.001",
    "127.0.0.2",
    "127.255.255.254",
    "2130706433",
    "017700000001",
    "0177.0.0.1",
    "0x7f000001",
    "0x7F.0.0.1",
    "0x7f.1",
    "1.0.0.127",
    "10.0.0.1",
    "192.168.1.1",
    "169.254.169.254",
    "255.255.255.255",
    // The same in IPv6, with and without its brackets and a zone.
    "::1",
    "::1]",
    "[::1",
    "[[::1]]",
    "[]",
    "[::]",
    "[0:0:0:0:0:0:0:1]",
    "[::0001]",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[::127.0.0.1]",
    "[::1%lo]",
    "[::1%25lo]",
    "[fe80::1%25eth0]",
    "[::1].evil.example",
    "[::1]evil.example",
    "[localhost]",
    "[127.0.0.1]",
    // Somebody's name before or behind an `@`.
    "localhost@evil.example",
    "evil.example@localhost",
    "user:secret@localhost",
    "@localhost",
    "localhost@",
    // More than a name.
    "local host",
    "localhost evil.example",
    "evil.example localhost",
    "localhost,evil.example",
    "evil.example, localhost",
    "localhost, localhost",
    "localhost;evil.example",
    "localhost/",
    "localhost/evil",
    "/localhost",
    "//localhost",
    "http://localhost",
    "localhost\\evil.example",
    "localhost#",
    "localhost?x",
    "\"localhost\"",
    "<localhost>",
    // Ours to whoever decodes, or looks with a person's eyes.
    "%6cocalhost",
    "local%68ost",
    "localhost%00",
    "localhost%2eevil.example",
    "xn--lcalhost-y7a",
    "xn--localhost-",
    "ⓛocalhost",
    "loc\u{430}lhost",
    "localhost\u{200b}",
    "localhost．evil.example",
    "１２７.0.0.1",
];

/// How an origin may begin: browsers write the scheme in lower case.
const SCHEMES: [&str; 2] = ["http://", "https://"];

/// How no page of ours begins.
const STRANGE_SCHEMES: [&str; 20] = [
    "",
    "//",
    ":",
    "http:",
    "http:/",
    "http:///",
    "http:\\\\",
    "HTTP://",
    "Https://",
    "httpx://",
    "xhttp://",
    "ws://",
    "wss://",
    "ftp://",
    "file://",
    "blob:http://",
    "view-source:http://",
    "chrome-extension://",
    "http://http://",
    "http://evil.example/http://",
];

/// Origins that are of no such form.
const STRANGE_ORIGINS: [&str; 16] = [
    "null",
    "NULL",
    "\"null\"",
    "*",
    "",
    "about:blank",
    "data:text/html,x",
    "javascript:alert(1)",
    "file:///etc/passwd",
    "http://localhost/",
    "http://localhost/mcp",
    "http://localhost http://evil.example",
    "http://evil.example http://localhost",
    "http://localhost, http://evil.example",
    "http://localhost,http://localhost",
    "null http://localhost",
];

/// What a request says of where it goes and where it comes from, and whether it deserves an answer.
#[derive(Clone)]
struct Case {
    hosts: Vec<String>,
    origins: Vec<String>,
    /// What stands before the path in the request's first line.
    before_path: String,
    version: &'static str,
    served: bool,
}

impl Case {
    fn new(host: &str, origin: Option<&str>, served: bool) -> Self {
        Self {
            hosts: vec![host.to_owned()],
            origins: origin.map(ToOwned::to_owned).into_iter().collect(),
            before_path: String::new(),
            version: "HTTP/1.1",
            served,
        }
    }

    fn many(hosts: &[&str], origins: &[&str]) -> Self {
        let owned = |list: &[&str]| list.iter().map(|text| (*text).to_owned()).collect();
        Self { hosts: owned(hosts), origins: owned(origins), ..Self::new("", None, false) }
    }

    fn target(before_path: &str, served: bool) -> Self {
        let before_path = before_path.to_owned();
        Self { before_path, ..Self::new("localhost", None, served) }
    }

    /// For people.
    fn what(&self) -> String {
        let Self { hosts, origins, before_path, version, .. } = self;
        format!("{version} Host {hosts:?} Origin {origins:?} target {before_path:?}")
    }

    /// A request with these headers.
    fn bend(&self, request: Request, path: &str) -> Vec<u8> {
        let request = request.target(&format!("{}{path}", self.before_path)).without("Host");
        let request = self.hosts.iter().fold(request, |request, host| request.also("Host", host));
        let origins = self.origins.iter();
        let request = origins.fold(request, |request, origin| request.also("Origin", origin));
        let text = String::from_utf8(request.bytes()).unwrap();
        text.replacen("HTTP/1.1", self.version, 1).into_bytes()
    }
}

/// Everything that is tried: each name and port for each of the two headers while the other is in order, then both together,
/// and what stands twice, not at all, or in the first line.
fn table() -> Vec<Case> {
    let mut cases = Vec::new();
    for name in OUR_NAMES {
        for port in PORTS {
            cases.push(Case::new(&format!("{name}{port}"), None, true));
            for scheme in SCHEMES {
                let origin = format!("{scheme}{name}{port}");
                cases.push(Case::new("localhost", Some(&origin), true));
            }
        }
        for port in NO_PORTS {
            cases.push(Case::new(&format!("{name}{port}"), None, false));
            let origin = format!("http://{name}{port}");
            cases.push(Case::new("localhost", Some(&origin), false));
        }
        for scheme in STRANGE_SCHEMES {
            cases.push(Case::new("127.0.0.1", Some(&format!("{scheme}{name}")), false));
        }
    }
    for name in STRANGE_NAMES {
        for port in ["", ":8000"] {
            cases.push(Case::new(&format!("{name}{port}"), None, false));
            let origin = format!("http://{name}{port}");
            cases.push(Case::new("[::1]:8000", Some(&origin), false));
        }
        // A rebound name: the page and the address are the same stranger's.
        cases.push(Case::new(name, Some(&format!("https://{name}")), false));
    }
    cases.extend(STRANGE_ORIGINS.map(|origin| Case::new("localhost:8000", Some(origin), false)));
    for (host, ours) in [("localhost", true), ("127.0.0.1:8000", true), ("evil.example", false)] {
        for (origin, own) in [("http://[::1]", true), ("https://evil.example", false)] {
            cases.push(Case::new(host, Some(origin), ours && own));
        }
    }
    cases.extend(odd_cases());
    cases
}

fn odd_cases() -> Vec<Case> {
    let origin = "http://localhost";
    let mut cases = vec![
        // White space around a value does not belong to it (RFC 9110, 5.5).
        Case::new("  localhost:8000\t ", Some("\t http://localhost  "), true),
        Case::many(&[], &[]),
        Case::many(&[], &[origin]),
        Case { version: "HTTP/1.0", ..Case::many(&[], &[]) },
        Case { version: "HTTP/1.0", ..Case::many(&["evil.example"], &[]) },
        Case { version: "HTTP/1.0", ..Case::new("localhost", None, true) },
        Case::many(&["localhost", "localhost"], &[]),
        Case::many(&["localhost", "evil.example"], &[]),
        Case::many(&["evil.example", "localhost"], &[]),
        Case::many(&["localhost", ""], &[]),
        Case::many(&["", "localhost"], &[]),
        Case::many(&["localhost"], &[origin, origin]),
        Case::many(&["localhost"], &[origin, "http://evil.example"]),
        Case::many(&["localhost"], &["http://evil.example", origin]),
        Case::many(&["localhost"], &[origin, "null"]),
        Case::many(&["localhost"], &["", origin]),
    ];
    for ours in ["http://localhost", "http://LOCALHOST:8000", "https://127.0.0.1", "http://[::1]:1"]
    {
        cases.push(Case::target(ours, true));
        // A name of ours in the first line does not make up for a stranger's beneath it.
        let host = Case::new("evil.example", None, false);
        cases.push(Case { before_path: ours.to_owned(), ..host });
        let page = Case::new("localhost", Some("http://evil.example"), false);
        cases.push(Case { before_path: ours.to_owned(), ..page });
    }
    let strange = [
        "http://evil.example",
        "http://localhost.evil.example",
        "http://localhost.",
        "http://0.0.0.0",
        "http://127.1",
        "http://2130706433",
        "http://evil@localhost",
        "http://localhost@evil.example",
        "http://localhost:99999",
        "http://localhost:",
        "http://[::ffff:127.0.0.1]",
        "http://[::]",
        "https://app.localhost",
    ];
    cases.extend(strange.map(|target| Case::target(target, false)));
    cases
}

/// What came of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Served,
    Refused,
    /// No answer, or one that this table has no place for.
    Other(Option<u16>),
}

/// Sends it and reads the head of the answer. The connection is given back, since its end would cancel what was asked.
fn knock(port: u16, request: &[u8]) -> (Outcome, TcpStream) {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.write_all(request).unwrap();
    let mut head = [0; 12];
    let status = stream.read_exact(&mut head).ok().and_then(|()| {
        let [_, _, _, _, _, _, _, _, _, digits @ ..] = head;
        std::str::from_utf8(&digits).ok()?.parse().ok()
    });
    let outcome = match status {
        Some(101 | 200) => Outcome::Served,
        // 403 is the gateway's own; what is no HTTP at all its parser answers with 400.
        Some(400 | 403 | 421) => Outcome::Refused,
        other => Outcome::Other(other),
    };
    (outcome, stream)
}

/// A call that writes `/post-NUMBER`.
fn by_post(blank: &Request, case: &Case, number: usize) -> Vec<u8> {
    let arguments = json!({ "path": format!("/post-{number}"), "content": "x" });
    let params = json!({ "name": "fs_write", "arguments": arguments });
    case.bend(blank.clone().modern("tools/call", &params), "/mcp")
}

/// A handshake, and behind it at once a frame with a call that writes `/ws-NUMBER`: what is refused must not read on.
fn by_handshake(blank: &Request, case: &Case, number: usize) -> Vec<u8> {
    let handshake = blank
        .clone()
        .method("GET")
        .header("Connection", "Upgrade")
        .header("Upgrade", "websocket")
        .header("Sec-WebSocket-Version", "13")
        .header("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")
        .without("Content-Type")
        .without("Accept");
    let params = json!([format!("/ws-{number}"), "x"]);
    let call = json!({ "jsonrpc": "2.0", "id": 1, "method": "mcp.fs.write", "params": params });
    let call = call.to_string();
    // One short text frame, masked with zeros.
    let length = u8::try_from(call.len()).ok().filter(|length| *length < 126).unwrap();
    let frame = [&[0x81, 0x80 | length, 0, 0, 0, 0], call.as_bytes()].concat();
    [case.bend(handshake, "/ws"), frame].concat()
}

/// Sends the whole table, and gives what came otherwise than it should: for each, the door and the case.
fn disagreements(port: u16, blank: &Request, table: &[Case]) -> Vec<String> {
    let mut found = Vec::new();
    let mut held = Vec::new();
    for (number, case) in table.iter().enumerate() {
        let doors = [
            ("/mcp", by_post(blank, case, number)),
            // HTTP/1.0 knows no upgrade.
            ("/ws", by_handshake(blank, case, number)),
        ];
        for (door, request) in doors {
            if door == "/ws" && case.version == "HTTP/1.0" && case.served {
                continue;
            }
            let (outcome, stream) = knock(port, &request);
            let expected = if case.served { Outcome::Served } else { Outcome::Refused };
            if outcome != expected {
                found.push(format!("{door} {}: {outcome:?}, not {expected:?}", case.what()));
            }
            if outcome == Outcome::Served {
                held.push(stream);
            }
        }
    }
    found
}

#[test]
fn no_page_of_a_stranger_gets_anything_however_it_names_itself() {
    let began = Instant::now();
    let appliance = Appliance::new().start();
    let table = table();
    let served: Vec<usize> = (0..table.len()).filter(|number| table[*number].served).collect();
    assert!(table.len() >= 300 && served.len() >= 100, "{} {}", table.len(), served.len());
    let wrong = disagreements(appliance.port(), &appliance.request(), &table);
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), 2 * table.len(), wrong.join("\n"));

    // Of the files that the calls write, those are there whose request was served, and no others.
    let old = |number: &&usize| table[**number].version == "HTTP/1.0";
    let by_post = served.iter().map(|number| format!("post-{number}"));
    let by_frame = served.iter().filter(|number| !old(number)).map(|number| format!("ws-{number}"));
    let expected: BTreeSet<String> = by_post.chain(by_frame).collect();
    let written = || -> BTreeSet<String> {
        let entries = fs::read_dir(appliance.root()).unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    };
    // Frames are not waited for one by one; whatever is last has been answered before this call ends.
    until("the frames to be done", PATIENCE, || (written().len() >= expected.len()).then_some(()));
    appliance.call("fs_list", &json!({ "path": "/" }));
    assert_eq!(written(), expected);
    println!(
        "C5: {} cases on two doors, {} of them served, 0 otherwise than the table in {:.1} s",
        table.len(),
        served.len(),
        began.elapsed().as_secs_f32()
    );
}

#[test]
fn every_other_page_has_the_same_guard() {
    let appliance = Appliance::new().start();
    let table = table();
    for (page, expected) in [("/metrics", 200), ("/healthz", 200), ("/readyz", 200), ("/none", 404)]
    {
        // Every seventh: the guard is the same, and this is to see that it is there.
        for case in table.iter().step_by(7) {
            let request = appliance.request().method("GET");
            let (outcome, _) = knock(appliance.port(), &case.bend(request, page));
            let reached = matches!(outcome, Outcome::Served | Outcome::Other(Some(404)));
            assert_eq!(reached, case.served, "{page} {}: {outcome:?}", case.what());
            if case.served && expected == 404 {
                assert_eq!(outcome, Outcome::Other(Some(404)), "{}", case.what());
            }
        }
    }
}

/// A server of a few lines, whose guard is this. It ends when the sender is dropped.
#[expect(clippy::disallowed_methods, reason = "a control that has no deadlines")]
fn bare_server(guard: fn(&HeaderMap) -> bool) -> (u16, oneshot::Sender<()>) {
    let (told, port) = std::sync::mpsc::channel();
    let (stop, stopped) = oneshot::channel();
    thread::spawn(move || {
        let page = move |headers: HeaderMap| async move {
            if guard(&headers) { StatusCode::OK } else { StatusCode::FORBIDDEN }
        };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
            told.send(listener.local_addr().unwrap().port()).unwrap();
            let serving = axum::serve(listener, Router::new().fallback(page)).into_future();
            tokio::select! { _ = serving => {}, _ = stopped => {} }
        });
    });
    (port.recv_timeout(PATIENCE).unwrap(), stop)
}

/// What is often written: one value of each, compared as text.
fn careless(headers: &HeaderMap) -> bool {
    let text = |name| headers.get(name).map(|value| value.to_str().unwrap_or_default());
    let ours = |text: &str| text.contains("localhost") || text.contains("127.0.0.1");
    text("host").is_some_and(ours) && text("origin").is_none_or(ours)
}

#[test]
fn the_same_table_catches_a_server_without_a_guard_and_one_that_is_careless() {
    let table = table();
    let strange = 2 * table.iter().filter(|case| !case.served).count();
    for (what, guard, least) in [
        ("without a guard", (|_| true) as fn(&HeaderMap) -> bool, strange * 9 / 10),
        ("careless", careless, strange / 4),
    ] {
        let (port, _stop) = bare_server(guard);
        let wrong = disagreements(port, &Request::new(port, "key"), &table);
        println!("C5 control, {what}: {} of {strange} strange requests got in", wrong.len());
        assert!(wrong.len() >= least, "{what}: only {} of {strange}", wrong.len());
    }
}
