//! Error codes, and the error member of a reply.

use serde::Serialize;
use serde_json::Value;

use crate::object::ObjectError;

/// Error codes, each with the HTTP status that goes with it where a transport has one.
///
/// MCP reserves -32000 to -32099, and of that only what its revisions define may be sent; our own codes
/// lie outside -32768 to -32000, as JSON-RPC 2.0 section 5.1 asks, and end in the kindred HTTP status.
pub mod code {
    /// The text is not JSON (400).
    pub const PARSE_ERROR: i32 = -32700;
    /// The JSON is not one JSON-RPC request or notification (400).
    pub const INVALID_REQUEST: i32 = -32600;
    /// No such method (404 in the modern era, 200 before).
    pub const METHOD_NOT_FOUND: i32 = -32601;
    /// The parameters or the metadata do not fit the method (400), or there is no such tool (200).
    pub const INVALID_PARAMS: i32 = -32602;
    /// A fault of ours (500).
    pub const INTERNAL_ERROR: i32 = -32603;
    /// A routing header is missing or differs from the body (400; MCP 2026-07-28).
    pub const HEADER_MISMATCH: i32 = -32020;
    /// The client has not declared what the request needs of it (400; MCP 2026-07-28), with `data` `{requiredCapabilities}`.
    pub const MISSING_CLIENT_CAPABILITY: i32 = -32021;
    /// The revision is not served (400; MCP 2026-07-28), with `data` `{supported, requested}`.
    pub const UNSUPPORTED_PROTOCOL_VERSION: i32 = -32022;
    /// The client key is missing or wrong (401).
    pub const UNAUTHENTICATED: i32 = -31401;
    /// `Host` or `Origin` is not one of ours (403).
    pub const FORBIDDEN_ORIGIN: i32 = -31403;
    /// This client may not do this (200, since a host would take 403 for a wrong key).
    pub const NOT_PERMITTED: i32 = -31407;
    /// No such page (404).
    pub const NOT_FOUND: i32 = -31404;
    /// The HTTP method is not served here (405).
    pub const METHOD_NOT_ALLOWED: i32 = -31405;
    /// The client would not accept the kind of answer that we give (406).
    pub const NOT_ACCEPTABLE: i32 = -31406;
    /// The body is longer than allowed (413).
    pub const TOO_LARGE: i32 = -31413;
    /// The body is not of type `application/json` (415).
    pub const UNSUPPORTED_MEDIA_TYPE: i32 = -31415;
    /// The client asks too often (429), with `data` `{retryAfterMs}`.
    pub const RATE_LIMITED: i32 = -31429;
    /// A budget of the day does not suffice, or one call asks too much of it (200), with `data` `{budget, left, limit, needed,
    /// retryAfterMs}`.
    pub const BUDGET_EXCEEDED: i32 = -31402;
    /// The page is a WebSocket, and the request is not its handshake (426).
    pub const UPGRADE_REQUIRED: i32 = -31426;
    /// The capability server cannot be reached or died under the call (502).
    pub const SERVER_UNAVAILABLE: i32 = -31502;
    /// Too many calls are under way (503).
    pub const OVERLOADED: i32 = -31503;
    /// The capability server did not answer in time (504).
    pub const SERVER_TIMEOUT: i32 = -31504;
}

/// The `error` member of a JSON-RPC reply.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RpcError {
    /// One of [`code`].
    pub code: i32,
    /// What went wrong and what to do next; no host path, no secret.
    pub message: String,
    /// What a program needs to act on the error.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data: Option<Value>,
}

impl RpcError {
    /// An error without data.
    pub fn new(code: i32, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), data: None }
    }

    /// The same error with data.
    #[must_use]
    pub fn with_data(mut self, data: Value) -> Self {
        self.data = Some(data);
        self
    }
}

/// Why a text is not a message.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WireError {
    /// The text is not JSON.
    #[error("{0}")]
    Parse(String),
    /// Arrays and objects nest deeper than [`crate::limits::MAX_DEPTH`].
    #[error("arrays and objects nest deeper than {} levels", crate::limits::MAX_DEPTH)]
    TooDeep,
    /// A JSON array: batches left MCP with revision 2025-06-18.
    #[error("batches are not supported: send each message on its own")]
    Batch,
    /// The JSON is not a JSON-RPC 2.0 message.
    #[error("not a JSON-RPC 2.0 message: {0}")]
    Invalid(&'static str),
}

impl WireError {
    /// The error to answer with.
    pub fn to_rpc(&self) -> RpcError {
        let code = match self {
            Self::Parse(_) => code::PARSE_ERROR,
            Self::TooDeep | Self::Batch | Self::Invalid(_) => code::INVALID_REQUEST,
        };
        RpcError::new(code, self.to_string())
    }
}

impl From<ObjectError> for WireError {
    fn from(error: ObjectError) -> Self {
        match error {
            ObjectError::Syntax(reason) => Self::Parse(reason),
            ObjectError::NotAnObject => Self::Invalid("it is not an object"),
            ObjectError::Duplicate => Self::Invalid("a member stands twice"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::code;

    /// Hosts tell errors apart by these numbers, so none may change.
    #[test]
    fn the_codes_are_those_that_hosts_know() {
        let codes = [
            (code::PARSE_ERROR, -32700),
            (code::INVALID_REQUEST, -32600),
            (code::METHOD_NOT_FOUND, -32601),
            (code::INVALID_PARAMS, -32602),
            (code::INTERNAL_ERROR, -32603),
            (code::HEADER_MISMATCH, -32020),
            (code::MISSING_CLIENT_CAPABILITY, -32021),
            (code::UNSUPPORTED_PROTOCOL_VERSION, -32022),
            (code::UNAUTHENTICATED, -31401),
            (code::FORBIDDEN_ORIGIN, -31403),
            (code::NOT_PERMITTED, -31407),
            (code::NOT_FOUND, -31404),
            (code::METHOD_NOT_ALLOWED, -31405),
            (code::NOT_ACCEPTABLE, -31406),
            (code::TOO_LARGE, -31413),
            (code::UNSUPPORTED_MEDIA_TYPE, -31415),
            (code::RATE_LIMITED, -31429),
            (code::BUDGET_EXCEEDED, -31402),
            (code::UPGRADE_REQUIRED, -31426),
            (code::SERVER_UNAVAILABLE, -31502),
            (code::OVERLOADED, -31503),
            (code::SERVER_TIMEOUT, -31504),
        ];
        for (code, known) in codes {
            assert_eq!(code, known);
        }
    }
}
