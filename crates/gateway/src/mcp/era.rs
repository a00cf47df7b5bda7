//! Which era a request speaks, and what that means for its answer.

use axum::http::{HeaderMap, StatusCode};
use mcp_types::{Era, ProtocolVersion, meta};
use mcp_wire::{Object, Request, RpcError, code};
use serde_json::json;

use crate::mcp::{hello, modern};

/// Decides the era: `_meta` that says a revision, or the header of a modern one, makes it modern; `initialize`
/// and everything else is of the older era, where the header came late (2025-06-18) and may be absent.
pub(crate) fn decide(
    request: &Request<'_>,
    metadata: &Object<'_>,
    headers: Option<&HeaderMap>,
) -> Result<Era, RpcError> {
    let header = headers.map(|headers| modern::header(headers, &modern::PROTOCOL_VERSION));
    let header = header.transpose()?.flatten();
    let stated = metadata.get_str(meta::PROTOCOL_VERSION);
    if request.method == "initialize" && stated.is_none() {
        return Ok(Era::Legacy);
    }
    if let Some(stated) = stated {
        // An intermediary has routed by the header, so a difference is said before whatever else is wrong.
        if header.as_ref().is_some_and(|header| *header != stated) {
            return Err(modern::mismatch(&modern::PROTOCOL_VERSION, "differs from the body"));
        }
        return match ProtocolVersion::parse(&stated).map(ProtocolVersion::era) {
            Some(Era::Modern) => Ok(Era::Modern),
            _ => Err(unsupported(&stated)),
        };
    }
    match header.as_deref() {
        None => Ok(Era::Legacy),
        Some(date) => {
            ProtocolVersion::parse(date).map(ProtocolVersion::era).ok_or_else(|| unsupported(date))
        }
    }
}

/// Lists what is served, so that a client of both eras can go on with one of them (MCP 2026-07-28,
/// "Versioning").
fn unsupported(requested: &str) -> RpcError {
    RpcError::new(code::UNSUPPORTED_PROTOCOL_VERSION, "unsupported protocol version")
        .with_data(json!({ "supported": hello::versions(), "requested": requested }))
}

/// The HTTP status that the protocol ties to an error. An error without one is an answer like any other: clients show its
/// text, and would hide it behind the number of a failed HTTP request.
pub(super) fn status(era: Era, code: i64) -> Option<StatusCode> {
    if era == Era::Legacy {
        return None;
    }
    match i32::try_from(code).ok()? {
        code::METHOD_NOT_FOUND => Some(StatusCode::NOT_FOUND),
        code::HEADER_MISMATCH
        | code::MISSING_CLIENT_CAPABILITY
        | code::UNSUPPORTED_PROTOCOL_VERSION => Some(StatusCode::BAD_REQUEST),
        code::NOT_ACCEPTABLE => Some(StatusCode::NOT_ACCEPTABLE),
        _ => None,
    }
}
