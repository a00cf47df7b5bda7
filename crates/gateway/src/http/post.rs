//! `POST /mcp`: the body in, the answer out.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use mcp_types::Origin;
use mcp_wire::code;
use mcp_wire::limits::MAX_MESSAGE_BYTES;
use tokio::sync::mpsc;
use tracing::Instrument as _;

use crate::access::Talk;
use crate::http::key::Caller;
use crate::http::refusal::json;
use crate::http::{App, Refusal, page, stream};
use crate::identity::Identity;
use crate::limits::{BODY, MAX_DISCARDED_BYTES, SESSION_QUEUE};
use crate::mcp::{Answer, Door, SESSION_ID, is_modern};

/// The types of the answers.
const JSON: &str = "application/json";
const EVENT_STREAM: &str = "text/event-stream";

/// Shows the id under which the logs know the request.
const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// How long the client waits, in milliseconds.
const X_REQUEST_TIMEOUT_MS: HeaderName = HeaderName::from_static("x-request-timeout-ms");

/// Answers one MCP message.
///
/// The answer is JSON, unless something has to be said before it: then it is a stream of events. A client that closes the
/// connection before the answer cancels what it asked, since hyper then drops all of this.
pub(crate) async fn post(State(app): State<Arc<App>>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let Some(Caller(client)) = head.extensions.get::<Caller>().cloned() else {
        // The page lies behind the key, so there always is one; without it, nothing is served.
        return Refusal::unauthenticated(None).into_response();
    };
    app.mcp.metrics().request(Origin::Http);
    let id = app.mcp.request_id();
    let span = tracing::info_span!("request", request_id = %id, client = %client.name());
    let streams = accepts(&head.headers, EVENT_STREAM);
    let (outlet, before) = mpsc::channel(SESSION_QUEUE);
    let asked = Asked { app: app.clone(), client, id: id.clone(), headers: head.headers, outlet };
    // Boxed, because a stream of events takes it along.
    let answer = Box::pin(while_good(asked, body).instrument(span));
    let mut response = if streams {
        stream::respond(answer, before).await
    } else {
        // Nobody would read it, so that nothing is kept for anybody.
        drop(before);
        respond(answer.await)
    };
    if response.status().is_client_error() {
        app.mcp.metrics().refusal(Origin::Http);
    }
    if let Ok(id) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(X_REQUEST_ID, id);
    }
    response
}

/// The answer, for as long as the key is good.
async fn while_good(asked: Asked, body: Body) -> Result<Answer, Refusal> {
    let client = asked.client.clone();
    tokio::select! {
        biased;
        answer = asked.answer(body) => answer,
        () = client.revoked().cancelled() => Err(Refusal::unauthenticated(None)),
    }
}

/// The answer as JSON.
pub(super) fn respond(answer: Result<Answer, Refusal>) -> Response {
    match answer {
        Ok(Answer::Accepted) => StatusCode::ACCEPTED.into_response(),
        Ok(Answer::Reply(reply)) => json(StatusCode::OK, reply),
        Ok(Answer::Begun(reply, session)) => {
            let mut response = json(StatusCode::OK, reply);
            if let Ok(session) = HeaderValue::from_str(&session) {
                response.headers_mut().insert(SESSION_ID, session);
            }
            response
        }
        Err(refusal) => refusal.into_response(),
    }
}

/// Ends the session that the request names (MCP 2025-11-25, "Session Management").
pub(crate) async fn end_session(State(app): State<Arc<App>>, request: Request) -> Response {
    let Some(session) = request.headers().get(SESSION_ID) else {
        return page::only_post().await.into_response();
    };
    let client = request.extensions().get::<Caller>();
    let ended = client.is_some_and(|Caller(client)| {
        app.mcp.sessions().end(client.name(), session.to_str().unwrap_or_default())
    });
    if ended {
        StatusCode::NO_CONTENT.into_response()
    } else {
        Refusal::no_session(None).into_response()
    }
}

/// A request that is about to be read.
struct Asked {
    app: Arc<App>,
    client: Arc<Identity>,
    id: String,
    headers: HeaderMap,
    outlet: mpsc::Sender<Bytes>,
}

impl Asked {
    async fn answer(self, body: Body) -> Result<Answer, Refusal> {
        check_types(&self.headers)?;
        let timeout = timeout(&self.headers)?;
        let body = read(body).await?;
        let door = Door {
            client: &self.client,
            request_id: &self.id,
            origin: Origin::Http,
            headers: Some(&self.headers),
            timeout,
            handshake: None,
            talk: talk(&self.headers),
            outlet: self.outlet,
        };
        self.app.mcp.answer(&door, &body).await
    }
}

/// The conversation of a request: that of its session, which only the older era has.
fn talk(headers: &HeaderMap) -> Talk {
    let named = headers.get(SESSION_ID).filter(|_| !is_modern(headers));
    let session = named.and_then(|named| named.to_str().ok()).unwrap_or_default();
    Talk::Http { session: session.to_owned() }
}

/// How long the client says that it waits, if it does.
fn timeout(headers: &HeaderMap) -> Result<Option<Duration>, Refusal> {
    let Some(value) = headers.get(X_REQUEST_TIMEOUT_MS) else { return Ok(None) };
    let ms = value.to_str().ok().and_then(|text| text.parse().ok()).filter(|ms| *ms > 0);
    ms.map(|ms| Some(Duration::from_millis(ms))).ok_or_else(|| {
        let message = "`X-Request-Timeout-Ms` must be a number of milliseconds, at least 1";
        Refusal::new(StatusCode::BAD_REQUEST, code::INVALID_REQUEST, message)
    })
}

/// JSON in, JSON out.
fn check_types(headers: &HeaderMap) -> Result<(), Refusal> {
    let text = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    if text(header::CONTENT_TYPE).map(essence).as_deref() != Some(JSON) {
        let message = "`Content-Type` must be `application/json`";
        let status = StatusCode::UNSUPPORTED_MEDIA_TYPE;
        return Err(Refusal::new(status, code::UNSUPPORTED_MEDIA_TYPE, message));
    }
    if accepts(headers, JSON) || !headers.contains_key(header::ACCEPT) {
        return Ok(());
    }
    let message = "`Accept` must list `application/json` and `text/event-stream`";
    Err(Refusal::new(StatusCode::NOT_ACCEPTABLE, code::NOT_ACCEPTABLE, message))
}

/// Whether the client would take an answer of this type, which is `application/json` or `text/event-stream`.
fn accepts(headers: &HeaderMap, kind: &str) -> bool {
    let range = kind.split('/').next().unwrap_or_default();
    // A list may stand in one header or in several (RFC 9110, 5.3).
    let kinds = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    kinds.flat_map(|list| list.split(',')).map(essence).any(|found| {
        found == kind || found == "*/*" || found.strip_suffix("/*").is_some_and(|it| it == range)
    })
}

/// A media type without its parameters.
fn essence(value: &str) -> String {
    value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
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
