//! Clients of file servers, ours and others': each makes one call after the other and looks whether it worked.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpStream;
use std::process::{self, Child, ChildStdin, ChildStdout, Command};

use anyhow::{Context, Result, bail, ensure};
use mcp_types::meta;
use memchr::memmem;
use serde_json::{Value, json};

use crate::link;

/// The revision that servers of the older era are asked for.
const REVISION: &str = "2025-06-18";

/// Whatever calls a tool.
pub(crate) trait Calls {
    /// Calls it, and gives the answer as it came.
    fn call(&mut self, tool: &str, arguments: &Value) -> Result<Vec<u8>>;
}

/// Our gateway, over HTTP.
pub(crate) struct Gateway {
    port: u16,
    key: String,
    stream: TcpStream,
}

impl Gateway {
    pub(crate) fn connect(port: u16, key: &str) -> Result<Self> {
        Ok(Self { port, key: key.to_owned(), stream: link::connect(port)? })
    }
}

impl Calls for Gateway {
    fn call(&mut self, tool: &str, arguments: &Value) -> Result<Vec<u8>> {
        let metadata =
            json!({ meta::PROTOCOL_VERSION: "2026-07-28", meta::CLIENT_CAPABILITIES: {} });
        let params = json!({ "name": tool, "arguments": arguments, "_meta": metadata });
        let body = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params });
        let body = body.to_string();
        let (port, key, length) = (self.port, &self.key, body.len());
        let request = format!(
            "POST /mcp HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAuthorization: Bearer {key}\r\n\
             Content-Type: application/json\r\nAccept: application/json, text/event-stream\r\n\
             MCP-Protocol-Version: 2026-07-28\r\nMcp-Method: tools/call\r\nMcp-Name: {tool}\r\n\
             Content-Length: {length}\r\n\r\n{body}"
        );
        self.stream.write_all(request.as_bytes())?;
        let mut received = Vec::new();
        let whole = loop {
            link::read(&mut self.stream, &mut received)?;
            if let Some(whole) = link::length(&received)? {
                break whole;
            }
        };
        while received.len() < whole {
            link::read(&mut self.stream, &mut received)?;
        }
        worked(&received)?;
        Ok(received)
    }
}

/// Another server, which speaks the older era over its standard streams.
pub(crate) struct Stdio {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Drop for Stdio {
    fn drop(&mut self) {
        // It may have ended already.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

impl Stdio {
    /// Starts it, and shakes hands.
    pub(crate) fn start(command: &mut Command) -> Result<Self> {
        let child = command
            .stdin(process::Stdio::piped())
            .stdout(process::Stdio::piped())
            .stderr(process::Stdio::null());
        let mut child = child.spawn().with_context(|| format!("start {command:?}"))?;
        let input = child.stdin.take().context("it has an input")?;
        let output = BufReader::new(child.stdout.take().context("it has an output")?);
        let mut server = Self { child, input, output };
        let hello = json!({
            "protocolVersion": REVISION, "capabilities": {},
            "clientInfo": { "name": "bench", "version": "1" },
        });
        server.ask("initialize", &hello)?;
        server.say(&json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }))?;
        Ok(server)
    }

    fn say(&mut self, message: &Value) -> Result<()> {
        let mut line = message.to_string();
        line.push('\n');
        self.input.write_all(line.as_bytes())?;
        Ok(self.input.flush()?)
    }

    fn ask(&mut self, method: &str, params: &Value) -> Result<Vec<u8>> {
        self.say(&json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params }))?;
        loop {
            let mut line = Vec::new();
            ensure!(self.output.read_until(b'\n', &mut line)? > 0, "the server has ended");
            // What is no answer is a notification, or the server asks for our roots.
            if memmem::find(&line, b"\"result\"").is_some() {
                return Ok(line);
            }
            if memmem::find(&line, b"\"error\"").is_some() {
                bail!("refused: {}", String::from_utf8_lossy(&line));
            }
        }
    }
}

impl Calls for Stdio {
    fn call(&mut self, tool: &str, arguments: &Value) -> Result<Vec<u8>> {
        let answer = self.ask("tools/call", &json!({ "name": tool, "arguments": arguments }))?;
        worked(&answer)?;
        Ok(answer)
    }
}

fn worked(answer: &[u8]) -> Result<()> {
    if memmem::find(answer, b"\"isError\":true").is_none() {
        return Ok(());
    }
    bail!("the tool failed: {}", String::from_utf8_lossy(answer))
}
