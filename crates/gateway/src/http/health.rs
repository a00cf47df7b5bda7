//! Whether the gateway lives, and whether it can be used.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::{Value, json};

use crate::http::App;
use crate::http::key::is_ours;
use crate::http::refusal::json as answer;

/// 200 while the process answers.
pub(crate) async fn healthz() -> Response {
    answer(StatusCode::OK, br#"{"status":"ok"}"#.to_vec())
}

/// 200 once there is something to call, 503 before, with what is registered and how this process is confined.
///
/// It connects to no server: a probe must not start daemons that sleep until they are called.
pub(crate) async fn readyz(State(app): State<Arc<App>>, request: Request) -> Response {
    let servers = app.mcp.registry().server_names();
    let recorded = app.mcp.access().audit().is_open();
    let ready = recorded && !servers.is_empty();
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let word = match (recorded, ready) {
        (_, true) => "ready",
        (true, false) => "no capability server is registered",
        (false, false) => "nothing can be recorded, and so nothing is done: the log says why",
    };
    let body = json!({
        "status": word,
        "servers": servers,
        "confinement": app.confinement,
        // Grows with every change of clients, licence and tiers.
        "rules": app.mcp.access().live().rules().generation,
        // Grows whenever the policies are made anew.
        "policies": app.mcp.access().rulebook().generation(),
        "audit": if recorded { "open" } else { "closed" },
        "refused": refused(&app, &request),
    });
    answer(status, body.to_string().into_bytes())
}

/// Files that are refused, while those before them stay in force. What is wrong may repeat names that stand in them, and is not for
/// everybody.
fn refused(app: &App, request: &Request) -> Vec<Value> {
    let troubles = app.mcp.access().live().troubles();
    let in_full = is_ours(app, request);
    let of_policies = app.mcp.access().rulebook().trouble();
    let told = troubles.iter().chain(of_policies.as_deref()).map(|trouble| {
        if in_full { json!(trouble) } else { json!({ "file": trouble.file, "line": trouble.line }) }
    });
    told.collect()
}
