//! `POST /pair`: a pairing code in, a client key out, once.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Extension, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use http_body_util::{BodyExt, Limited};
use mcp_wire::code;
use serde::Deserialize;
use serde_json::json;

use crate::access::PairRefused;
use crate::http::refusal::json as answer;
use crate::http::{App, Refusal};
use crate::limits::{BODY, MAX_PAIR_BYTES};
use crate::transport::Place;

/// What a host posts.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Posted {
    code: String,
}

/// Gives the client that waits with a code its key.
pub(crate) async fn pair(
    State(app): State<Arc<App>>,
    Extension(place): Extension<Arc<Place>>,
    body: Body,
) -> Response {
    let body = tokio::time::timeout(BODY, Limited::new(body, MAX_PAIR_BYTES).collect());
    let body = body.await.ok().and_then(Result::ok).map(http_body_util::Collected::to_bytes);
    let posted = body.and_then(|body| serde_json::from_slice::<Posted>(&body).ok());
    let Some(Posted { code: typed }) = posted else {
        let message = "post `{\"code\": \"CODE\"}`, with the code that `llmbasedos pair` shows";
        let refusal = Refusal::new(StatusCode::BAD_REQUEST, code::INVALID_REQUEST, message);
        return refusal.into_response();
    };
    match app.mcp.access().pair(&typed, place.peer()).await {
        Ok((client, key)) => {
            tracing::info!(%client, "a client was paired");
            let body = json!({ "client": &*client, "key": key });
            answer(StatusCode::OK, body.to_string().into_bytes())
        }
        Err(PairRefused::Penalty(penalty)) => Refusal::penalty(penalty).into_response(),
        Err(PairRefused::Wrong) => {
            let message = "no client waits with this code: `llmbasedos pair` shows a new one, which is good for ten minutes \
                and once";
            Refusal::new(StatusCode::FORBIDDEN, code::UNAUTHENTICATED, message).into_response()
        }
        Err(PairRefused::Broken) => {
            let message = "the key could not be kept, so none was given: the log says why";
            let status = StatusCode::INTERNAL_SERVER_ERROR;
            Refusal::new(status, code::INTERNAL_ERROR, message).into_response()
        }
    }
}
