//! A request as its server gets it, and the server's reply as the client gets it: the translation between the eras.

use approvals::Grant;
use bytes::Bytes;
use capfile::TextSources;
use mcp_types::{Era, LogLevel, ProtocolVersion, meta};
use mcp_wire::{Edit, Id, Message, Object, RpcError, code};
use serde_json::value::RawValue;

use crate::mcp::remarks::Remarks;
use crate::mcp::{Asked, Failure, Mcp, forward, label, word};
use crate::registry::{Backend, Declared};
use crate::upstream::{CallError, Interim};

/// About what an envelope and the members that we set take, so that a message is written without growing.
const ENVELOPE_BYTES: usize = 512;

/// The result type of a result that asks something back (`InputRequiredResult`, MCP 2026-07-28).
const INPUT_REQUIRED: &str = "input_required";

impl Mcp {
    /// Passes a request to a server as the client wrote it, and the answer back.
    pub(super) async fn pass(
        &self,
        asked: &Asked<'_>,
        backend: &Backend,
        call: Passing<'_>,
    ) -> Result<Vec<u8>, Failure> {
        let mut edits = Vec::new();
        if call.answered {
            edits.extend(word::WITHOUT_ANSWER);
        }
        if let Some(grant) = call.grant.filter(|grant| grant.edited) {
            edits.push(("arguments", Edit::Raw(&grant.arguments)));
        }
        let reply = self.reply_to(asked, backend, call, &edits).await?;
        let Some(Returned { outcome, sources, asks_back }) = returned(asked, &reply, call) else {
            return Err(broken(backend).into());
        };
        // Before the client has the text.
        self.heard(asked.door, sources).await;
        if let Some(grant) = call.grant.filter(|_| asks_back) {
            self.access.resume(asked.door, &call.declared.name, grant).await;
        }
        outcome
    }

    /// Passes a request to a server, with some of its parameters edited, and gives the reply as the server wrote it.
    pub(super) async fn reply_to(
        &self,
        asked: &Asked<'_>,
        backend: &Backend,
        call: Passing<'_>,
        edits: &[(&str, Edit<'_>)],
    ) -> Result<Bytes, RpcError> {
        let arguments = asked.params.get("arguments").map(RawValue::get);
        let about =
            self.call_of(asked.door, (call.declared, arguments), call.grant, asked.timeout)?;
        let interim = self.interim(asked, backend)?;
        if interim.is_some() {
            // What comes before the answer says nothing of where it comes from.
            self.heard(asked.door, call.declared.text_from).await;
        }
        let wanted = Wanted {
            progress: interim.as_ref().is_some_and(|interim| interim.progress.is_some()),
            log: interim.as_ref().and_then(|interim| interim.log),
        };
        let message = |id: &str| forwarded(asked, edits, &about.caller, id, wanted);
        self.forward(&backend.server, message, &about, interim).await
    }

    /// What the client wants to hear before the answer, if there is a way to tell it.
    fn interim(&self, asked: &Asked<'_>, backend: &Backend) -> Result<Option<Interim>, RpcError> {
        let progress = asked.metadata.get(meta::PROGRESS_TOKEN).map(|token| {
            let text = "`progressToken` must be a string or an integer";
            Id::new(token).ok_or_else(|| RpcError::new(code::INVALID_PARAMS, text))?;
            Ok(token.get().to_owned())
        });
        let progress = progress.transpose()?;
        let log = self.log_level(asked)?.filter(|_| backend.logging);
        let outlet = &asked.door.outlet;
        if outlet.is_closed() || (progress.is_none() && log.is_none()) {
            return Ok(None);
        }
        Ok(Some(Interim { outlet: outlet.clone(), progress, log }))
    }
}

/// A call that may be made.
#[derive(Clone, Copy)]
pub(super) struct Passing<'a> {
    pub(super) declared: &'a Declared,
    /// By whose word, where it needed one.
    pub(super) grant: Option<&'a Grant>,
    /// Whether the request holds an answer to a question of ours.
    pub(super) answered: bool,
}

/// What a server is asked to say before it answers.
#[derive(Clone, Copy)]
struct Wanted {
    progress: bool,
    log: Option<LogLevel>,
}

/// The request as its server gets it: with our id, also as progress token where the client had one, with our caller member
/// in place of any that was sent, and, from an older client, with what the modern dialect wants.
fn forwarded(
    asked: &Asked<'_>,
    edits: &[(&str, Edit<'_>)],
    caller: &str,
    id: &str,
    wanted: Wanted,
) -> Vec<u8> {
    let version = format!("\"{}\"", ProtocolVersion::LATEST);
    let level = wanted.log.map(|level| format!("\"{}\"", level.as_str()));
    let mut metadata = vec![(meta::CALLER, Edit::Raw(caller))];
    if wanted.progress {
        metadata.push((meta::PROGRESS_TOKEN, Edit::Raw(id)));
    }
    if let Some(level) = &level {
        metadata.push((meta::LOG_LEVEL, Edit::Raw(level)));
    }
    if asked.era == Era::Legacy {
        metadata.push((meta::PROTOCOL_VERSION, Edit::Raw(&version)));
        metadata.push((meta::CLIENT_CAPABILITIES, Edit::Raw("{}")));
    }
    let params = [&[("_meta", Edit::Object(&asked.metadata, &metadata))], edits].concat();
    let body = [("id", Edit::Raw(id)), ("params", Edit::Object(&asked.params, &params))];
    let length = asked.request.params.map_or(0, |raw| raw.get().len());
    let mut out = Vec::with_capacity(length + caller.len() + ENVELOPE_BYTES);
    asked.request.envelope.write(&body, &mut out);
    out
}

/// A server's reply.
struct Returned {
    /// As the client gets it.
    outcome: Result<Vec<u8>, Failure>,
    /// From where text in it comes.
    sources: TextSources,
    /// Whether the server wants something to be answered first, and the client can.
    asks_back: bool,
}

/// The server's reply as the client gets it: under the client's own id, without what its era does not know, and with what we say
/// of it. `None`: it is no reply.
fn returned(asked: &Asked<'_>, reply: &[u8], call: Passing<'_>) -> Option<Returned> {
    let Ok(Message::Response(response)) = Message::parse(std::str::from_utf8(reply).ok()?) else {
        return None;
    };
    let mut out = Vec::with_capacity(reply.len() + asked.request.id.as_str().len());
    let id = ("id", Edit::Raw(asked.request.id.as_str()));
    // Either is an object in every era, and one in which no member stands twice.
    match response.outcome {
        Ok(result) => {
            let result = Object::parse(result.get()).ok()?;
            let sources = label::of_result(&result, call.declared);
            let asks_back = result.get_str("resultType").as_deref() == Some(INPUT_REQUIRED);
            if asks_back && asked.era == Era::Legacy {
                let text = "this asks something back, which takes a client of MCP 2026-07-28: nothing was done";
                let outcome = Err(RpcError::new(code::INVALID_REQUEST, text).into());
                return Some(Returned { outcome, sources, asks_back: false });
            }
            let remarks = Remarks::of(&result, sources, call.grant);
            let edits = remarks.edits(asked.era);
            response.envelope.write(&[id, ("result", Edit::Object(&result, &edits))], &mut out);
            Some(Returned { outcome: Ok(out), sources, asks_back })
        }
        Err(error) => {
            let error = Object::parse(error.get()).ok()?;
            let code = error.get("code")?.get().parse().ok()?;
            error.get_str("message")?;
            response.envelope.write(&[id], &mut out);
            let outcome = Err(Failure::Theirs { code, reply: out });
            Some(Returned { outcome, sources: call.declared.text_from, asks_back: false })
        }
    }
}

/// The error of a reply that is none.
pub(super) fn broken(backend: &Backend) -> RpcError {
    tracing::warn!(server = backend.name(), "a reply was not what was asked for");
    forward::failed(CallError::Broken)
}
