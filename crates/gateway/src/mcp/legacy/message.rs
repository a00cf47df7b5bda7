//! Messages of the legacy dialect.

use std::borrow::Cow;

use mcp_wire::limits::{MAX_DEPTH, MAX_ID_BYTES};
use mcp_wire::{Object, RpcError, code, within_depth};
use serde_json::value::RawValue;

/// How the name of every method begins.
const PREFIX: &str = "mcp.";
/// The id of a message that has none.
const NO_ID: &str = "null";

/// A call in the legacy dialect.
#[derive(Debug)]
pub(crate) struct Call<'a> {
    /// The id as JSON text; `null` where there is none, which the old gateway answered too.
    pub(crate) id: &'a str,
    /// Whether it has an id that a later message can name.
    pub(crate) has_id: bool,
    pub(crate) method: Cow<'a, str>,
    pub(crate) params: Option<&'a RawValue>,
}

impl<'a> Call<'a> {
    /// Reads a message. `None`: it is not of this dialect, or not JSON at all.
    pub(crate) fn read(text: &'a str) -> Option<Result<Self, Vec<u8>>> {
        // A method in any other spelling is still an MCP method that does not exist.
        memchr::memmem::find(text.as_bytes(), b"mcp.")?;
        if !within_depth(text.as_bytes(), MAX_DEPTH) {
            return None;
        }
        let object = Object::parse(text).ok()?;
        let method = object.get_str("method").filter(|method| method.starts_with(PREFIX))?;
        let raw = object.get("id").map_or(NO_ID, RawValue::get);
        let has_id = raw != NO_ID;
        let scalar = !raw.starts_with(['{', '[', 't', 'f']) && raw.len() <= MAX_ID_BYTES;
        let id = if scalar { raw } else { NO_ID };
        let invalid = |text| {
            let error = RpcError::new(code::INVALID_REQUEST, format!("invalid request: {text}"));
            Some(Err(error_reply(id, &error)))
        };
        if !scalar {
            return invalid("`id` must be a string, a number or null");
        }
        if object.get_str("jsonrpc").as_deref() != Some("2.0") {
            return invalid("`jsonrpc` must be \"2.0\"");
        }
        let params = object.get("params").filter(|raw| raw.get() != "null");
        if params.is_some_and(|raw| !raw.get().starts_with(['{', '['])) {
            return invalid("`params` must be an array or an object");
        }
        Some(Ok(Self { id, has_id, method, params }))
    }

    /// The reply with this result, which is JSON text.
    pub(crate) fn result(&self, result: &str) -> Vec<u8> {
        format!(r#"{{"jsonrpc":"2.0","id":{},"result":{result}}}"#, self.id).into_bytes()
    }

    /// The reply with this error.
    pub(crate) fn error(&self, error: &RpcError) -> Vec<u8> {
        error_reply(self.id, error)
    }
}

/// A reply with an error, under an id that is JSON text. Unlike in MCP it is `null` where it is not known (JSON-RPC 2.0, 5).
pub(crate) fn error_reply(id: &str, error: &RpcError) -> Vec<u8> {
    let error = serde_json::to_string(error)
        .unwrap_or_else(|_| r#"{"code":-32603,"message":"internal error"}"#.to_owned());
    format!(r#"{{"jsonrpc":"2.0","id":{id},"error":{error}}}"#).into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(text: &str) -> Option<Result<String, String>> {
        let read = Call::read(text)?;
        Some(read.map(|call| call.id.to_owned()).map_err(|e| String::from_utf8(e).unwrap()))
    }

    #[test]
    fn a_call_is_known_by_its_method() {
        let call = |id: &str| format!(r#"{{"jsonrpc":"2.0",{id}"method":"mcp.fs.list"}}"#);
        for (given, expected) in [
            (r#""id":7,"#, "7"),
            (r#""id":"a","#, r#""a""#),
            (r#""id":null,"#, "null"),
            ("", "null"),
        ] {
            assert_eq!(id(&call(given)), Some(Ok(expected.to_owned())));
        }
        assert_eq!(id(&call(r#""id":1.5,"#)), Some(Ok("1.5".to_owned())));
        for not_ours in [
            r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"mcp.x"}}"#,
            r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#,
            r#"["mcp.fs.list"]"#,
            "mcp.fs.list",
        ] {
            assert_eq!(id(not_ours), None, "{not_ours}");
        }
    }

    #[test]
    fn what_is_wrong_is_answered_under_its_id() {
        for (text, id_text) in [
            (r#"{"id":7,"method":"mcp.a.b"}"#, r#""id":7"#),
            (r#"{"jsonrpc":"2.0","id":[],"method":"mcp.a.b"}"#, r#""id":null"#),
            (r#"{"jsonrpc":"2.0","id":"x","method":"mcp.a.b","params":1}"#, r#""id":"x""#),
        ] {
            let reply = id(text).unwrap().unwrap_err();
            assert!(reply.contains(id_text) && reply.contains("-32600"), "{reply}");
        }
    }
}
