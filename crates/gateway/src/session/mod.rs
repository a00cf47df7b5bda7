//! Connections on which messages go both ways: WebSockets, `gateway.sock` and `person.sock`.
//!
//! A session takes MCP of either era and the legacy dialect, message by message. Many calls of MCP may be under way at once;
//! those of the legacy dialect are done in their turn, as the old gateway did, whose scripts write a file and read it in one
//! go. Each call is cancelled by `notifications/cancelled` with its id, and all of them by the end of the connection.

mod calls;
mod local;
mod web;

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use mcp_types::Origin;
use mcp_wire::{Id, Message, Object, RpcError, code};
use tokio::sync::{mpsc, watch};
use tokio::task::AbortHandle;
use tokio_util::task::TaskTracker;
use tracing::Instrument as _;

pub(crate) use local::serve as serve_local;
pub(crate) use web::upgrade;

use crate::access::{Conversation, Talk};
use crate::http::{App, Refusal};
use crate::identity::Identity;
use crate::limits::{MAX_CALLS_PER_SESSION, SESSION_QUEUE};
use crate::mcp::legacy;
use crate::mcp::{CANCELLED, Door, Handshake, legacy::Call};
use crate::session::calls::{Calls, Refused};

/// All sessions: who is to end before the gateway does, and when it begins to.
#[derive(Clone)]
pub(crate) struct Sessions {
    pub(crate) tracker: TaskTracker,
    /// Its sender is dropped at the signal to stop.
    pub(crate) stopped: watch::Receiver<()>,
}

/// One connection.
struct Session {
    app: Arc<App>,
    client: Arc<Identity>,
    origin: Origin,
    /// Where answers and what comes before them go.
    out: mpsc::Sender<Bytes>,
    calls: Calls,
    /// Calls of the legacy dialect that wait for their turn.
    waiting: VecDeque<Bytes>,
    /// The one whose turn it is.
    turn: Option<AbortHandle>,
    /// What it has said once, where it speaks MCP of the older era.
    handshake: Arc<Handshake>,
    /// What has been read on it.
    conversation: Arc<Conversation>,
    /// Whether it has spoken MCP, in which a reply whose request cannot be read has no id; before MCP it had a null one.
    speaks_mcp: bool,
}

impl Session {
    /// A session, and what it has to say.
    fn new(app: Arc<App>, client: Arc<Identity>, origin: Origin) -> (Self, mpsc::Receiver<Bytes>) {
        let (out, waiting) = mpsc::channel(SESSION_QUEUE);
        let session = Self {
            app,
            client,
            origin,
            out,
            calls: Calls::default(),
            waiting: VecDeque::new(),
            turn: None,
            handshake: Arc::default(),
            conversation: Arc::default(),
            speaks_mcp: false,
        };
        (session, waiting)
    }

    /// Whether so much waits for its turn that nothing more should be read.
    fn is_full(&self) -> bool {
        self.waiting.len() >= MAX_CALLS_PER_SESSION
    }

    /// Whether no call is under way and none waits.
    fn is_idle(&self) -> bool {
        self.calls.is_empty() && self.waiting.is_empty()
    }

    /// Waits for the end of a call, and starts the one whose turn it then is; for ever, where none is under way.
    async fn ended(&mut self) {
        self.calls.ended().await;
        self.next_turn();
    }

    /// Starts the next call of the legacy dialect, if none is under way.
    fn next_turn(&mut self) {
        if self.turn.as_ref().is_some_and(|turn| !turn.is_finished()) {
            return;
        }
        let Some(frame) = self.waiting.pop_front() else { return };
        let run = self.run();
        let id = id_of(&frame);
        let running = async move {
            let reply = run.legacy(&frame).await;
            run.say(reply).await;
        };
        self.turn = Some(self.calls.start_in_turn(id.as_deref(), running));
    }

    /// Gives a call up, under way or waiting.
    fn cancel(&mut self, id: &str) {
        if self.calls.cancel(id) {
            return;
        }
        if let Some(at) = self.waiting.iter().position(|frame| id_of(frame).as_deref() == Some(id))
        {
            self.waiting.remove(at);
        }
    }

    /// Takes a message. What is answered at once is the return value; a call is answered later.
    fn take(&mut self, frame: &Bytes) -> Option<Vec<u8>> {
        let reply = self.read(frame);
        // Starting a call may have seen the end of the one whose turn it was.
        self.next_turn();
        reply
    }

    fn read(&mut self, frame: &Bytes) -> Option<Vec<u8>> {
        let Ok(text) = std::str::from_utf8(frame) else {
            return Some(self.malformed(&RpcError::new(code::PARSE_ERROR, "it is not UTF-8")));
        };
        if let Some(call) = Call::read(text) {
            return match call {
                Ok(_) => {
                    self.waiting.push_back(frame.clone());
                    None
                }
                Err(reply) => Some(self.refused(reply)),
            };
        }
        match Message::parse(text) {
            Err(error) => Some(self.malformed(&error.to_rpc())),
            Ok(Message::Request(request)) => {
                self.speaks_mcp = true;
                self.start(request.id, frame)
            }
            Ok(Message::Notification(notification)) => {
                self.speaks_mcp = true;
                if notification.method == CANCELLED {
                    let params = notification.params.map(|raw| Object::parse(raw.get()));
                    if let Some(id) = params.and_then(|params| params.ok()?.get("requestId")) {
                        self.cancel(id.get());
                    }
                }
                None
            }
            Ok(Message::Response(response)) => {
                self.app.mcp.questions().answered(self.client.name(), &response);
                None
            }
        }
    }

    /// A reply to what could not be read.
    fn malformed(&self, error: &RpcError) -> Vec<u8> {
        self.refused(if self.speaks_mcp {
            mcp_wire::error_reply(None, error)
        } else {
            legacy::error_reply("null", error)
        })
    }

    fn refused(&self, reply: Vec<u8>) -> Vec<u8> {
        self.app.mcp.metrics().refusal(self.origin);
        reply
    }

    fn start(&mut self, id: Id<'_>, frame: &Bytes) -> Option<Vec<u8>> {
        let (run, frame) = (self.run(), frame.clone());
        let call = async move {
            let reply = run.mcp(&frame).await;
            run.say(reply).await;
        };
        let refused = self.calls.start(Some(id.as_str()), call).err()?;
        Some(self.refused(mcp_wire::error_reply(Some(id), &why(refused))))
    }

    /// What one call needs of the session.
    fn run(&self) -> Run {
        self.app.mcp.metrics().request(self.origin);
        let (app, client, out) = (self.app.clone(), self.client.clone(), self.out.clone());
        let talk = Talk::Connection(self.conversation.clone());
        Run { app, client, origin: self.origin, handshake: self.handshake.clone(), talk, out }
    }
}

/// The id of a call of the legacy dialect, if it has one.
fn id_of(frame: &[u8]) -> Option<String> {
    let call = Call::read(std::str::from_utf8(frame).ok()?)?.ok()?;
    call.has_id.then(|| call.id.to_owned())
}

/// One call of a session.
struct Run {
    app: Arc<App>,
    client: Arc<Identity>,
    origin: Origin,
    handshake: Arc<Handshake>,
    talk: Talk,
    out: mpsc::Sender<Bytes>,
}

impl Run {
    async fn mcp(&self, frame: &[u8]) -> Vec<u8> {
        let request_id = self.app.mcp.request_id();
        let span = self.span(&request_id);
        let answer = async {
            let text = std::str::from_utf8(frame).unwrap_or_default();
            match Message::parse(text) {
                Ok(Message::Request(request)) => {
                    let reply = self.app.mcp.request(&self.door(&request_id), &request).await;
                    reply.unwrap_or_else(Refusal::into_body)
                }
                // It was a request when the session took it.
                _ => Vec::new(),
            }
        };
        answer.instrument(span).await
    }

    async fn legacy(&self, frame: &[u8]) -> Vec<u8> {
        let request_id = self.app.mcp.request_id();
        let span = self.span(&request_id);
        let answer = async {
            let text = std::str::from_utf8(frame).unwrap_or_default();
            match Call::read(text) {
                Some(Ok(call)) => self.app.mcp.legacy(&self.door(&request_id), &call).await,
                // It was a call when the session took it.
                _ => Vec::new(),
            }
        };
        answer.instrument(span).await
    }

    fn door<'a>(&'a self, request_id: &'a str) -> Door<'a> {
        Door {
            client: &self.client,
            request_id,
            origin: self.origin,
            headers: None,
            timeout: None,
            handshake: Some(self.handshake.clone()),
            talk: self.talk.clone(),
            outlet: self.out.clone(),
        }
    }

    fn span(&self, request_id: &str) -> tracing::Span {
        tracing::info_span!("request", %request_id, client = %self.client.name())
    }

    async fn say(&self, reply: Vec<u8>) {
        // A session that has ended takes no answer any more.
        self.out.send(reply.into()).await.ok();
    }
}

fn why(refused: Refused) -> RpcError {
    match refused {
        Refused::TooMany => RpcError::new(
            code::OVERLOADED,
            format!(
                "{MAX_CALLS_PER_SESSION} calls are under way on this connection: wait for an answer"
            ),
        ),
        Refused::SameId => RpcError::new(
            code::INVALID_REQUEST,
            "a call with this id is still under way: use another id",
        ),
    }
}
