//! A capability server alone, without a gateway before it, so that a test sees its death at once.

use std::fs::{self, File, Permissions};
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::Child;
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{User, programs, until};

/// How long a server may take for anything: far longer than it needs, and shorter than the runner waits.
const PATIENCE: Duration = Duration::from_secs(30);
/// The signal that no process survives.
const SIGKILL: i32 = 9;

/// Copies of programs where every user can start them: the build folder may be closed to others.
pub struct Programs(TempDir);

impl Programs {
    /// Copies the program of a server, and what starts it.
    pub fn of(server: &str) -> Self {
        let folder = tempfile::Builder::new().prefix("llmb").tempdir().unwrap();
        fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).unwrap();
        for name in [server, "traceable"] {
            fs::copy(programs().join(name), folder.path().join(name)).unwrap();
        }
        Self(folder)
    }

    /// The copy of one.
    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }
}

/// A running capability server with one connection to it. Dropping it kills it.
pub struct Server {
    process: Child,
    connection: UnixStream,
}

impl Server {
    /// Starts a server in a folder that holds its `config.yaml`, and waits until it answers. Its calls run on one
    /// thread, so that each does the same as the one before.
    pub fn start(programs: &Programs, name: &str, folder: &Path, user: User) -> Self {
        let socket = folder.join("socket");
        let mut process = user
            .command(programs.path("traceable"))
            .arg(programs.path(name))
            .args(["serve", "--parent", &std::process::id().to_string(), "--socket"])
            .arg(&socket)
            .arg("--config")
            .arg(folder.join("config.yaml"))
            .env_clear()
            .env("LLMBDO_DEFAULT_SERVER_WORKERS", "1")
            .stderr(File::create(folder.join("log")).unwrap())
            .spawn()
            .unwrap();
        let connection = until("the server's socket", PATIENCE, || {
            if let Some(status) = process.try_wait().unwrap() {
                let log = fs::read_to_string(folder.join("log")).unwrap();
                panic!("`{name}` ended with {status}:\n{log}");
            }
            UnixStream::connect(&socket).ok()
        });
        connection.set_read_timeout(Some(PATIENCE)).unwrap();
        connection.set_write_timeout(Some(PATIENCE)).unwrap();
        let mut server = Self { process, connection };
        assert!(server.ask("server/discover", json!({})).is_some(), "`{name}` died at its start");
        server
    }

    /// Calls a tool as the gateway does. `None`: the server died before it answered.
    pub fn call(&mut self, tool: &str, arguments: &Value) -> Option<Value> {
        self.ask("tools/call", json!({ "name": tool, "arguments": arguments }))
    }

    fn ask(&mut self, method: &str, mut params: Value) -> Option<Value> {
        params["_meta"] = json!({
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientCapabilities": {},
            "org.llmbasedos/caller": {
                "client": "test", "request": "1", "origin": "http", "policyGeneration": 0,
        "scopes": [{ "collection": "files", "prefix": "/" }],
            },
        });
        let message = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
        let frame = [message.to_string().as_bytes(), b"\0"].concat();
        if let Err(error) = self.connection.write_all(&frame) {
            assert!(is_end(&error), "the request was not taken: {error}");
            return None;
        }
        let mut reply = Vec::new();
        let mut chunk = [0; 8192];
        while reply.last() != Some(&0) {
            match self.connection.read(&mut chunk) {
                Ok(0) => return None,
                Ok(length) => reply.extend_from_slice(&chunk[..length]),
                Err(error) if is_end(&error) => return None,
                Err(error) => panic!("no answer: {error}"),
            }
        }
        reply.pop();
        Some(serde_json::from_slice(&reply).unwrap())
    }

    /// The process.
    pub fn pid(&self) -> u32 {
        self.process.id()
    }

    /// The threads that there are by now, each with its id and name. Once the process is dead there is none.
    pub fn threads(&self) -> Vec<(u32, String)> {
        let Ok(tasks) = fs::read_dir(format!("/proc/{}/task", self.pid())) else {
            return Vec::new();
        };
        let thread = |task: fs::DirEntry| {
            let name = fs::read_to_string(task.path().join("comm")).ok()?;
            Some((task.file_name().to_str()?.parse().ok()?, name.trim_end().to_owned()))
        };
        tasks.filter_map(|task| thread(task.ok()?)).collect()
    }

    /// Waits until every thread waits in a system call, so that none is in the middle of something. `false`: the
    /// server is dead.
    pub fn settle(&mut self) -> bool {
        until("the server's threads to wait", PATIENCE, || {
            if self.process.try_wait().unwrap().is_some() {
                return Some(false);
            }
            let threads = self.threads();
            let idle = !threads.is_empty() && threads.iter().all(|(id, _)| self.sleeps(*id));
            idle.then_some(true)
        })
    }

    /// Whether a thread sleeps, which a thread that a tracer has stopped does not.
    fn sleeps(&self, thread: u32) -> bool {
        let status = fs::read_to_string(format!("/proc/{}/task/{thread}/stat", self.pid()));
        // The state follows the name, which stands in brackets and can hold anything.
        status.is_ok_and(|status| {
            status.rsplit_once(") ").is_some_and(|(_, rest)| rest.starts_with('S'))
        })
    }

    /// Kills it, if it is not dead yet, and waits for its end. The test fails if it ended in any other way.
    pub fn kill(mut self) {
        self.process.kill().unwrap();
        let status = until("the server's end", PATIENCE, || self.process.try_wait().unwrap());
        assert_eq!(status.signal(), Some(SIGKILL), "the server ended by itself: {status}");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already.
        self.process.kill().ok();
        self.process.wait().ok();
    }
}

/// Whether an error of a connection means that the other end is gone.
fn is_end(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::BrokenPipe | ErrorKind::ConnectionReset)
}
