//! The replies that we write ourselves.

use serde::Serialize;

use crate::error::{RpcError, code};
use crate::id::Id;

/// A reply with a result. A result that cannot be written is our fault and becomes an internal error.
pub fn result_reply<T: Serialize>(id: Id<'_>, result: &T) -> Vec<u8> {
    let mut out = opening(Some(id));
    out.extend_from_slice(b"\"result\":");
    let whole = serde_json::to_writer(&mut out, result);
    if whole.is_err() {
        let error = RpcError::new(code::INTERNAL_ERROR, "the result could not be written");
        return error_reply(Some(id), &error);
    }
    out.push(b'}');
    out
}

/// A reply with an error.
///
/// Where the id could not be read it is left out, as MCP's schema has it (`JSONRPCErrorResponse.id` is
/// optional and never null).
pub fn error_reply(id: Option<Id<'_>>, error: &RpcError) -> Vec<u8> {
    let mut out = opening(id);
    out.extend_from_slice(b"\"error\":");
    // Writing an integer, a string and a JSON value into memory has no way to fail.
    if serde_json::to_writer(&mut out, error).is_err() {
        out.extend_from_slice(b"{\"code\":-32603,\"message\":\"internal error\"}");
    }
    out.push(b'}');
    out
}

fn opening(id: Option<Id<'_>>) -> Vec<u8> {
    let mut out = Vec::with_capacity(256);
    out.extend_from_slice(b"{\"jsonrpc\":\"2.0\",");
    if let Some(id) = id {
        out.extend_from_slice(b"\"id\":");
        out.extend_from_slice(id.as_str().as_bytes());
        out.push(b',');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Message;

    #[test]
    fn replies_are_messages() {
        let text = r#"{"jsonrpc":"2.0","id":"a\"b","method":"m"}"#;
        let Message::Request(request) = Message::parse(text).unwrap() else { panic!() };
        let reply = String::from_utf8(result_reply(request.id, &[1, 2])).unwrap();
        assert_eq!(reply, r#"{"jsonrpc":"2.0","id":"a\"b","result":[1,2]}"#);
        let error = RpcError::new(code::PARSE_ERROR, "no \"JSON\"");
        let reply = String::from_utf8(error_reply(None, &error)).unwrap();
        assert_eq!(reply, r#"{"jsonrpc":"2.0","error":{"code":-32700,"message":"no \"JSON\""}}"#);
        assert!(matches!(Message::parse(&reply), Ok(Message::Response(_))));
    }
}
