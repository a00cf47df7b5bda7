//! The one message that every client sends, and how its answer is checked.

use anyhow::{Result, bail};
use mcp_types::{Caller, Origin, Scope, meta};
use memchr::memmem;
use serde_json::{Value, json};

/// What is sent, 32 bytes as in the measurements that ours are compared with.
const TEXT: &str = "thirty-two bytes of plain text..";
/// The tool that changes nothing, which is what is called if nothing else is said.
pub(crate) const READS: &str = "bench_echo";
/// The same, of which nobody knows that it changes nothing.
pub(crate) const CHANGES: &str = "bench_change";

/// The first id; all have as many digits, so that all messages are as long.
const FIRST_ID: u64 = 1_000_000_000;

/// A call whose id grows with each.
#[derive(Debug, Clone)]
pub(crate) struct Message {
    bytes: Vec<u8>,
    id_at: usize,
    id: u64,
}

impl Message {
    /// As a client of MCP 2026-07-28 sends it.
    pub(crate) fn of_client(tool: &str) -> Self {
        Self::with(tool, json!({}))
    }

    /// As the gateway sends it to a server: the caller goes with it.
    pub(crate) fn of_gateway() -> Self {
        let caller = Caller {
            client: "bench".to_owned(),
            run: None,
            request: "0000000000000000-00000000".to_owned(),
            origin: Origin::Http,
            scopes: vec![Scope {
                collection: "files".to_owned(),
                prefix: "/".to_owned(),
                except: Vec::new(),
            }],
            policy_generation: 0,
            timeout_ms: Some(120_200),
        };
        Self::with(READS, json!({ meta::CALLER: caller }))
    }

    fn with(tool: &str, more: Value) -> Self {
        let mut metadata = json!({
            meta::PROTOCOL_VERSION: "2026-07-28",
            meta::CLIENT_CAPABILITIES: {},
        });
        if let (Some(metadata), Value::Object(more)) = (metadata.as_object_mut(), more) {
            metadata.extend(more);
        }
        let params = json!({ "name": tool, "arguments": { "text": TEXT }, "_meta": metadata });
        let start = format!(r#"{{"jsonrpc":"2.0","id":{FIRST_ID}"#);
        let rest = format!(r#","method":"tools/call","params":{params}}}"#);
        let id_at = start.len() - FIRST_ID.to_string().len();
        Self { bytes: [start, rest].concat().into_bytes(), id_at, id: FIRST_ID }
    }

    /// How many bytes each has.
    pub(crate) fn length(&self) -> usize {
        self.bytes.len()
    }

    /// The next one.
    pub(crate) fn next(&mut self) -> &[u8] {
        self.id += 1;
        let digits = self.id.to_string();
        let place = self.id_at..self.id_at + digits.len();
        if let Some(place) = self.bytes.get_mut(place) {
            place.copy_from_slice(digits.as_bytes());
        }
        &self.bytes
    }

    /// Checks that a reply is the answer to the last one.
    pub(crate) fn check(&self, reply: &[u8]) -> Result<()> {
        let has = |what: &[u8]| memmem::find(reply, what).is_some();
        let right = has(format!("\"id\":{},", self.id).as_bytes())
            && has(TEXT.as_bytes())
            && has(b"\"isError\":false");
        if right {
            return Ok(());
        }
        bail!("not the answer to {}: {}", self.id, String::from_utf8_lossy(reply))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_has_another_id_and_the_same_length_and_its_own_answer() {
        for mut message in [Message::of_client(READS), Message::of_gateway()] {
            let one: Value = serde_json::from_slice(message.next()).unwrap();
            let length = message.length();
            let other: Value = serde_json::from_slice(message.next()).unwrap();
            assert_eq!(other["id"].as_u64(), one["id"].as_u64().map(|id| id + 1));
            assert_eq!(message.next().len(), length);
            let reply = |id: u64, error: bool| {
                format!(r#"{{"id":{id},"text":"{TEXT}","isError":{error}}}"#)
            };
            message.check(reply(message.id, false).as_bytes()).unwrap();
            message.check(reply(message.id - 1, false).as_bytes()).unwrap_err();
            message.check(reply(message.id, true).as_bytes()).unwrap_err();
        }
    }
}
