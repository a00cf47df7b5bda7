//! How the file server, as a process, behaves when a call is given up, when it is told to stop, and towards its supervisor.
//!
//! A client relies on this: a removal that it cancels stops soon and leaves the rest, one that runs out of time says how
//! far it came, and what was written before the end was answered. The supervisor relies on this: signs of life come while
//! the server runs, and not when it hangs.
#![cfg(test)]

use std::fs;
use std::io::{Read as _, Write as _};
use std::os::unix::net::{UnixDatagram, UnixStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;
use testkit::until;

/// How long a test waits for what must come.
const PATIENCE: Duration = Duration::from_secs(30);
/// Within what time a call that is given up must stop.
const PROMPT: Duration = Duration::from_millis(250);

/// The program, serving a folder. Dropping it kills it.
struct Server {
    child: Child,
    folder: TempDir,
}

impl Server {
    /// Starts it with these environment variables besides.
    fn start(environment: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self::start_in(folder, environment, &json!({}))
    }

    /// One that keeps nothing of what is removed, so that it removes it entry by entry.
    fn start_without_undo(environment: &[(&str, &str)]) -> Self {
        let nothing = json!({ "bytes": 0, "make_too_large": true });
        Self::start_in(tempfile::tempdir().unwrap(), environment, &nothing)
    }

    fn start_in(folder: TempDir, environment: &[(&str, &str)], history: &Value) -> Self {
        for name in ["root", "state"] {
            fs::create_dir(folder.path().join(name)).unwrap();
        }
        let at = |name: &str| folder.path().join(name);
        let config = json!({ "root": at("root"), "state": at("state"), "history": history });
        fs::write(at("fs.yaml"), config.to_string()).unwrap();
        let child = Command::new(env!("CARGO_BIN_EXE_cap-fs"))
            .args(["serve", "--parent", &std::process::id().to_string(), "--socket"])
            .arg(at("fs.sock"))
            .arg("--config")
            .arg(at("fs.yaml"))
            .env("LLMBDO_FS_LOG_LEVEL", "warn")
            .envs(environment.iter().copied())
            .stdin(Stdio::null())
            .spawn()
            .unwrap();
        let server = Self { child, folder };
        until("the server", PATIENCE, || {
            UnixStream::connect(server.folder.path().join("fs.sock")).ok()
        });
        server
    }

    fn connect(&self) -> Wire {
        let stream = UnixStream::connect(self.folder.path().join("fs.sock")).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        Wire { stream, received: Vec::new() }
    }

    /// The host path of a path in the exposed folder.
    fn at(&self, path: &str) -> PathBuf {
        self.folder.path().join("root").join(path)
    }

    fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args([name, &pid]).status().unwrap().success());
    }

    /// The letter that stands for the state of the process.
    fn state(&self) -> char {
        let status = fs::read_to_string(format!("/proc/{}/stat", self.child.id())).unwrap();
        status.rsplit_once(") ").and_then(|(_, rest)| rest.chars().next()).unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// A connection to it.
struct Wire {
    stream: UnixStream,
    received: Vec<u8>,
}

/// A call as the gateway would send it.
fn call(id: u64, tool: &str, arguments: &Value, timeout_ms: Option<u64>) -> String {
    let mut caller = json!({
        "client": "anna", "request": "r-1", "origin": "local", "policyGeneration": 0,
        "scopes": [{ "collection": "files", "prefix": "/" }],
    });
    if let Some(ms) = timeout_ms {
        caller["timeoutMs"] = ms.into();
    }
    let params = json!({
        "name": tool,
        "arguments": arguments,
        "_meta": {
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientCapabilities": {},
            "org.llmbasedos/caller": caller,
        },
    });
    json!({ "jsonrpc": "2.0", "id": id, "method": "tools/call", "params": params }).to_string()
}

impl Wire {
    /// Sends a message. `false`: the server is gone.
    fn send(&mut self, message: &str) -> bool {
        self.stream.write_all(format!("{message}\0").as_bytes()).is_ok()
    }

    /// The next message; `None` where the server is gone.
    fn next(&mut self) -> Option<Value> {
        let mut chunk = [0; 8192];
        loop {
            if let Some(end) = self.received.iter().position(|byte| *byte == 0) {
                let frame: Vec<u8> = self.received.drain(..=end).take(end).collect();
                return Some(serde_json::from_slice(&frame).unwrap());
            }
            match self.stream.read(&mut chunk) {
                Ok(0) => return None,
                Ok(length) => self.received.extend_from_slice(&chunk[..length]),
                Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => return None,
                Err(error) => panic!("no answer: {error}"),
            }
        }
    }
}

/// Folders and files below a folder.
fn count(top: &Path) -> usize {
    let mut found = 0;
    let mut waiting = vec![top.to_owned()];
    while let Some(folder) = waiting.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let entry = entry.unwrap();
            found += 1;
            if entry.file_type().unwrap().is_dir() {
                waiting.push(entry.path());
            }
        }
    }
    found
}

/// Makes a tree of `folders` times 1,000 entries.
fn plant(top: &Path, folders: usize) {
    for folder in 0..folders {
        let folder = top.join(folder.to_string());
        fs::create_dir_all(&folder).unwrap();
        for file in 0..999 {
            // One of them has something in it, so that the tree can be too large to be kept.
            fs::write(folder.join(file.to_string()), if file == 0 { "x" } else { "" }).unwrap();
        }
    }
}

#[test]
fn a_removal_that_is_cancelled_stops_soon_and_leaves_the_rest() {
    const FOLDERS: usize = 100;
    // With one thread, the next answer tells that the call before has ended.
    let server = Server::start_without_undo(&[("LLMBDO_FS_WORKERS", "1")]);
    let tree = server.at("tree");
    plant(&tree, FOLDERS);
    let mut wire = server.connect();
    let remove = json!({ "path": "/tree", "recursive": true });
    assert!(wire.send(&call(1, "fs_delete", &remove, None)));
    until("the removal to begin", PATIENCE, || {
        (fs::read_dir(&tree).unwrap().count() < FOLDERS).then_some(())
    });
    let cancelled = Instant::now();
    let params = json!({ "requestId": 1 });
    let cancel = json!({ "jsonrpc": "2.0", "method": "notifications/cancelled", "params": params });
    assert!(wire.send(&cancel.to_string()));
    assert!(wire.send(&call(2, "fs_list", &json!({ "path": "/" }), None)));
    let reply = wire.next().unwrap();
    let delay = cancelled.elapsed();
    assert_eq!(reply["id"], 2, "a cancelled call is not answered: {reply}");
    assert!(delay < PROMPT, "it took {delay:?}");
    let left = count(&tree);
    assert!(left > 0, "all was removed before the call was cancelled");
    assert!(wire.send(&call(3, "fs_list", &json!({ "path": "/tree" }), None)));
    assert_eq!(wire.next().unwrap()["id"], 3);
    assert_eq!(count(&tree), left, "the removal went on");
}

#[test]
fn a_removal_that_runs_out_of_time_says_how_far_it_came() {
    let server = Server::start_without_undo(&[]);
    let tree = server.at("tree");
    plant(&tree, 20);
    let mut wire = server.connect();
    let remove = json!({ "path": "/tree", "recursive": true });
    let mut left = count(&tree);
    let mut halves = 0;
    // Each time it is given more, until it is enough.
    for round in 0_u64.. {
        let before = left;
        assert!(wire.send(&call(round, "fs_delete", &remove, Some(5 + round * 5))));
        let reply = wire.next().unwrap();
        if reply["result"]["isError"] == false {
            break;
        }
        assert_eq!(reply["result"]["_meta"]["org.llmbasedos/errorKind"], "cancelled", "{reply}");
        let text = reply["result"]["content"][0]["text"].as_str().unwrap();
        assert!(text.contains("the time that the caller waits is over"), "{text}");
        left = count(&tree);
        if left < before {
            halves += 1;
            let gone = before - left;
            assert!(
                text.contains(&format!("`/tree` was stopped in the middle: {gone} ")),
                "{text}"
            );
        } else {
            assert!(!text.contains("in the middle"), "{text}");
        }
    }
    assert!(halves > 0, "it was never stopped in the middle");
    assert_eq!(fs::metadata(&tree).unwrap_err().kind(), std::io::ErrorKind::NotFound);
}

#[test]
fn a_removal_that_is_kept_is_made_as_a_whole_or_not_at_all() {
    let server = Server::start(&[]);
    let tree = server.at("tree");
    plant(&tree, 20);
    let all = count(&tree);
    let mut wire = server.connect();
    let remove = json!({ "path": "/tree", "recursive": true });
    let mut stopped = 0;
    for round in 0_u64.. {
        assert!(wire.send(&call(round, "fs_delete", &remove, Some(1 << round.min(14)))));
        let reply = wire.next().unwrap();
        if reply["result"]["isError"] == false {
            break;
        }
        assert_eq!(reply["result"]["_meta"]["org.llmbasedos/errorKind"], "cancelled", "{reply}");
        let text = reply["result"]["content"][0]["text"].as_str().unwrap();
        assert!(!text.contains("in the middle"), "{text}");
        assert_eq!(count(&tree), all);
        stopped += 1;
    }
    assert!(stopped > 0, "it was never stopped");
    assert_eq!(fs::metadata(&tree).unwrap_err().kind(), std::io::ErrorKind::NotFound);
    assert!(wire.send(&call(1, "fs_undo", &json!({ "client": "anna" }), None)));
    assert_eq!(wire.next().unwrap()["result"]["structuredContent"]["complete"], true);
    assert_eq!(count(&tree), all);
}

#[test]
fn what_was_written_before_the_end_was_answered() {
    const CONNECTIONS: usize = 16;
    const CALLS_EACH: usize = 2;
    let mut server = Server::start(&[]);
    fs::write(server.at("log"), "").unwrap();
    let together = Barrier::new(CONNECTIONS + 1);
    let answers: usize = thread::scope(|scope| {
        let callers: Vec<_> = (0..CONNECTIONS)
            .map(|at| {
                // Until the socket that was there first is closed, there is one connection too many.
                let (mut wire, together) = (server.connect(), &together);
                scope.spawn(move || {
                    together.wait();
                    let append = json!({ "path": "/log", "content": "x", "append": true });
                    let (mut sent, mut answers) = (0, 0);
                    loop {
                        while sent < answers + CALLS_EACH {
                            sent += 1;
                            if !wire.send(&call(sent as u64, "fs_write", &append, None)) {
                                break;
                            }
                        }
                        let Some(reply) = wire.next() else { return answers };
                        assert_eq!(reply["result"]["isError"], false, "{at}: {reply}");
                        answers += 1;
                    }
                })
            })
            .collect();
        together.wait();
        until("some writes", PATIENCE, || {
            (fs::metadata(server.at("log")).unwrap().len() > 50).then_some(())
        });
        server.signal("-TERM");
        callers.into_iter().map(|caller| caller.join().unwrap()).sum()
    });
    let status = until("the end", PATIENCE, || server.child.try_wait().unwrap());
    assert!(status.success(), "{status}");
    assert_eq!(fs::read(server.at("log")).unwrap().len(), answers);
}

/// A supervisor's socket, and how often it asks for signs of life.
struct Supervisor {
    socket: UnixDatagram,
    server: Server,
}

impl Supervisor {
    fn start(environment: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notify");
        let socket = UnixDatagram::bind(&path).unwrap();
        let mut environment = environment.to_vec();
        environment.push(("NOTIFY_SOCKET", path.to_str().unwrap()));
        let server = Server::start_in(folder, &environment, &json!({}));
        let supervisor = Self { socket, server };
        until("readiness", PATIENCE, || {
            supervisor.hears(PATIENCE).is_some_and(|text| text.contains("READY=1")).then_some(())
        });
        supervisor
    }

    /// What the server says next, if it does so in time.
    fn hears(&self, patience: Duration) -> Option<String> {
        self.socket.set_read_timeout(Some(patience)).unwrap();
        let mut text = [0; 4096];
        let length = self.socket.recv(&mut text).ok()?;
        Some(String::from_utf8(text[..length].to_vec()).unwrap())
    }

    fn hears_a_sign_of_life(&self, patience: Duration) -> bool {
        self.hears(patience).is_some_and(|text| text.contains("WATCHDOG=1"))
    }
}

#[test]
fn signs_of_life_come_while_the_server_runs_and_not_when_it_hangs() {
    const ASKED: Duration = Duration::from_millis(400);
    let micros = ASKED.as_micros().to_string();
    let supervisor = Supervisor::start(&[("WATCHDOG_USEC", &micros)]);
    for _ in 0..6 {
        assert!(supervisor.hears_a_sign_of_life(ASKED), "none came in time");
    }
    supervisor.server.signal("-STOP");
    until("it to hang", PATIENCE, || (supervisor.server.state() == 'T').then_some(()));
    while supervisor.hears(Duration::from_millis(1)).is_some() {}
    assert!(!supervisor.hears_a_sign_of_life(ASKED * 2), "one came from a process that hangs");
    supervisor.server.signal("-CONT");
    assert!(supervisor.hears_a_sign_of_life(ASKED));
}

#[test]
fn nobody_who_did_not_ask_gets_signs_of_life() {
    let quiet = Duration::from_millis(300);
    for environment in [
        [].as_slice(),
        &[("WATCHDOG_USEC", "0")],
        // It is another process of the unit that is asked.
        &[("WATCHDOG_USEC", "100000"), ("WATCHDOG_PID", "1")],
    ] {
        let supervisor = Supervisor::start(environment);
        assert!(!supervisor.hears_a_sign_of_life(quiet), "{environment:?}");
    }
}

#[test]
fn the_cap_file_says_what_the_legacy_dialect_gives() {
    let caps = Command::new(env!("CARGO_BIN_EXE_cap-fs")).arg("caps").output().unwrap();
    let caps: Value = serde_json::from_slice(&caps.stdout).unwrap();
    assert_eq!(caps["error_code_base"], -32_010);
    let server = Server::start(&[]);
    fs::write(server.at("a.txt"), "text").unwrap();
    let mut wire = server.connect();
    let arguments = [
        json!({ "path": "/" }),
        json!({ "path": "/a.txt" }),
        json!({ "path": "/b.txt", "content": "" }),
        json!({ "path": "/b.txt" }),
    ];
    for (method, arguments) in caps["capabilities"].as_array().unwrap().iter().zip(&arguments) {
        let tool = method["tool"]["name"].as_str().unwrap();
        assert!(wire.send(&call(1, tool, arguments, None)));
        let reply = wire.next().unwrap();
        let mut result = &reply["result"]["structuredContent"];
        if let Some(member) = method["result_member"].as_str() {
            result = &result[member];
        }
        let schema = jsonschema::draft202012::new(&method["result_schema"]).unwrap();
        assert!(schema.is_valid(result), "{tool}: {reply}");
        assert_eq!(result.is_array(), tool == "fs_list", "{tool}: {result}");
    }
}
