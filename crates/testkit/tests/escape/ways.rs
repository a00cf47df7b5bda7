//! The same by every way in: each has its own reading of a message, and a path that one of them decoded once more than the
//! others, or routed past a check, would lead out there alone.
//!
//! The control is a server behind the same gateway that does as it is told. It leaks by every way, so that what is silent
//! with the real one is not the test.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Instant;

use bringup::Facts;
use escape_paths::{CANARY, MARK_NAME, Traps};
use serde_json::{Value, json};
use testkit::{Appliance, Door, End, Local, Request, ShowKey, WebSocket, until};

use super::{
    CHANGING, Campaign, PATIENCE, READING, Reply, State, check_same, corpus, memory_folder,
    naive_path, snapshot,
};
use crate::escape_paths;

/// How a call is written.
#[derive(Clone, Copy)]
enum Dialect {
    Modern,
    /// MCP of the revisions that begin with `initialize`.
    Older,
    Positional,
    Named,
}

/// A way in.
#[derive(Clone, Copy)]
enum Way {
    Post(Dialect),
    Socket(Dialect),
    Local(End, Dialect),
    Bridge,
}

const WAYS: [(&str, Way); 10] = [
    ("POST /mcp", Way::Post(Dialect::Modern)),
    ("POST /mcp after initialize", Way::Post(Dialect::Older)),
    ("/ws, MCP", Way::Socket(Dialect::Modern)),
    ("/ws, positional", Way::Socket(Dialect::Positional)),
    ("/ws, named", Way::Socket(Dialect::Named)),
    ("gateway.sock, NUL, MCP", Way::Local(End::Nul, Dialect::Modern)),
    ("gateway.sock, NUL, named", Way::Local(End::Nul, Dialect::Named)),
    ("gateway.sock, newline, older MCP", Way::Local(End::Newline, Dialect::Older)),
    ("gateway.sock, newline, positional", Way::Local(End::Newline, Dialect::Positional)),
    ("llmbasedos mcp", Way::Bridge),
];

/// An open connection by some way.
struct Open {
    line: Line,
    dialect: Dialect,
    /// How the names of the tools begin.
    server: &'static str,
}

enum Line {
    Http { stream: TcpStream, request: Request, received: Vec<u8> },
    Door(Box<dyn Door>),
    Bridge(Bridge),
}

/// `llmbasedos mcp`, and its pipes. Dropping it ends it.
struct Bridge {
    process: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Drop for Bridge {
    fn drop(&mut self) {
        self.process.kill().ok();
        self.process.wait().ok();
    }
}

impl Bridge {
    fn start(facts: &Facts) -> Self {
        let mut process = Command::new(testkit::programs().join("llmbasedos"))
            .args(["mcp", "--url", &facts.endpoint])
            .env_clear()
            .env("LLMBASEDOS_KEY", &facts.key)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let (input, output) = (process.stdin.take().unwrap(), process.stdout.take().unwrap());
        Self { process, input, output: BufReader::new(output) }
    }
}

impl Way {
    fn open(self, facts: &Facts, server: &'static str) -> Open {
        let port = facts.endpoint.rsplit(':').next().unwrap().trim_end_matches("/mcp");
        let port: u16 = port.parse().unwrap();
        let (line, dialect) = match self {
            Self::Post(dialect) => {
                let stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
                stream.set_nodelay(true).unwrap();
                stream.set_read_timeout(Some(PATIENCE)).unwrap();
                let mut request =
                    Request::new(port, &facts.key).header("Accept", "application/json");
                if matches!(dialect, Dialect::Older) {
                    let begun = request.clone().body(initialize().to_string()).send();
                    let session = begun.header("mcp-session-id").expect("a session");
                    request = request
                        .header("Mcp-Session-Id", session)
                        .header("MCP-Protocol-Version", "2025-06-18");
                }
                (Line::Http { stream, request, received: Vec::new() }, dialect)
            }
            Self::Socket(dialect) => {
                let socket = WebSocket::open(port, ShowKey::Header(&facts.key)).unwrap();
                (Line::Door(Box::new(socket)), dialect)
            }
            Self::Local(end, dialect) => {
                (Line::Door(Box::new(Local::open(&facts.sockets["gateway"], end))), dialect)
            }
            Self::Bridge => (Line::Bridge(Bridge::start(facts)), Dialect::Modern),
        };
        let mut open = Open { line, dialect, server };
        if let (Line::Door(door), Dialect::Older) = (&mut open.line, dialect) {
            assert_eq!(door.ask(&initialize())["result"]["protocolVersion"], "2025-06-18");
        }
        open
    }
}

fn initialize() -> Value {
    json!({ "jsonrpc": "2.0", "id": "begin", "method": "initialize", "params": {
        "protocolVersion": "2025-06-18", "capabilities": {},
        "clientInfo": { "name": "escape", "version": "0" } } })
}

impl Open {
    /// A call as this connection writes it; of the tool only the verb counts.
    fn message(&self, id: usize, tool: &str, arguments: &Value) -> Value {
        let verb = tool.rsplit('_').next().unwrap();
        let name = format!("{}_{verb}", self.server);
        let old = |params: Value| {
            let method = format!("mcp.{}.{verb}", self.server);
            json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params })
        };
        let mut params = json!({ "name": name, "arguments": arguments });
        match self.dialect {
            Dialect::Named => return old(arguments.clone()),
            Dialect::Positional => {
                // A place that is left out has what is usual there.
                let or = |name: &str, usual: Value| match &arguments[name] {
                    Value::Null => usual,
                    given => given.clone(),
                };
                let path = arguments["path"].clone();
                return old(match verb {
                    "list" => json!([path]),
                    "read" => json!([path, or("encoding", "text".into())]),
                    "write" => {
                        let append = or("append", false.into());
                        json!([path, arguments["content"], "text", append])
                    }
                    _ => json!([path, or("recursive", false.into())]),
                });
            }
            Dialect::Older => {}
            Dialect::Modern => {
                params["_meta"] = json!({
                    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
                    "io.modelcontextprotocol/clientCapabilities": {},
                });
            }
        }
        json!({ "jsonrpc": "2.0", "id": id, "method": "tools/call", "params": params })
    }

    /// Sends all of these calls, and then takes their answers, in the order of the calls.
    fn ask(&mut self, calls: &[(&str, Value)]) -> Vec<Reply> {
        for (id, (tool, arguments)) in calls.iter().enumerate() {
            let message = self.message(id, tool, arguments);
            let modern = matches!(self.dialect, Dialect::Modern);
            match &mut self.line {
                Line::Http { stream, request, .. } => {
                    let mut request = request.clone().body(message.to_string());
                    if modern {
                        request = request
                            .header("MCP-Protocol-Version", "2026-07-28")
                            .header("Mcp-Method", "tools/call")
                            .header("Mcp-Name", message["params"]["name"].as_str().unwrap());
                    }
                    stream.write_all(&request.bytes()).unwrap();
                }
                Line::Door(door) => door.send(&message),
                Line::Bridge(bridge) => writeln!(bridge.input, "{message}").unwrap(),
            }
        }
        let mut replies: Vec<Reply> = calls.iter().map(|_| self.receive()).collect();
        replies.sort_by_key(|reply| reply.body["id"].as_u64());
        let ids: Vec<Option<u64>> = replies.iter().map(|reply| reply.body["id"].as_u64()).collect();
        assert_eq!(ids, (0..calls.len() as u64).map(Some).collect::<Vec<_>>());
        replies
    }

    fn receive(&mut self) -> Reply {
        let bytes = match &mut self.line {
            Line::Http { stream, received, .. } => loop {
                if let Some(end) = end_of_response(received) {
                    let rest = received.split_off(end);
                    let bytes = std::mem::replace(received, rest);
                    let body = super::body_of(&bytes).unwrap();
                    return Reply { bytes, body };
                }
                let mut chunk = [0; 16 * 1024];
                let length = stream.read(&mut chunk).expect("an answer");
                assert_ne!(length, 0, "the connection ended");
                received.extend_from_slice(&chunk[..length]);
            },
            Line::Door(door) => door.receive_text(),
            Line::Bridge(bridge) => {
                let mut line = String::new();
                assert_ne!(bridge.output.read_line(&mut line).unwrap(), 0, "the bridge ended");
                line
            }
        };
        let body = serde_json::from_str(&bytes).unwrap();
        Reply { bytes: bytes.into_bytes(), body }
    }

    /// Whether what was asked was done. The old dialect has the outcome itself for a result.
    fn done(&self, reply: &Reply) -> bool {
        match self.dialect {
            Dialect::Modern | Dialect::Older => reply.done(),
            Dialect::Positional | Dialect::Named => reply.body.get("result").is_some(),
        }
    }
}

/// Where the first response ends, once it is whole.
fn end_of_response(bytes: &[u8]) -> Option<usize> {
    let start = bytes.windows(4).position(|end| end == b"\r\n\r\n")? + 4;
    let head = String::from_utf8_lossy(&bytes[..start]).to_ascii_lowercase();
    let (_, length) = head.split_once("content-length: ")?;
    let length: usize = length.split("\r\n").next()?.parse().unwrap();
    (bytes.len() >= start + length).then_some(start + length)
}

/// Runs a corpus of its own by one way: a third of it, since each way has another.
fn run(at: usize) {
    let began = Instant::now();
    let (name, way) = WAYS[at];
    let campaign =
        Campaign::start(if at.is_multiple_of(2) { State::Beside } else { State::Within });
    let mut open = way.open(campaign.running.facts(), "fs");
    let paths = corpus(&campaign.traps, &campaign.history(), 1 + at as u64);
    let paths: Vec<&String> = paths.iter().skip(at % 3).step_by(3).collect();
    let (mut attempts, mut done, mut changed) = (0, 0, 0);
    let mut batch = |open: &mut Open, path: &str, uses: &[super::Use]| -> usize {
        let calls: Vec<(&str, Value)> =
            uses.iter().map(|(_, tool, arguments)| (*tool, arguments(path))).collect();
        let replies = open.ask(&calls);
        attempts += replies.len();
        for ((how, ..), reply) in uses.iter().zip(&replies) {
            campaign.check(path, how, reply);
            assert_ne!(reply.kind(), "internal", "{name}: {how} of {path:?}");
        }
        replies.iter().filter(|reply| open.done(reply)).count()
    };

    let before = snapshot(campaign.base.path(), &campaign.state, &|_| false);
    for path in &paths {
        done += batch(&mut open, path, &READING);
    }
    let after = snapshot(campaign.base.path(), &campaign.state, &|_| false);
    check_same(&after, &before, || format!("{name}: reading changed something"));
    let before = campaign.guarded();
    for path in &paths {
        let here = batch(&mut open, path, &CHANGING);
        changed += here;
        if here > 0 {
            check_same(&campaign.guarded(), &before, || format!("{name}: after {path:?}"));
            campaign.reset();
        }
    }
    check_same(&campaign.guarded(), &before, || format!("{name}: at the end"));
    println!(
        "C1 by {name}: {} paths, {attempts} attempts, {done} readings and {changed} changes inside, 0 escapes in {:.1} s",
        paths.len(),
        began.elapsed().as_secs_f32()
    );
    // All ways together are held to ten thousand, and none may be one that only refuses.
    assert!(attempts * WAYS.len() >= 10_000, "{attempts}");
    assert!(done > 0 && changed > 50 && (done + changed) * 2 < attempts, "{done} {changed}");
}

macro_rules! each_way {
    ($($name:ident: $at:literal,)*) => {
        $(#[test]
        fn $name() {
            run($at);
        })*

        #[test]
        fn each_way_has_its_test() {
            assert_eq!([$($at),*], std::array::from_fn::<usize, { WAYS.len() }, _>(|at| at));
        }
    };
}

each_way! {
    no_path_leads_out_by_post: 0,
    no_path_leads_out_by_post_after_initialize: 1,
    no_path_leads_out_by_websocket: 2,
    no_path_leads_out_by_websocket_and_place: 3,
    no_path_leads_out_by_websocket_and_name: 4,
    no_path_leads_out_by_socket_with_nul: 5,
    no_path_leads_out_by_socket_with_nul_and_name: 6,
    no_path_leads_out_by_socket_with_newline: 7,
    no_path_leads_out_by_socket_with_newline_and_place: 8,
    no_path_leads_out_by_bridge: 9,
}

/// Answers a call as a server does that joins its root and the path, and looks at the text only.
fn naive(base: &Path, root: &Path, frame: &[u8]) -> Option<Vec<u8>> {
    let message: Value = serde_json::from_slice(frame).ok()?;
    let arguments = &message["params"]["arguments"];
    let path = naive_path(root, arguments["path"].as_str().unwrap_or_default());
    let mut output = json!({ "entries": [], "content": "" });
    if let Some(path) = path {
        match message["params"]["name"].as_str()? {
            "naive_list" => {
                let names = fs::read_dir(&path).into_iter().flatten().flatten();
                let names = names.map(|entry| entry.file_name().to_string_lossy().into_owned());
                output["entries"] = names.collect();
            }
            // Only a file, so that nobody waits for a FIFO.
            "naive_read" if path.is_file() => {
                let content = fs::read(&path).unwrap_or_default();
                output["content"] = String::from_utf8_lossy(&content).into_owned().into();
            }
            "naive_write" if leads_into(base, &path) => {
                fs::write(&path, "written").ok();
            }
            _ => {}
        }
    }
    let content = json!([{ "type": "text", "text": output.to_string() }]);
    let result = json!({ "resultType": "complete", "content": content, "structuredContent": output, "isError": false });
    let reply = json!({ "jsonrpc": "2.0", "id": message["id"], "result": result });
    Some([reply.to_string().as_bytes(), b"\0"].concat())
}

/// Whether a file really is in the folders of the test: what the control writes must not go further.
#[expect(
    clippy::disallowed_methods,
    reason = "it keeps the control, which is wrong, where it can do no harm"
)]
fn leads_into(base: &Path, path: &Path) -> bool {
    path.is_file() && fs::canonicalize(path).is_ok_and(|real| real.starts_with(base))
}

#[test]
fn a_server_that_checks_the_text_leaks_by_every_way() {
    let appliance = Appliance::new().start();
    let folder = memory_folder();
    let base = folder.path().to_owned();
    let traps = Traps::new(&base).unwrap();
    let caps = fs::read_to_string(appliance.state().join("run/fs.cap.json")).unwrap();
    let caps = caps.replace("mcp.fs.", "mcp.naive.").replace("\"fs", "\"naive");
    let mut caps: Value = serde_json::from_str(&caps).unwrap();
    // It serves one connection after the other.
    caps.as_object_mut().unwrap().remove("connections");
    let root = traps.root();
    let answer = move |frame: &[u8]| naive(&base, &root, frame);
    let _peer = appliance.old_peer("naive", &caps, answer);
    until("the naive tools", PATIENCE, || {
        appliance.tools().iter().any(|tool| tool == "naive_write").then_some(())
    });
    for (at, (name, way)) in WAYS.into_iter().enumerate() {
        let mut open = way.open(appliance.facts(), "naive");
        let before = traps.snapshot().unwrap();
        let (mut read, mut listed) = (0, 0);
        let paths = corpus(&traps, "fs/history-1", 1 + at as u64);
        for path in paths.iter().skip(at % 3).step_by(3) {
            let calls = [READING[0], READING[1], CHANGING[0]];
            let calls = calls.map(|(_, tool, arguments)| (tool, arguments(path)));
            let replies = open.ask(&calls);
            listed += usize::from(replies[0].holds(MARK_NAME));
            read += usize::from(replies[1].holds(CANARY) || replies[1].holds("written"));
        }
        println!("C1 control by {name}: {read} canaries read, {listed} folders listed");
        assert!(read > 10 && listed > 10, "{name}: {read} {listed}");
        assert_ne!(traps.snapshot().unwrap(), before, "{name}: a write outside is seen");
    }
}
