//! `POST /mcp`: the body in, the answer out.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use mcp_wire::code;
use mcp_wire::limits::MAX_MESSAGE_BYTES;

use crate::http::key::ClientName;
use crate::http::refusal::json;
use crate::http::{App, Refusal};
use crate::limits::{BODY, MAX_DISCARDED_BYTES};
use crate::mcp::Answer;

/// Shows the id under which the logs know the request.
const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Answers one MCP message.
pub(crate) async fn post(State(app): State<Arc<App>>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let Some(ClientName(client)) = head.extensions.get::<ClientName>() else {
        // The page lies behind the key, so there always is one; without it, nothing is served.
        return Refusal::new(
            StatusCode::UNAUTHORIZED,
            code::UNAUTHENTICATED,
            "a client key is needed",
        )
        .into_response();
    };
    let id = app.mcp.request_id();
    let span = tracing::info_span!("request", request_id = %id, client = %client);
    let mut response = {
        use tracing::Instrument as _;
        let answer = answer(&app, client, &id, &head.headers, body);
        match answer.instrument(span).await {
            Ok(Answer::Accepted) => StatusCode::ACCEPTED.into_response(),
            Ok(Answer::Reply(reply)) => json(StatusCode::OK, reply),
            Err(refusal) => refusal.into_response(),
        }
    };
    if let Ok(id) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(X_REQUEST_ID, id);
    }
    response
}

async fn answer(
    app: &App,
    client: &str,
    id: &str,
    headers: &HeaderMap,
    body: Body,
) -> Result<Answer, Refusal> {
    check_types(headers)?;
    let body = read(body).await?;
    app.mcp.answer(client, id, headers, &body).await
}

/// JSON in, JSON out.
fn check_types(headers: &HeaderMap) -> Result<(), Refusal> {
    let text = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    let essence =
        |value: &str| value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    if text(header::CONTENT_TYPE).map(essence).as_deref() != Some("application/json") {
        let message = "`Content-Type` must be `application/json`";
        let status = StatusCode::UNSUPPORTED_MEDIA_TYPE;
        return Err(Refusal::new(status, code::UNSUPPORTED_MEDIA_TYPE, message));
    }
    // A list may stand in one header or in several (RFC 9110, 5.3).
    let kinds = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let json = ["application/json", "application/*", "*/*"];
    let accepts =
        kinds.flat_map(|list| list.split(',')).any(|kind| json.contains(&essence(kind).as_str()));
    if accepts || !headers.contains_key(header::ACCEPT) {
        return Ok(());
    }
    let message = "`Accept` must list `application/json` and `text/event-stream`";
    Err(Refusal::new(StatusCode::NOT_ACCEPTABLE, code::NOT_ACCEPTABLE, message))
}

/// The whole body, if it is short enough and comes in time.
async fn read(body: Body) -> Result<Bytes, Refusal> {
    let broken = |status, message| {
        Refusal::new(status, code::INVALID_REQUEST, message).with(header::CONNECTION, "close")
    };
    match tokio::time::timeout(BODY, collect(body)).await {
        Ok(Ok(Some(whole))) => Ok(whole),
        Ok(Ok(None)) => {
            let message = format!("a message may have at most {MAX_MESSAGE_BYTES} bytes");
            Err(Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, code::TOO_LARGE, message)
                .with(header::CONNECTION, "close"))
        }
        Ok(Err(_)) => Err(broken(StatusCode::BAD_REQUEST, "the body could not be read")),
        Err(_) => Err(broken(StatusCode::REQUEST_TIMEOUT, "the body did not come in time")),
    }
}

/// The body, or `None` if it is too long.
///
/// A body that is somewhat too long is read to its end and thrown away: a client that is still sending when the
/// connection closes would see a broken connection and never the reason.
async fn collect(mut body: Body) -> Result<Option<Bytes>, axum::Error> {
    let mut whole = BytesMut::new();
    let mut length = 0_usize;
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame?.into_data() else { continue };
        length = length.saturating_add(data.len());
        if length > MAX_DISCARDED_BYTES {
            break;
        }
        if length <= MAX_MESSAGE_BYTES {
            whole.extend_from_slice(&data);
        } else {
            whole = BytesMut::new();
        }
    }
    Ok((length <= MAX_MESSAGE_BYTES).then(|| whole.freeze()))
}
