//! `llmbasedos mcp`, started as a host starts it: clients that nobody here wrote use it, and it outlives whatever
//! happens to the gateway.
#![expect(clippy::unwrap_used, reason = "a test fails on what is missing, and shows figures")]

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use testkit::{Appliance, Tools, checkout, programs, until};

/// How long anything may take that should be quick.
const PATIENCE: Duration = Duration::from_secs(20);
/// How soon a cancelled call must have stopped.
const SOON: Duration = Duration::from_millis(250);

/// A running bridge, and the lines that it wrote.
struct Bridge {
    process: Child,
    input: Option<ChildStdin>,
    lines: Receiver<String>,
}

impl Bridge {
    /// Starts one with nothing in its environment but the key.
    fn start(url: &str, key: Option<&str>) -> Self {
        let mut command = Command::new(programs().join("llmbasedos"));
        command.args(["mcp", "--url", url]).env_clear();
        command.envs(key.map(|key| ("LLMBASEDOS_KEY", key)));
        Self::spawn(&mut command)
    }

    fn spawn(command: &mut Command) -> Self {
        let piped = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut process = piped.spawn().unwrap();
        let output = BufReader::new(process.stdout.take().unwrap());
        let (sender, lines) = channel();
        // Ends when the bridge does, or the test.
        thread::spawn(move || {
            output.lines().map_while(Result::ok).all(|line| sender.send(line).is_ok())
        });
        let input = process.stdin.take();
        Self { process, input, lines }
    }

    fn to(appliance: &Appliance) -> Self {
        Self::start(&appliance.facts().endpoint, Some(&appliance.facts().key))
    }

    /// Writes a line.
    fn say(&mut self, line: &str) {
        writeln!(self.input.as_mut().unwrap(), "{line}").unwrap();
    }

    /// Writes a request of the older era, which needs no handshake to call a tool.
    fn ask(&mut self, id: u32, tool: &str, arguments: &Value) {
        let params = json!({ "name": tool, "arguments": arguments });
        let message =
            json!({ "jsonrpc": "2.0", "id": id, "method": "tools/call", "params": params });
        self.say(&message.to_string());
    }

    /// The next message.
    fn hear(&self) -> Value {
        serde_json::from_str(&self.lines.recv_timeout(PATIENCE).unwrap()).unwrap()
    }

    /// Says that nothing has come.
    fn hears_nothing(&self) {
        assert_eq!(self.lines.try_recv().ok(), None);
    }

    fn calls(&mut self, id: u32) -> Value {
        self.ask(id, "fs_list", &json!({ "path": "/" }));
        let reply = self.hear();
        assert_eq!(reply["id"], id, "{reply}");
        reply
    }

    /// Ends standard input, and waits for the end. Gives how it ended, what it still wrote, and its standard error.
    fn end(mut self) -> (ExitStatus, Vec<String>, String) {
        self.input = None;
        self.ended()
    }

    fn ended(&mut self) -> (ExitStatus, Vec<String>, String) {
        let status = until("the end of the bridge", PATIENCE, || self.process.try_wait().unwrap());
        let mut log = String::new();
        self.process.stderr.take().unwrap().read_to_string(&mut log).unwrap();
        (status, self.lines.iter().collect(), log)
    }

    fn signal(&self, signal: &str) {
        let pid = self.process.id().to_string();
        assert!(Command::new("kill").args([signal, &pid]).status().unwrap().success());
    }
}

impl Drop for Bridge {
    fn drop(&mut self) {
        // It may have ended already.
        self.process.kill().ok();
        self.process.wait().ok();
    }
}

/// Runs a client's script through the bridge; it checks each step itself and says what it saw.
fn check(client: impl FnOnce(&Tools) -> Command, script: &str, era: &str, protocol: &str) {
    let appliance = Appliance::new().file("notes/other.txt", "untouched").start();
    let output = client(&Tools::installed())
        .arg(checkout().join("crates/testkit/clients").join(script))
        .env("MCP_URL", &appliance.facts().endpoint)
        .env("MCP_KEY", &appliance.facts().key)
        .env("MCP_ERA", era)
        .env("MCP_BRIDGE", programs().join("llmbasedos"))
        .output()
        .unwrap();
    let (out, log) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{out}\n{log}\n{}", appliance.log("gateway"));
    let report: Value = serde_json::from_str(out.lines().last().unwrap()).unwrap();
    assert_eq!((&report["ok"], &report["protocol"]), (&true.into(), &protocol.into()), "{report}");
    assert!(!log.contains("WARN") && !log.contains("ERROR"), "{log}");
    assert_eq!(fs::read_dir(appliance.root().join("notes")).unwrap().count(), 1);
}

#[test]
fn the_typescript_client_in_the_modern_era() {
    check(Tools::node, "typescript/four_calls.mjs", "modern", "2026-07-28");
}

#[test]
fn the_typescript_client_in_the_older_era() {
    check(Tools::node, "typescript/four_calls.mjs", "legacy", "2025-11-25");
}

#[test]
fn the_python_client_in_the_modern_era() {
    check(Tools::python, "python/four_calls.py", "modern", "2026-07-28");
}

#[test]
fn the_python_client_in_the_older_era() {
    check(Tools::python, "python/four_calls.py", "legacy", "2025-11-25");
}

#[test]
fn what_cannot_be_a_message_is_answered_and_the_bridge_goes_on() {
    let appliance = Appliance::new().start();
    let mut bridge = Bridge::to(&appliance);
    let long = format!("\"{}\"", "x".repeat(mcp_wire::limits::MAX_MESSAGE_BYTES));
    let deep = "[".repeat(100);
    for (line, code) in [
        ("{", -32700),
        ("not json", -32700),
        ("[]", -32600),
        ("{\"id\":1}", -32600),
        (r#"{"jsonrpc":"2.0","id":null,"method":"ping"}"#, -32600),
        (&deep, -32600),
        (&long, -32600),
    ] {
        bridge.say(line);
        let reply = bridge.hear();
        assert_eq!(reply["error"]["code"], code, "{reply}");
        assert_eq!(reply.get("id"), None, "{reply}");
    }
    bridge.say("\r");
    bridge.say("");
    assert!(bridge.calls(7)["result"].is_object());
    let (status, rest, _) = bridge.end();
    assert!(status.success() && rest.is_empty(), "{status} {rest:?}");
}

#[test]
fn every_answer_is_one_line_whatever_the_server_sends() {
    let appliance = Appliance::new().start();
    let peer = appliance.peer("spread", |frame| {
        let message: Value = serde_json::from_slice(frame).unwrap();
        let content = json!([{ "type": "text", "text": "two\nlines\r\n" }]);
        let result = format!(
            "{{\r\n \"resultType\":\"complete\",\n\"content\":{content},\n\"big\":12345678901234567890123 }}"
        );
        let id = &message["id"];
        Some(format!("{{\"jsonrpc\":\"2.0\",\n\"id\":{id},\"result\":{result}\n}}\0").into_bytes())
    });
    let mut bridge = Bridge::to(&appliance);
    bridge.ask(3, "spread", &json!({}));
    let line = bridge.lines.recv_timeout(PATIENCE).unwrap();
    assert!(line.contains("12345678901234567890123"), "{line}");
    let reply: Value = serde_json::from_str(&line).unwrap();
    assert_eq!(reply["result"]["content"][0]["text"], "two\nlines\r\n");
    drop(peer);
}

#[test]
fn a_slow_call_blocks_no_other_and_can_be_cancelled() {
    let appliance = Appliance::new().start();
    let peer = appliance.peer("slow", |_| None);
    let mut bridge = Bridge::to(&appliance);
    bridge.ask(1, "slow", &json!({}));
    peer.received();
    let id = bridge.calls(2);
    assert!(id["result"].is_object());

    let cancel = json!({ "jsonrpc": "2.0", "method": "notifications/cancelled", "params": { "requestId": 1 } });
    let since = Instant::now();
    bridge.say(&cancel.to_string());
    let told: Value = serde_json::from_slice(&peer.received()).unwrap();
    let took = since.elapsed();
    assert_eq!(told["method"], "notifications/cancelled", "{told}");
    assert!(took < SOON, "{took:?}");
    println!("a cancelled call was stopped after {took:?}");
    // Nothing is awaited any more, so the end is quick and in order; and what was cancelled has no answer.
    let since = Instant::now();
    let (status, rest, log) = bridge.end();
    assert!(status.success(), "{status} {log}");
    assert!(rest.is_empty(), "{rest:?}");
    assert!(since.elapsed() < Duration::from_secs(5));
}

#[test]
fn what_was_asked_is_answered_after_standard_input_has_ended() {
    let appliance = Appliance::new().file("a.txt", "a").start();
    let mut bridge = Bridge::to(&appliance);
    for id in 0..50 {
        bridge.ask(id, "fs_read", &json!({ "path": "/a.txt" }));
    }
    let (status, lines, log) = bridge.end();
    assert!(status.success(), "{status} {log}");
    let mut ids: Vec<u64> = lines
        .iter()
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .inspect(|reply| assert_eq!(reply["result"]["structuredContent"]["content"], "a"))
        .map(|reply| reply["id"].as_u64().unwrap())
        .collect();
    ids.sort_unstable();
    assert_eq!(ids, (0..50).collect::<Vec<_>>());
}

#[test]
fn a_signal_ends_it_though_a_call_is_under_way() {
    let appliance = Appliance::new().start();
    let peer = appliance.peer("slow", |_| None);
    let mut bridge = Bridge::to(&appliance);
    bridge.ask(1, "slow", &json!({}));
    peer.received();
    bridge.signal("-TERM");
    let (status, rest, log) = bridge.ended();
    assert_eq!(status.code(), Some(1), "a request had no answer: {log}");
    assert!(rest.is_empty() && log.contains("not answered in time"), "{rest:?} {log}");

    // Without one it ends at once and well, though standard input is still open.
    let mut bridge = Bridge::to(&appliance);
    bridge.calls(1);
    bridge.signal("-TERM");
    let (status, ..) = bridge.ended();
    assert!(status.success());
}

#[test]
fn the_gateway_may_go_away_and_come_back() {
    let home = tempfile::tempdir().unwrap();
    let plan = bringup::Plan {
        state: home.path().join("state"),
        root: None,
        port: 0,
        programs: programs(),
        choices: bringup::Choices::default(),
        call_timeout_seconds: None,
        log_level: None,
        limits: licence::Limits::NO_RATE,
    };
    let first = plan.start(|_| {}).unwrap();
    let facts = first.facts().clone();
    let port = facts.endpoint.split(':').nth(2).unwrap().split('/').next().unwrap();
    let mut bridge = Bridge::start(&facts.endpoint, Some(&facts.key));
    assert!(bridge.calls(1)["result"].is_object());

    first.stop().unwrap();
    let away = bridge.calls(2);
    assert_eq!(away["error"]["code"], -31502, "{away}");
    let message = away["error"]["message"].as_str().unwrap();
    assert!(message.contains("is the gateway running?"), "{message}");

    let again = bringup::Plan { port: port.parse().unwrap(), ..plan };
    let again = again.start(|_| {}).unwrap();
    assert!(bridge.calls(3)["result"].is_object());
    again.stop().unwrap();
}

#[test]
fn a_wrong_key_and_no_key_are_said() {
    let appliance = Appliance::new().start();
    let url = &appliance.facts().endpoint;
    for key in [None, Some("s3cret-but-wrong")] {
        let mut bridge = Bridge::start(url, key);
        let reply = bridge.calls(1);
        assert_eq!(reply["error"]["code"], -31401, "{reply}");
        let (status, rest, log) = bridge.end();
        assert!(status.success() && rest.is_empty(), "{rest:?}");
        assert_eq!(log.contains("there is no key"), key.is_none(), "{log}");
        assert!(!log.contains("s3cret"), "{log}");
    }
}

#[test]
fn the_key_can_be_in_a_file_and_what_is_wrong_in_form_is_said_at_once() {
    let appliance = Appliance::new().start();
    let file = appliance.outside().join("key");
    fs::write(&file, format!("{}\n", appliance.facts().key)).unwrap();
    let program = programs().join("llmbasedos");
    let run = |url: &str, key: &Path| {
        let mut command = Command::new(&program);
        // The file goes before the variable.
        command.env_clear().env("LLMBASEDOS_KEY", "s3cret-but-wrong");
        command.args(["mcp", "--url", url, "--key-file"]).arg(key);
        Bridge::spawn(&mut command)
    };
    let mut bridge = run(&appliance.facts().endpoint, &file);
    assert!(bridge.calls(1)["result"].is_object());

    let empty = appliance.outside().join("empty");
    fs::write(&empty, "").unwrap();
    let absent = appliance.outside().join("absent");
    let url = "http://127.0.0.1:1/mcp";
    for (url, key, reason) in [
        ("http://user:s3cret@127.0.0.1/mcp", &file, "a user or a password"),
        ("ftp://s3cret/", &file, "not an address"),
        (url, &empty, "the key is empty"),
        (url, &absent, "--key-file"),
    ] {
        let (status, lines, log) = run(url, key).end();
        assert_eq!(status.code(), Some(2), "{url}: {log}");
        assert!(lines.is_empty() && log.contains(reason), "{url}: {log}");
        assert!(!log.contains("s3cret"), "{log}");
    }
}

/// A gateway of a test on a UNIX socket: it gives each frame of one connection to `answer`, whose frames it sends, and
/// closes the connection when there is none.
fn serve(listener: UnixListener, mut answer: impl FnMut(&Value) -> Option<Value> + Send + 'static) {
    thread::spawn(move || {
        while let Ok((stream, _)) = listener.accept() {
            let mut frames = BufReader::new(&stream).split(0);
            while let Some(Ok(frame)) = frames.next()
                && let Some(reply) = answer(&serde_json::from_slice(&frame).unwrap())
            {
                (&stream).write_all(format!("{reply}\0").as_bytes()).unwrap();
            }
        }
    });
}

#[test]
fn a_socket_is_connected_again_after_it_was_lost() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("gateway.sock");
    let mut bridge = Bridge::start(&format!("unix:{}", path.display()), None);
    let absent = bridge.calls(1);
    assert_eq!(absent["error"]["code"], -31502, "{absent}");

    let mut count = 0;
    serve(UnixListener::bind(&path).unwrap(), move |message| {
        count += 1;
        // The second call meets the end of the connection.
        (count != 2).then(|| json!({ "jsonrpc": "2.0", "id": message["id"], "result": {} }))
    });
    assert!(bridge.calls(2)["result"].is_object());
    let lost = bridge.calls(3);
    assert_eq!(lost["error"]["code"], -31502, "{lost}");
    let message = lost["error"]["message"].as_str().unwrap();
    assert!(message.contains("look whether the call was carried out"), "{message}");
    assert!(bridge.calls(4)["result"].is_object());
    bridge.hears_nothing();
    let (status, _, log) = bridge.end();
    assert!(status.success(), "{log}");
    assert!(!log.contains("there is no key"), "a socket needs none: {log}");
}

/// How long 300 calls take, one after the other: the middle one.
fn middle(mut call: impl FnMut(u32)) -> Duration {
    let mut times: Vec<Duration> = (0..300)
        .map(|id| {
            let since = Instant::now();
            call(id);
            since.elapsed()
        })
        .collect();
    times.sort_unstable();
    times[times.len() / 2]
}

#[test]
fn the_bridge_adds_little_to_a_call() {
    let appliance = Appliance::new().file("a.txt", "a").start();
    let target = appliance.facts().endpoint.parse().unwrap();
    let key = mcp_client::Key::new(appliance.facts().key.clone()).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let client = runtime.block_on(mcp_client::Client::connect(&target, Some(&key))).unwrap();
    let params = json!({ "name": "fs_read", "arguments": { "path": "/a.txt" } });
    let direct = |_| {
        runtime.block_on(client.request("tools/call", &params)).unwrap();
    };
    let mut bridge = Bridge::to(&appliance);
    let mut bridged = |id| {
        bridge.ask(id, "fs_read", &json!({ "path": "/a.txt" }));
        bridge.hear();
    };
    // Once each before it counts: both connect at the first call.
    direct(0);
    bridged(1000);
    let (direct, bridged) = (middle(direct), middle(bridged));
    let added = bridged.saturating_sub(direct);
    println!("a call: direct {direct:?}, through the bridge {bridged:?}, added {added:?}");
    assert!(added < Duration::from_millis(5), "direct {direct:?}, bridged {bridged:?}");
}

#[test]
fn a_host_that_is_gone_ends_it() {
    let appliance = Appliance::new().start();
    let mut command = Command::new(programs().join("llmbasedos"));
    command.args(["mcp", "--url", &appliance.facts().endpoint]);
    command.env("LLMBASEDOS_KEY", &appliance.facts().key);
    let mut process =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    drop(process.stdout.take());
    let mut input = process.stdin.take().unwrap();
    let status = until("the end of the bridge", PATIENCE, || {
        writeln!(input, r#"{{"jsonrpc":"2.0","id":1,"method":"ping"}}"#).ok();
        process.try_wait().unwrap()
    });
    assert_eq!(status.code(), Some(1));
}
