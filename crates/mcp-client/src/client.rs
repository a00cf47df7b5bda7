//! Requests on a link, told apart by their ids.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use mcp_types::meta::PROGRESS_TOKEN;
use mcp_wire::limits::MAX_MESSAGE_BYTES;
use mcp_wire::{Id, Message, Request, RpcError, code, error_reply, result_reply};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use crate::error::{CallError, ConnectError};
use crate::key::Key;
use crate::limits::MAX_PROGRESS;
use crate::link::{Link, LinkReceiver, LinkSender};
use crate::progress::Progress;
use crate::target::Target;
use crate::trust::Trust;
use crate::waiters::{Outcome, Waiter, Waiters};

/// Makes requests on a link. Clones share the link, which ends with the last of them.
///
/// It does not connect again by itself: it does not know whether a call that was under way may be repeated.
#[derive(Debug, Clone)]
pub struct Client(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    link: LinkSender,
    waiters: Arc<Waiters>,
    next_id: AtomicU64,
    ended: CancellationToken,
    _reader: AbortOnDropHandle<()>,
}

impl Client {
    /// Connects. It must be called within a Tokio runtime, on which the link then runs.
    pub async fn connect(target: &Target, key: Option<&Key>) -> Result<Self, ConnectError> {
        Self::connect_trusting(target, key, &Trust::default()).await
    }

    /// The same, where more certificates are trusted than those that this machine trusts.
    pub async fn connect_trusting(
        target: &Target,
        key: Option<&Key>,
        trust: &Trust,
    ) -> Result<Self, ConnectError> {
        let (link, receiver) = Link::connect_trusting(target, key, trust).await?.split();
        let waiters = Arc::new(Waiters::default());
        let ended = CancellationToken::new();
        let reader = tokio::spawn(read(receiver, link.clone(), waiters.clone(), ended.clone()));
        let next_id = AtomicU64::new(1);
        let reader = AbortOnDropHandle::new(reader);
        Ok(Self(Arc::new(Shared { link, waiters, next_id, ended, _reader: reader })))
    }

    /// Calls a method of either dialect and waits for its result. Parameters that are `null` are left out.
    ///
    /// Dropping the future cancels the call at the server. There is no bound on the wait: wrap it in one.
    pub async fn request(&self, method: &str, params: &Value) -> Result<Value, CallError> {
        self.call(method, params, None).await
    }

    /// The same, told how far the call has come. Only named parameters have room for the wish to be told.
    pub async fn request_with_progress(
        &self,
        method: &str,
        params: &Value,
        mut on_progress: impl FnMut(Progress) + Send,
    ) -> Result<Value, CallError> {
        let (sender, mut steps) = mpsc::channel(MAX_PROGRESS);
        let mut call = Box::pin(self.call(method, params, Some(sender)));
        loop {
            tokio::select! {
                // A step that came before the outcome is told before it.
                biased;
                Some(step) = steps.recv() => on_progress(step),
                outcome = &mut call => return outcome,
            }
        }
    }

    async fn call(
        &self,
        method: &str,
        params: &Value,
        progress: Option<mpsc::Sender<Progress>>,
    ) -> Outcome {
        let id = self.0.next_id.fetch_add(1, Ordering::Relaxed);
        let message = message(id, method, params, progress.is_some())?;
        let (sender, outcome) = oneshot::channel();
        self.0.waiters.add(id, Waiter { outcome: sender, progress })?;
        let mut call = Call { client: &self.0, id, sent: false };
        self.0.link.send(&message).await?;
        call.sent = true;
        outcome.await.unwrap_or(Err(CallError::Closed))
    }

    /// Waits until the link has ended.
    pub async fn closed(&self) {
        self.0.ended.cancelled().await;
    }

    /// Whether the link has ended.
    pub fn is_closed(&self) -> bool {
        self.0.ended.is_cancelled()
    }
}

/// A call under way: when nobody waits for it any more, the server is told.
struct Call<'a> {
    client: &'a Shared,
    id: u64,
    sent: bool,
}

impl Drop for Call<'_> {
    fn drop(&mut self) {
        let waited = self.client.waiters.remove(self.id).is_some();
        if waited && self.sent {
            let params = json!({ "requestId": self.id, "reason": "the caller no longer waits" });
            let note =
                json!({ "jsonrpc": "2.0", "method": "notifications/cancelled", "params": params });
            // A link that has ended has cancelled it already.
            self.client.link.send_now(note.to_string()).ok();
        }
    }
}

/// The text of a request.
fn message(id: u64, method: &str, params: &Value, progress: bool) -> Result<String, CallError> {
    let mut message = json!({ "jsonrpc": "2.0", "id": id, "method": method });
    match params {
        Value::Null => {}
        Value::Object(_) if progress => {
            let mut params = params.clone();
            if !params["_meta"].is_object() {
                params["_meta"] = json!({});
            }
            params["_meta"][PROGRESS_TOKEN] = id.into();
            message["params"] = params;
        }
        Value::Object(_) | Value::Array(_) => message["params"] = params.clone(),
        _ => return Err(CallError::Params),
    }
    let message = message.to_string();
    if message.len() > MAX_MESSAGE_BYTES { Err(CallError::TooLarge) } else { Ok(message) }
}

/// Gives every message to whom it concerns, until the link ends.
async fn read(
    mut receiver: LinkReceiver,
    link: LinkSender,
    waiters: Arc<Waiters>,
    ended: CancellationToken,
) {
    while let Some(text) = receiver.receive().await {
        match Message::parse(&text) {
            Ok(Message::Response(response)) => {
                let id = response.id.and_then(|id| id.as_str().parse().ok());
                if let Some(waiter) = id.and_then(|id| waiters.remove(id)) {
                    // Whoever has stopped waiting need not be told.
                    waiter.outcome.send(outcome(response.outcome)).ok();
                }
            }
            Ok(Message::Notification(note)) if note.method == "notifications/progress" => {
                if let Some(step) = note.params.and_then(|raw| parse::<Step>(raw.get())) {
                    waiters.progress(step.progress_token, step.progress);
                }
            }
            Ok(Message::Notification(_)) => {}
            // Waiting for room here would stop all answers. A server that leaves us none gets none.
            Ok(Message::Request(request)) => link.offer(answer(&request)),
            Err(error) => tracing::warn!(%error, "the gateway's message cannot be understood"),
        }
    }
    waiters.close();
    ended.cancel();
}

/// A server may ask whether we are there; we offer it nothing else.
fn answer(request: &Request<'_>) -> String {
    let id: Id<'_> = request.id;
    let reply = if request.method == "ping" {
        result_reply(id, &json!({}))
    } else {
        let error = RpcError::new(code::METHOD_NOT_FOUND, "this client serves no such method");
        error_reply(Some(id), &error)
    };
    String::from_utf8_lossy(&reply).into_owned()
}

/// The parameters of a progress notification.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Step {
    progress_token: u64,
    #[serde(flatten)]
    progress: Progress,
}

#[derive(Deserialize)]
struct ErrorMember {
    code: i64,
    message: String,
    #[serde(default)]
    data: Option<Value>,
}

fn parse<'a, T: Deserialize<'a>>(json: &'a str) -> Option<T> {
    serde_json::from_str(json).ok()
}

fn outcome(answer: Result<&serde_json::value::RawValue, &serde_json::value::RawValue>) -> Outcome {
    match answer {
        Ok(result) => parse(result.get()).ok_or(CallError::Malformed),
        Err(error) => match parse(error.get()) {
            Some(ErrorMember { code, message, data }) => {
                Err(CallError::Rpc { code, message, data })
            }
            None => Err(CallError::Malformed),
        },
    }
}
