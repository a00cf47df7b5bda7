//! What the gateway is to a capability server.

use std::collections::BTreeMap;
use std::io::{ErrorKind, Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};

/// How long a test waits for what must come.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);
/// How long a test listens for what must not come.
const SILENCE: Duration = Duration::from_millis(200);

/// What the gateway is to a server: one connection, and replies told apart by their ids.
pub(crate) struct Peer {
    pub(crate) stream: UnixStream,
    /// What has come and was not looked at.
    pub(crate) received: Vec<u8>,
}

/// A request as the gateway would send it.
pub(crate) fn request(id: u64, tool: &str, arguments: &Value) -> Value {
    json!({
        "jsonrpc": "2.0",
        "id": id,
        "method": "tools/call",
        "params": {
            "name": tool,
            "arguments": arguments,
            "_meta": {
                "io.modelcontextprotocol/protocolVersion": "2026-07-28",
                "io.modelcontextprotocol/clientCapabilities": {},
                "org.llmbasedos/caller": {
                    "client": "anna", "request": format!("r-{id}"), "origin": "http", "scopes": [],
                    "policyGeneration": 0,
                },
            },
        },
    })
}

impl Peer {
    pub(crate) fn connect(socket: &Path) -> Self {
        let stream = UnixStream::connect(socket).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        Self { stream, received: Vec::new() }
    }

    pub(crate) fn send(&mut self, message: &Value) {
        self.write(format!("{message}\0").as_bytes());
    }

    /// Sends bytes as they are.
    pub(crate) fn write(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).unwrap();
    }

    /// The next reply; `None` where the server ends the connection.
    pub(crate) fn next(&mut self) -> Option<Value> {
        loop {
            if let Some(end) = self.received.iter().position(|byte| *byte == 0) {
                let frame: Vec<u8> = self.received.drain(..=end).take(end).collect();
                return Some(serde_json::from_slice(&frame).unwrap());
            }
            let mut chunk = [0; 8192];
            match self.stream.read(&mut chunk) {
                // A peer that closes what it has not read to the end resets it.
                Ok(0) => return None,
                Err(error) if error.kind() == ErrorKind::ConnectionReset => return None,
                Ok(length) => self.received.extend_from_slice(&chunk[..length]),
                Err(error) => panic!("no reply: {error}"),
            }
        }
    }

    /// So many replies, by id.
    pub(crate) fn replies(&mut self, count: usize) -> BTreeMap<u64, Value> {
        let reply = |_| {
            let reply = self.next().expect("a reply");
            (reply["id"].as_u64().unwrap(), reply)
        };
        let replies: BTreeMap<u64, Value> = (0..count).map(reply).collect();
        assert_eq!(replies.len(), count, "an id came twice");
        replies
    }

    /// That nothing more comes.
    pub(crate) fn check_silence(&mut self) {
        assert!(self.received.is_empty());
        self.stream.set_read_timeout(Some(SILENCE)).unwrap();
        let read = self.stream.read(&mut [0; 1]);
        assert!(read.is_err(), "{read:?}");
        self.stream.set_read_timeout(Some(PATIENCE)).unwrap();
    }

    pub(crate) fn call(&mut self, tool: &str, arguments: &Value) -> Value {
        self.ask(&request(1, tool, arguments))
    }

    pub(crate) fn ask(&mut self, message: &Value) -> Value {
        self.send(message);
        self.next().expect("a reply")
    }
}
