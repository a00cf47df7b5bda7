//! The way by which a request came.

use std::sync::Arc;
use std::time::Duration;

use axum::http::{HeaderMap, HeaderName};
use bytes::Bytes;
use mcp_types::Origin;
use tokio::sync::mpsc;

use crate::access::Talk;
use crate::identity::Identity;
use crate::mcp::Handshake;

/// Names the session of a request (MCP 2025-11-25 and before).
pub(crate) const SESSION_ID: HeaderName = HeaderName::from_static("mcp-session-id");

/// Who asks, through which door, and how to reach them before the answer.
pub(crate) struct Door<'a> {
    /// Whose key was shown, or whom the socket stands for.
    pub(crate) client: &'a Identity,
    /// The id under which every log knows the request.
    pub(crate) request_id: &'a str,
    pub(crate) origin: Origin,
    /// Present where the door is HTTP: MCP then wants headers that say the same as the body.
    pub(crate) headers: Option<&'a HeaderMap>,
    /// How long the client says that it waits.
    pub(crate) timeout: Option<Duration>,
    /// What a client of the older era has said once, where that goes with the connection.
    pub(crate) handshake: Option<Arc<Handshake>>,
    /// The conversation that the request is a part of.
    pub(crate) talk: Talk,
    /// Takes what comes before the answer.
    pub(crate) outlet: mpsc::Sender<Bytes>,
}

impl Door<'_> {
    /// The session that the request names; one that cannot be read is none that there is.
    pub(super) fn session(&self) -> Option<&str> {
        let named = self.headers?.get(SESSION_ID)?;
        Some(named.to_str().unwrap_or_default())
    }
}
