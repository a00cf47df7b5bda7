//! What is counted, for Prometheus.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use mcp_wire::code;

use crate::http::{App, Refusal};

/// The type of what Prometheus asks for (OpenMetrics 1.0).
const OPEN_METRICS: HeaderValue =
    HeaderValue::from_static("application/openmetrics-text; version=1.0.0; charset=utf-8");

/// The figures as text.
pub(crate) async fn metrics(State(app): State<Arc<App>>) -> Response {
    match app.mcp.metrics().text() {
        Ok(text) => ([(header::CONTENT_TYPE, OPEN_METRICS)], text).into_response(),
        Err(_) => Refusal::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            code::INTERNAL_ERROR,
            "the figures could not be written",
        )
        .into_response(),
    }
}
