//! Capability servers that do not behave.

use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use crate::appliance::Appliance;

/// How long a test waits for what a peer should receive.
const PATIENCE: Duration = Duration::from_secs(20);

/// A capability server in the test's own process, registered with the gateway.
pub struct Peer {
    received: Receiver<Vec<u8>>,
}

/// A cap file for a server with these tools.
pub fn cap_file(name: &str, tools: &[&str]) -> Value {
    let method = |tool: &&str| {
        json!({
            "method": format!("mcp.{name}.{}", tool.replace('-', "_")),
            "description": "A tool of a test",
            "params_schema": {},
            "tool": { "name": tool, "inputSchema": { "type": "object" } },
        })
    };
    json!({
        "service_name": name,
        "description": "A server of a test",
        "version": "0",
        "capabilities": tools.iter().map(method).collect::<Vec<_>>(),
    })
}

/// The answer of a server that does as it is told, for the frame that it received.
pub fn obey(frame: &[u8]) -> Option<Vec<u8>> {
    let message: Value = serde_json::from_slice(frame).unwrap();
    let result = json!({ "resultType": "complete", "content": [], "isError": false });
    let reply = json!({ "jsonrpc": "2.0", "id": message["id"], "result": result });
    Some([reply.to_string().as_bytes(), b"\0"].concat())
}

impl Appliance {
    /// Puts a cap file in place, as root does on the appliance.
    pub fn declare(&self, name: &str, content: &[u8]) {
        let folder = self.state().join("run");
        let new = folder.join("new");
        fs::write(&new, content).unwrap();
        fs::set_permissions(&new, fs::Permissions::from_mode(0o644)).unwrap();
        fs::rename(&new, folder.join(format!("{name}.cap.json"))).unwrap();
    }

    /// Takes a cap file away.
    pub fn undeclare(&self, name: &str) {
        fs::remove_file(self.state().join(format!("run/{name}.cap.json"))).unwrap();
    }

    /// Registers a server whose one tool has the server's name, and waits until the gateway lists it. For each frame
    /// that it receives, `answer` gives what it sends back, framing included.
    pub fn peer(
        &self,
        name: &str,
        answer: impl FnMut(&[u8]) -> Option<Vec<u8>> + Send + 'static,
    ) -> Peer {
        let peer = Peer::listen(&self.state().join(format!("run/{name}.sock")), answer);
        self.declare(name, cap_file(name, &[name]).to_string().as_bytes());
        crate::until(&format!("the tool of `{name}`"), PATIENCE, || {
            self.tools().iter().any(|tool| tool == name).then_some(())
        });
        peer
    }
}

impl Appliance {
    /// Registers a server of the time before MCP, with a cap file of its own.
    pub fn old_peer(
        &self,
        name: &str,
        caps: &Value,
        answer: impl FnMut(&[u8]) -> Option<Vec<u8>> + Send + 'static,
    ) -> Peer {
        let peer = Peer::listen(&self.state().join(format!("run/{name}.sock")), answer);
        self.declare(name, caps.to_string().as_bytes());
        peer
    }
}

impl Peer {
    fn listen(
        socket: &Path,
        answer: impl FnMut(&[u8]) -> Option<Vec<u8>> + Send + 'static,
    ) -> Self {
        let listener = UnixListener::bind(socket).unwrap();
        let (sender, received) = channel();
        thread::spawn(move || {
            let mut answer = answer;
            // The test's end drops the receiver, and the process's end stops the thread.
            while let Ok((stream, _)) = listener.accept() {
                serve(stream, &mut answer, &mut |frame| sender.send(frame).is_ok());
            }
        });
        Self { received }
    }

    /// The next frame that the peer received, without its NUL.
    pub fn received(&self) -> Vec<u8> {
        self.received.recv_timeout(PATIENCE).expect("the peer received a frame")
    }
}

fn serve(
    mut stream: UnixStream,
    answer: &mut impl FnMut(&[u8]) -> Option<Vec<u8>>,
    note: &mut impl FnMut(Vec<u8>) -> bool,
) {
    let mut buffer = Vec::new();
    let mut chunk = [0; 8192];
    while let Ok(length) = stream.read(&mut chunk) {
        if length == 0 {
            return;
        }
        buffer.extend_from_slice(&chunk[..length]);
        while let Some(end) = buffer.iter().position(|byte| *byte == 0) {
            let frame: Vec<u8> = buffer.drain(..=end).take(end).collect();
            let reply = answer(&frame);
            if !note(frame) {
                return;
            }
            if let Some(reply) = reply
                && stream.write_all(&reply).is_err()
            {
                return;
            }
        }
    }
}
