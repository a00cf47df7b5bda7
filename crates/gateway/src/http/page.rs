//! Pages that are not there.

use axum::http::{StatusCode, header};
use mcp_wire::code;

use crate::http::Refusal;

pub(crate) async fn not_found() -> Refusal {
    Refusal::new(StatusCode::NOT_FOUND, code::NOT_FOUND, "no such page: MCP is served at `/mcp`")
}

/// MCP 2026-07-28 has no GET and no DELETE. Older clients take 405 for "no stream", and DELETE is for those with a session.
pub(crate) async fn only_post() -> Refusal {
    only("POST", "use POST")
}

pub(crate) async fn only_get() -> Refusal {
    only("GET, HEAD", "use GET")
}

fn only(allow: &'static str, message: &str) -> Refusal {
    Refusal::new(StatusCode::METHOD_NOT_ALLOWED, code::METHOD_NOT_ALLOWED, message)
        .with(header::ALLOW, allow)
}
