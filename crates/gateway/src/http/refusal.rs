//! A request that is not served, and how the client is told.

use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use mcp_wire::{Id, RpcError, code, error_reply};

use crate::access::{Stranger, seconds};
use crate::identity::Penalty;
use crate::log_gate::LogGate;

/// An error with its HTTP status.
#[derive(Debug)]
pub(crate) struct Refusal {
    status: StatusCode,
    body: Vec<u8>,
    headers: Vec<(HeaderName, HeaderValue)>,
}

impl Refusal {
    /// A refusal of a request whose id is not known.
    pub(crate) fn new(status: StatusCode, code: i32, message: impl Into<String>) -> Self {
        Self::of(status, None, &RpcError::new(code, message))
    }

    /// A refusal of a request with this id.
    pub(crate) fn of(status: StatusCode, id: Option<Id<'_>>, error: &RpcError) -> Self {
        Self::with_body(status, error.code.into(), error_reply(id, error))
    }

    /// A refusal whose reply, an error of this code, is written already.
    pub(crate) fn with_body(status: StatusCode, code: i64, body: Vec<u8>) -> Self {
        // Most of these need no key, so their number is not ours to decide.
        static GATE: LogGate = LogGate::new();
        if let Some(untold) = GATE.pass() {
            tracing::info!(status = status.as_u16(), code, untold, "refused");
        }
        Self { status, body, headers: Vec::new() }
    }

    /// A refusal of one more connection of a client that holds its share.
    pub(crate) fn too_many_connections() -> Self {
        let message = "this client has too many connections open: close some";
        Self::new(StatusCode::SERVICE_UNAVAILABLE, code::OVERLOADED, message)
            .with(header::CONNECTION, "close")
    }

    /// The refusal of whoever shows no good key. A missing and a wrong key get the same plain answer. It names no OAuth
    /// metadata on purpose: hosts that see some start OAuth and drop the key that they were given.
    pub(crate) fn unauthenticated(stranger: Option<Stranger>) -> Self {
        if let Some(penalty) = stranger.and_then(|stranger| stranger.penalty) {
            return Self::penalty(penalty);
        }
        let message = "a client key is needed: send `Authorization: Bearer KEY`";
        Self::new(StatusCode::UNAUTHORIZED, code::UNAUTHENTICATED, message)
            .with(header::WWW_AUTHENTICATE, "Bearer realm=\"llmbasedos\"")
    }

    /// The refusal of an address that has shown too many wrong keys or codes. Its connection ends, so that each try costs one.
    pub(crate) fn penalty(penalty: Penalty) -> Self {
        let wait = seconds(penalty.left);
        let message = format!(
            "too many wrong keys came from this address: try again in {wait} s, with a key that is good"
        );
        Self::new(StatusCode::TOO_MANY_REQUESTS, code::RATE_LIMITED, message)
            .after(penalty.left)
            .with(header::CONNECTION, "close")
    }

    /// The same, with how long to wait (RFC 9110, 10.2.3).
    pub(crate) fn after(mut self, wait: Duration) -> Self {
        self.headers.push((header::RETRY_AFTER, HeaderValue::from(seconds(wait))));
        self
    }

    /// A refusal of a session that there is not, which tells the client to begin a new one (MCP 2025-11-25, "Session
    /// Management").
    pub(crate) fn no_session(id: Option<Id<'_>>) -> Self {
        let error = RpcError::new(code::NOT_FOUND, "no such session: begin one with `initialize`");
        Self::of(StatusCode::NOT_FOUND, id, &error)
    }

    /// The JSON-RPC reply alone, for a door that has no status.
    pub(crate) fn into_body(self) -> Vec<u8> {
        self.body
    }

    /// The same with a header.
    pub(crate) fn with(mut self, name: HeaderName, value: &'static str) -> Self {
        self.headers.push((name, HeaderValue::from_static(value)));
        self
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let mut response = json(self.status, self.body);
        for (name, value) in self.headers {
            response.headers_mut().insert(name, value);
        }
        response
    }
}

/// A JSON answer that no cache keeps and no browser takes for anything else.
pub(crate) fn json(status: StatusCode, body: Vec<u8>) -> Response {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}
