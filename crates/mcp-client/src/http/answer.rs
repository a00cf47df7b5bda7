//! Reading what a `POST` is answered with: one JSON document, or a stream of events.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt};
use mcp_wire::limits::MAX_REPLY_BYTES;
use mcp_wire::{Edit, Message, Response as Reply, RpcError, code};
use reqwest::Response;
use reqwest::header::CONTENT_TYPE;
use sse_stream::SseByteStream;
use tokio::sync::mpsc;

use crate::http::refusal;
use crate::limits::MAX_REFUSAL_BYTES;

/// The kinds of answer that MCP has.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Json,
    Events,
    Other,
}

/// Reads the answer to one request.
pub(super) struct Answer<'a> {
    /// The server, as it may be shown.
    pub(super) target: &'a str,
    /// The request's id, as JSON.
    pub(super) id: &'a str,
    /// Where that goes which comes before the reply.
    pub(super) incoming: &'a mpsc::Sender<String>,
}

impl Answer<'_> {
    /// The reply, which is a JSON-RPC response with the request's id; else the error that stands for it.
    pub(super) async fn read(&self, response: Response) -> Result<String, RpcError> {
        let (status, kind) = (response.status(), kind(&response));
        if !status.is_success() {
            let said = match kind {
                Kind::Json => self.document(response, MAX_REFUSAL_BYTES).await.ok(),
                _ => None,
            };
            return said.ok_or_else(|| refusal::status(self.target, status));
        }
        match kind {
            Kind::Json => self.document(response, MAX_REPLY_BYTES).await,
            Kind::Events => self.events(response).await,
            Kind::Other => Err(refusal::malformed(self.target, "neither JSON nor events")),
        }
    }

    async fn document(&self, mut response: Response, max: usize) -> Result<String, RpcError> {
        let mut body = Vec::new();
        loop {
            match response.chunk().await {
                Ok(Some(chunk)) if body.len() + chunk.len() > max => return Err(too_long()),
                Ok(Some(chunk)) => body.extend_from_slice(&chunk),
                Ok(None) => break,
                Err(error) => return Err(refusal::transport(self.target, &error)),
            }
        }
        let text = String::from_utf8(body).map_err(|_| self.malformed())?;
        match Message::parse(&text) {
            Ok(Message::Response(reply)) => match self.own(&reply) {
                Own::AsItIs => Ok(text),
                Own::Named(named) => Ok(named),
                Own::No => Err(self.malformed()),
            },
            _ => Err(self.malformed()),
        }
    }

    async fn events(&self, response: Response) -> Result<String, RpcError> {
        // What came since the last whole event, for the parser itself has no bound. The chunk that ends an event may
        // begin the next, so the bound is kept to within one chunk.
        let held = Arc::new(AtomicUsize::new(0));
        let count = held.clone();
        let bytes = response.bytes_stream().map_err(Broken::Lost).and_then(move |chunk: Bytes| {
            let held = count.fetch_add(chunk.len(), Ordering::Relaxed) + chunk.len();
            let whole = held <= MAX_REPLY_BYTES + chunk.len();
            std::future::ready(if whole { Ok(chunk) } else { Err(Broken::TooLong) })
        });
        let mut events = SseByteStream::new(Box::pin(bytes));
        while let Some(event) = events.next().await {
            held.store(0, Ordering::Relaxed);
            let event = event.map_err(|error| self.broken(&error))?;
            let Some(text) = event.data.filter(|data| !data.is_empty()) else { continue };
            match Message::parse(&text) {
                Ok(Message::Response(reply)) => match self.own(&reply) {
                    Own::AsItIs => return Ok(text),
                    Own::Named(named) => return Ok(named),
                    Own::No => return Err(self.malformed()),
                },
                Ok(_) => {
                    // A link whose receiver is gone is ended from there.
                    self.incoming.send(text).await.ok();
                }
                Err(_) => return Err(self.malformed()),
            }
        }
        Err(refusal::ended())
    }

    /// Whether a reply answers this request. An error whose sender could not read the id gets it back.
    fn own(&self, reply: &Reply<'_>) -> Own {
        match (reply.id, reply.outcome) {
            (Some(id), _) if id.as_str() == self.id => Own::AsItIs,
            (None, Err(_)) => {
                let mut named = Vec::new();
                reply.envelope.write(&[("id", Edit::Raw(self.id))], &mut named);
                Own::Named(String::from_utf8_lossy(&named).into_owned())
            }
            _ => Own::No,
        }
    }

    fn malformed(&self) -> RpcError {
        refusal::malformed(self.target, "something that is no answer in JSON-RPC")
    }

    fn broken(&self, error: &sse_stream::Error) -> RpcError {
        let cause = match error {
            sse_stream::Error::Body(cause) => cause.downcast_ref::<Broken>(),
            _ => return self.malformed(),
        };
        match cause {
            Some(Broken::TooLong) => too_long(),
            _ => refusal::ended(),
        }
    }
}

/// Whose reply it is.
enum Own {
    AsItIs,
    Named(String),
    No,
}

/// Why a stream of events cannot be read further.
#[derive(Debug, thiserror::Error)]
enum Broken {
    #[error("the connection was lost")]
    Lost(#[source] reqwest::Error),
    #[error("an event is too long")]
    TooLong,
}

fn kind(response: &Response) -> Kind {
    let value = response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let essence = value.and_then(|value| value.split(';').next()).unwrap_or_default().trim();
    if essence.eq_ignore_ascii_case("application/json") {
        Kind::Json
    } else if essence.eq_ignore_ascii_case("text/event-stream") {
        Kind::Events
    } else {
        Kind::Other
    }
}

fn too_long() -> RpcError {
    let message = format!("the answer is longer than {MAX_REPLY_BYTES} bytes: ask for less");
    RpcError::new(code::SERVER_UNAVAILABLE, message)
}
