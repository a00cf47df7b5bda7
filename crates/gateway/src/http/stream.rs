//! An answer before which something is said: a stream of events (MCP, "Sending Messages to the Server").

use std::convert::Infallible;
use std::pin::Pin;

use axum::http::{HeaderName, HeaderValue, header};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use tokio::sync::mpsc;

use crate::http::Refusal;
use crate::http::post;
use crate::limits::KEEP_ALIVE;
use crate::mcp::Answer;

/// Tells a proxy to pass each event on at once.
const X_ACCEL_BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");
/// The name of every event that is a message.
const MESSAGE: &str = "message";

type Outcome = Result<Answer, Refusal>;

/// Waits for the answer, or for what comes `before` it: then the response begins as a stream, at whose end the answer is.
/// Dropping the stream drops the answer, which cancels what was asked.
pub(super) async fn respond<F>(
    mut answer: Pin<Box<F>>,
    mut before: mpsc::Receiver<Bytes>,
) -> Response
where
    F: Future<Output = Outcome> + Send + 'static,
{
    let first = tokio::select! {
        biased;
        Some(first) = before.recv() => first,
        outcome = &mut answer => match before.try_recv() {
            // Both came at once: what was said first goes first.
            Ok(first) => return streamed(Some(first), Next::<F>::Said(outcome), before),
            Err(_) => return post::respond(outcome),
        },
    };
    streamed(Some(first), Next::Awaited(answer), before)
}

/// What the end of the stream is made of.
enum Next<F> {
    Awaited(Pin<Box<F>>),
    Said(Outcome),
    Over,
}

fn streamed<F>(first: Option<Bytes>, next: Next<F>, before: mpsc::Receiver<Bytes>) -> Response
where
    F: Future<Output = Outcome> + Send + 'static,
{
    let events = stream::unfold((first, next, before), |(first, next, mut before)| async move {
        if let Some(first) = first {
            return Some((event(&first), (None, next, before)));
        }
        let outcome = match next {
            Next::Over => return None,
            Next::Said(outcome) => outcome,
            Next::Awaited(mut answer) => tokio::select! {
                biased;
                Some(message) = before.recv() => {
                    return Some((event(&message), (None, Next::Awaited(answer), before)));
                }
                outcome = &mut answer => outcome,
            },
        };
        if let Ok(message) = before.try_recv() {
            return Some((event(&message), (None, Next::Said(outcome), before)));
        }
        let reply = match outcome {
            Ok(Answer::Reply(reply) | Answer::Begun(reply, _)) => reply,
            Ok(Answer::Accepted) => return None,
            Err(refusal) => refusal.into_body(),
        };
        Some((event(&reply), (None, Next::Over, before)))
    });
    let mut response = Sse::new(events.map(Ok::<_, Infallible>))
        .keep_alive(KeepAlive::new().interval(KEEP_ALIVE))
        .into_response();
    let headers = response.headers_mut();
    headers.insert(X_ACCEL_BUFFERING, HeaderValue::from_static("no"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

/// One message as one event. Raw line ends can only stand between the tokens of a JSON text, where a space means the same;
/// in an event they would part it.
fn event(message: &[u8]) -> Event {
    let text = String::from_utf8_lossy(message).replace(['\r', '\n'], " ");
    Event::default().event(MESSAGE).data(text)
}
