//! Calls of tools through the forwarded port, by hand: what a scenario is about is the machine and not a client.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpStream};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use super::machine::Machine;

/// How long an answer may take: longer than any deadline of the gateway.
const PATIENCE: Duration = Duration::from_secs(90);
/// The version of MCP that is spoken.
const VERSION: &str = "2026-07-28";

/// Somebody who calls tools with a key.
#[derive(Debug)]
pub(crate) struct Caller {
    port: u16,
    key: String,
}

impl Caller {
    /// The person's host, with the first key.
    pub(crate) fn of(machine: &mut Machine) -> Result<Self> {
        Ok(Self { port: machine.port(), key: machine.key()? })
    }

    /// With another key.
    pub(crate) fn with_key(machine: &Machine, key: &str) -> Self {
        Self { port: machine.port(), key: key.to_owned() }
    }

    /// Calls a tool, and gives what it found; an error of the tool or of the gateway is one.
    pub(crate) fn call(&self, tool: &str, arguments: &Value) -> Result<Value> {
        let answer = self.ask(tool, arguments)?;
        let result =
            answer.get("result").filter(|result| result.get("isError") != Some(&json!(true)));
        let found = result.and_then(|result| result.get("structuredContent"));
        found.cloned().with_context(|| format!("{tool}: {answer}"))
    }

    /// Calls a tool, and gives the JSON-RPC answer, whatever it is.
    pub(crate) fn ask(&self, tool: &str, arguments: &Value) -> Result<Value> {
        let (_, body) = self.post(tool, arguments)?;
        serde_json::from_str(&body).with_context(|| format!("{tool}: this is no answer: {body}"))
    }

    /// The status and the body of the answer.
    pub(crate) fn post(&self, tool: &str, arguments: &Value) -> Result<(u16, String)> {
        let meta = json!({
            "io.modelcontextprotocol/protocolVersion": VERSION,
            "io.modelcontextprotocol/clientCapabilities": {},
        });
        let params = json!({ "name": tool, "arguments": arguments, "_meta": meta });
        let body = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params });
        let body = body.to_string();
        let head = [
            "POST /mcp HTTP/1.1".to_owned(),
            format!("Host: 127.0.0.1:{}", self.port),
            format!("Authorization: Bearer {}", self.key),
            "Content-Type: application/json".to_owned(),
            "Accept: application/json, text/event-stream".to_owned(),
            format!("MCP-Protocol-Version: {VERSION}"),
            "Mcp-Method: tools/call".to_owned(),
            format!("Mcp-Name: {tool}"),
            "Connection: close".to_owned(),
            format!("Content-Length: {}", body.len()),
        ];
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port))?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.write_all(format!("{}\r\n\r\n{body}", head.join("\r\n")).as_bytes())?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        parts(&answer)
    }
}

/// Splits an answer that ends with its connection.
fn parts(answer: &str) -> Result<(u16, String)> {
    let Some((head, body)) = answer.split_once("\r\n\r\n") else {
        bail!("the answer has no end: {answer}");
    };
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
    Ok((status.with_context(|| format!("no status: {head}"))?, body.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_has_a_status_and_a_body() {
        let answer = "HTTP/1.1 401 Unauthorized\r\na: b\r\n\r\n{}\n";
        assert_eq!(parts(answer).unwrap(), (401, "{}\n".to_owned()));
        for broken in ["", "HTTP/1.1 200 OK\r\n", "x\r\n\r\n{}"] {
            assert!(parts(broken).is_err(), "{broken}");
        }
    }
}
