//! MCP: what a message asks, in which era, and the translation between the eras.
//!
//! Capability servers speak 2026-07-28 only. A request of an older client is given what that revision wants,
//! and the answer loses what the older client does not know. The dialect from before MCP is a room of its own, [`legacy`].

mod answering;
mod asked;
mod calls;
mod door;
pub(crate) mod era;
pub(crate) mod forward;
mod handshake;
mod hello;
mod label;
pub(crate) mod legacy;
mod listen;
mod lists;
mod modern;
mod own;
mod parameters;
mod pass;
mod questions;
mod remarks;
mod resources;
mod seal;
mod sessions;
mod tasks;
mod word;

use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::http::StatusCode;
use mcp_types::{Era, List, meta};
use mcp_wire::{Message, Notification, Object, Request, RpcError, code, error_reply, result_reply};
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use tokio::sync::watch;

use asked::{Asked, read};
pub(crate) use door::{Door, SESSION_ID};
pub(crate) use handshake::Handshake;
pub(crate) use modern::is_modern;
pub(crate) use own::is_own_name;
use questions::Questions;
use seal::Seal;
use sessions::{Refused, Sessions};
pub(crate) use tasks::{Room, follow as follow_tasks};

use crate::access::{Access, Ended, Refused as NotAllowed};
use crate::http::Refusal;
use crate::metrics::Metrics;
use crate::registry::Registry;
use crate::request_id::RequestIds;

/// The methods that a server answers, each of which is decided on.
const DECIDED: [&str; 4] = ["tools/call", "prompts/get", "resources/read", "completion/complete"];

/// The method by which MCP, in every revision, gives a call up.
pub(crate) const CANCELLED: &str = "notifications/cancelled";

/// The MCP side of the gateway.
pub(crate) struct Mcp {
    registry: Registry,
    access: Access,
    ids: RequestIds,
    metrics: Metrics,
    sessions: Sessions,
    questions: Questions,
    seal: Seal,
    tasks: Room,
    /// How long a call may take.
    deadline: Duration,
    /// Its sender is dropped at the signal to stop.
    stopped: watch::Receiver<()>,
}

/// The answer to a message.
pub(crate) enum Answer {
    /// It wanted none.
    Accepted,
    /// A JSON-RPC reply.
    Reply(Vec<u8>),
    /// A JSON-RPC reply that begins a session, and the session's id.
    Begun(Vec<u8>, String),
}

/// Why a request has no result.
enum Failure {
    /// An error of ours.
    Ours(RpcError),
    /// It may not be done, or not now.
    NotAllowed(NotAllowed),
    /// An error of the server's, whose code was read of it, as the reply that the client gets.
    Theirs { code: i64, reply: Vec<u8> },
}

impl From<RpcError> for Failure {
    fn from(error: RpcError) -> Self {
        Self::Ours(error)
    }
}

impl From<NotAllowed> for Failure {
    fn from(refused: NotAllowed) -> Self {
        Self::NotAllowed(refused)
    }
}

impl Mcp {
    pub(crate) fn new(
        registry: Registry,
        access: Access,
        ids: RequestIds,
        metrics: Metrics,
        tasks: Room,
        deadline: Duration,
        stopped: watch::Receiver<()>,
    ) -> Result<Self, getrandom::Error> {
        let (sessions, questions, seal) = (Sessions::default(), Questions::default(), Seal::new()?);
        Ok(Self {
            registry,
            access,
            ids,
            metrics,
            sessions,
            questions,
            seal,
            tasks,
            deadline,
            stopped,
        })
    }

    /// Where the servers are known.
    pub(crate) fn registry(&self) -> &Registry {
        &self.registry
    }

    /// Who may do what.
    pub(crate) fn access(&self) -> &Access {
        &self.access
    }

    /// What is counted.
    pub(crate) fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// The sessions of HTTP clients of the older era.
    pub(crate) fn sessions(&self) -> &Sessions {
        &self.sessions
    }

    /// What clients of the older era are asked.
    pub(crate) fn questions(&self) -> &Questions {
        &self.questions
    }

    /// An id for a new request.
    pub(crate) fn request_id(&self) -> String {
        self.ids.next()
    }

    /// Answers one message.
    pub(crate) async fn answer(&self, door: &Door<'_>, body: &[u8]) -> Result<Answer, Refusal> {
        let malformed = |error: RpcError| Refusal::of(StatusCode::BAD_REQUEST, None, &error);
        let text = std::str::from_utf8(body)
            .map_err(|_| malformed(RpcError::new(code::PARSE_ERROR, "the message is not UTF-8")))?;
        let message = Message::parse(text).map_err(|error| malformed(error.to_rpc()))?;
        match &message {
            Message::Request(request) => self.request_over_http(door, request).await,
            Message::Notification(notification) => self.notified(door, notification),
            Message::Response(response)
                if self.questions.answered(door.client.name(), response) =>
            {
                Ok(Answer::Accepted)
            }
            Message::Response(_) => {
                let text = "no request of ours awaits an answer";
                Err(malformed(RpcError::new(code::INVALID_REQUEST, text)))
            }
        }
    }

    /// Answers one request. Dropping the future cancels it.
    pub(crate) async fn request(
        &self,
        door: &Door<'_>,
        request: &Request<'_>,
    ) -> Result<Vec<u8>, Refusal> {
        let asked = self.read(door, request).await?;
        self.route(&asked).await
    }

    /// Answers one request that came over HTTP, where a client of the older era may have a session.
    async fn request_over_http(
        &self,
        door: &Door<'_>,
        request: &Request<'_>,
    ) -> Result<Answer, Refusal> {
        let refused = |status, error: &RpcError| Refusal::of(status, Some(request.id), error);
        let asked = self.read(door, request).await?;
        if asked.era == Era::Modern {
            // The modern era has no sessions, and passes over the header (MCP 2026-07-28).
            return self.route(&asked).await.map(Answer::Reply);
        }
        if request.method == "initialize" {
            let reply = self.route(&asked).await?;
            let begun = self.sessions.begin(door.client.name()).inspect(|session| {
                if let Some(kept) = self.sessions.handshake(door.client.name(), session) {
                    kept.read(&asked.params);
                }
            });
            let begun = begun.map_err(|_| {
                let error = RpcError::new(code::INTERNAL_ERROR, "no session could be begun");
                refused(StatusCode::INTERNAL_SERVER_ERROR, &error)
            });
            return begun.map(|session| Answer::Begun(reply, session));
        }
        let Some(session) = door.session() else {
            return self.route(&asked).await.map(Answer::Reply);
        };
        let entered = self.sessions.enter(door.client.name(), session, request.id.as_str());
        let under_way = entered.map_err(|why| match why {
            Refused::Unknown => Refusal::no_session(Some(request.id)),
            Refused::SameId => {
                let text = "a request with this id is still under way: use another id";
                refused(StatusCode::BAD_REQUEST, &RpcError::new(code::INVALID_REQUEST, text))
            }
        })?;
        match under_way.unless_cancelled(self.route(&asked)).await {
            Some(reply) => reply.map(Answer::Reply),
            // What was cancelled is not answered (MCP 2025-11-25, "Cancellation").
            None => Ok(Answer::Accepted),
        }
    }

    /// Takes a notification that came over HTTP.
    fn notified(&self, door: &Door<'_>, told: &Notification<'_>) -> Result<Answer, Refusal> {
        let Some(session) = door.session() else { return Ok(Answer::Accepted) };
        let params = told.params.and_then(|raw| Object::parse(raw.get()).ok());
        let modern = params.as_ref().and_then(|params| params.get("_meta")).is_some_and(|raw| {
            let metadata = Object::parse(raw.get());
            metadata.is_ok_and(|metadata| metadata.get(meta::PROTOCOL_VERSION).is_some())
        });
        if modern {
            return Ok(Answer::Accepted);
        }
        let request = params.as_ref().filter(|_| told.method == CANCELLED);
        let request = request.and_then(|params| params.get("requestId")).map(RawValue::get);
        if self.sessions.cancel(door.client.name(), session, request) {
            Ok(Answer::Accepted)
        } else {
            Err(Refusal::no_session(None))
        }
    }

    async fn read<'a>(
        &self,
        door: &'a Door<'a>,
        request: &'a Request<'a>,
    ) -> Result<Asked<'a>, Refusal> {
        let error = match read(door, request) {
            Ok(asked) => return Ok(asked),
            Err(error) => error,
        };
        self.access.misasked(door, &request.method, None, &error).await;
        Err(Refusal::of(StatusCode::BAD_REQUEST, Some(request.id), &error))
    }

    async fn route(&self, asked: &Asked<'_>) -> Result<Vec<u8>, Refusal> {
        let id = asked.request.id;
        tracing::debug!(method = asked.request.method.as_ref(), era = ?asked.era, "asked");
        let outcome = match self.access.admit(asked.door, &asked.request.method).await {
            Ok(()) => self.recorded(asked).await,
            Err(refused) => Err(refused.into()),
        };
        let (code, reply) = match outcome {
            Ok(reply) => return Ok(reply),
            Err(Failure::NotAllowed(refused)) => {
                let error = refused.to_rpc();
                let (code, reply) = (error.code.into(), error_reply(Some(id), &error));
                if let NotAllowed::TooSoon(wait) = refused {
                    let status = StatusCode::TOO_MANY_REQUESTS;
                    return Err(Refusal::with_body(status, code, reply).after(wait));
                }
                (code, reply)
            }
            Err(Failure::Ours(error)) => {
                self.misasked(asked, &error).await;
                (error.code.into(), error_reply(Some(id), &error))
            }
            Err(Failure::Theirs { code, reply }) => (code, reply),
        };
        if let Some(status) = era::status(asked.era, code) {
            return Err(Refusal::with_body(status, code, reply));
        }
        tracing::info!(code, "refused");
        Ok(reply)
    }

    /// The result, recorded. What a server answers is recorded where it is decided on.
    async fn recorded(&self, asked: &Asked<'_>) -> Result<Vec<u8>, Failure> {
        let method = asked.request.method.as_ref();
        if DECIDED.contains(&method) || method == "ping" {
            return self.result_of(asked).await;
        }
        let pass = self.access.own(asked.door, method).await?;
        asked.recorded.store(true, Ordering::Relaxed);
        let outcome = self.result_of(asked).await;
        pass.end(match &outcome {
            Ok(reply) => Ended::Answered(reply),
            Err(Failure::Ours(error)) => Ended::failed(error),
            Err(Failure::Theirs { code, .. }) => Ended::Failed(*code),
            Err(Failure::NotAllowed(refused)) => Ended::NotMade(refused.to_rpc().code.into()),
        });
        outcome
    }

    async fn result_of(&self, asked: &Asked<'_>) -> Result<Vec<u8>, Failure> {
        let id = asked.request.id;
        let table = self.registry.table();
        let offered = table.capabilities();
        let has = |capability: bool| capability.then_some(()).ok_or_else(no_such_method);
        match (asked.era, asked.request.method.as_ref()) {
            (_, "tools/call") => self.call_tool(asked).await,
            (_, "tools/list") => self.list_tools(asked, &table).await,
            (_, "prompts/list") => {
                has(offered.prompts.is_some())?;
                self.list_prompts(asked, &table).await
            }
            (_, "prompts/get") => {
                has(offered.prompts.is_some())?;
                self.get_prompt(asked).await
            }
            (_, "resources/list") => {
                has(offered.resources.is_some())?;
                self.list_resources(asked, List::Resources).await
            }
            (_, "resources/templates/list") => {
                has(offered.resources.is_some())?;
                self.list_resources(asked, List::ResourceTemplates).await
            }
            (_, "resources/read") => {
                has(offered.resources.is_some())?;
                self.read_resource(asked).await
            }
            (_, "completion/complete") => {
                has(offered.completions.is_some())?;
                self.complete(asked).await
            }
            (Era::Modern, "server/discover") => Ok(result_reply(id, &hello::discover(offered))),
            (Era::Modern, "subscriptions/listen") => self.listen(asked, &offered).await,
            (Era::Modern, "tasks/get") => self.get_task(asked).await,
            (Era::Modern, "tasks/update") => self.update_task(asked).await,
            (Era::Modern, "tasks/cancel") => self.cancel_task(asked).await,
            (Era::Legacy, "initialize") => {
                if let Some(kept) = &asked.door.handshake {
                    kept.read(&asked.params);
                }
                let version = asked.params.get_str("protocolVersion");
                Ok(result_reply(id, &hello::initialize(version.as_deref(), &offered)))
            }
            (Era::Legacy, "logging/setLevel") => {
                has(offered.logging.is_some())?;
                Ok(self.set_level(asked)?)
            }
            (Era::Legacy, "ping") => Ok(result_reply(id, &Map::<String, Value>::new())),
            _ => Err(no_such_method().into()),
        }
    }
}

fn no_such_method() -> RpcError {
    RpcError::new(code::METHOD_NOT_FOUND, "no such method")
}
