//! What a server of the older era said when it was asked to begin.

use std::sync::{Mutex, PoisonError};

use mcp_wire::{Message, Object};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};

use crate::http::head::PROTOCOL_VERSION;

const SESSION_ID: HeaderName = HeaderName::from_static("mcp-session-id");

/// The session of the older era, if one has begun.
#[derive(Debug, Default)]
pub(super) struct Session(Mutex<Begun>);

#[derive(Debug, Default, Clone)]
struct Begun {
    protocol: Option<HeaderValue>,
    id: Option<HeaderValue>,
}

impl Session {
    /// Learns from the answer to `initialize`; one that failed begins nothing.
    pub(super) fn learn(&self, headers: &HeaderMap, answer: &str) {
        let Some(protocol) = negotiated(answer) else { return };
        let mut id = headers.get(SESSION_ID).cloned();
        if let Some(id) = &mut id {
            // Whoever has the id can speak in the session.
            id.set_sensitive(true);
        }
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) =
            Begun { protocol: Some(protocol), id };
    }

    /// The headers of every later message.
    pub(super) fn headers(&self) -> HeaderMap {
        let begun = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let pairs = [(PROTOCOL_VERSION, begun.protocol), (SESSION_ID, begun.id)];
        pairs.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
    }

    /// Whether the server keeps something for us.
    pub(super) fn is_kept(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).id.is_some()
    }
}

/// The revision that the server chose.
fn negotiated(answer: &str) -> Option<HeaderValue> {
    let Ok(Message::Response(response)) = Message::parse(answer) else { return None };
    let result = Object::parse(response.outcome.ok()?.get()).ok()?;
    HeaderValue::from_str(&result.get_str("protocolVersion")?).ok()
}
