//! HTTP: who is addressed, who asks, and which page.

mod guard;
mod health;
mod key;
mod page;
mod post;
mod refusal;

use std::sync::Arc;

use axum::Router;
use axum::middleware;
use axum::routing::{get, post as posted};

pub(crate) use guard::AllowedHosts;
pub(crate) use refusal::Refusal;

use crate::clients::Clients;
use crate::mcp::Mcp;

/// What the pages need.
pub(crate) struct App {
    pub(crate) hosts: AllowedHosts,
    pub(crate) clients: Clients,
    pub(crate) mcp: Mcp,
    pub(crate) confinement: sandbox::Report,
}

/// Every page, each behind the guards. `Host` and `Origin` are looked at before anything else, on every page and
/// on those that do not exist.
pub(crate) fn pages(app: Arc<App>) -> Router {
    let keyed = Router::new()
        .route("/mcp", posted(post::post).fallback(page::only_post))
        .route_layer(middleware::from_fn_with_state(app.clone(), key::require));
    Router::new()
        .merge(keyed)
        .route("/healthz", get(health::healthz).fallback(page::only_get))
        .route("/readyz", get(health::readyz).fallback(page::only_get))
        .fallback(page::not_found)
        .layer(middleware::from_fn_with_state(app.clone(), guard::guard))
        .with_state(app)
}
