//! HTTP: who is addressed, who asks, and which page.

mod guard;
mod health;
mod key;
mod metrics;
mod page;
mod pair;
mod post;
mod refusal;
mod stream;

use std::sync::Arc;

use axum::Router;
use axum::middleware;
use axum::routing::{get, post as posted};

pub(crate) use guard::AllowedHosts;
pub(crate) use key::bearer;
pub(crate) use refusal::Refusal;

use crate::mcp::Mcp;
use crate::session::{self, Sessions};
use crate::transport::Workers;

/// What the pages need.
pub(crate) struct App {
    pub(crate) hosts: AllowedHosts,
    pub(crate) mcp: Mcp,
    pub(crate) sessions: Sessions,
    pub(crate) workers: Arc<Workers>,
    pub(crate) confinement: sandbox::Report,
}

/// Every page, each behind the guards. `Host` and `Origin` are looked at before anything else, on every page and
/// on those that do not exist.
pub(crate) fn pages(app: Arc<App>) -> Router {
    let keyed = Router::new()
        .route("/mcp", posted(post::post).delete(post::end_session).fallback(page::only_post))
        .route_layer(middleware::from_fn_with_state(app.clone(), key::require));
    let for_monitors = Router::new()
        .route("/metrics", get(metrics::metrics).fallback(page::only_get))
        .route_layer(middleware::from_fn_with_state(app.clone(), key::require_unless_loopback));
    Router::new()
        .merge(keyed)
        .merge(for_monitors)
        // The handshake may show no key, and the first frame then must: the page sees to it itself.
        .route("/ws", get(session::upgrade).fallback(page::only_get))
        .route("/pair", posted(pair::pair).fallback(page::only_post))
        .route("/healthz", get(health::healthz).fallback(page::only_get))
        .route("/readyz", get(health::readyz).fallback(page::only_get))
        .fallback(page::not_found)
        .layer(middleware::from_fn_with_state(app.clone(), guard::guard))
        .with_state(app)
}
