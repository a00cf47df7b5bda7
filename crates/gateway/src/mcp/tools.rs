//! `tools/list` and `tools/call`.

use std::collections::BTreeMap;

use mcp_types::{CacheScope, Era, ListToolsResult, ProtocolVersion, ResultType, meta};
use mcp_wire::{Edit, Id, Message, Object, RpcError, code, result_reply};

use crate::limits::LIST_TTL_MS;
use crate::mcp::{Asked, Mcp, forward, info};
use crate::upstream::{CallError, Progress};

/// About what an envelope and the members that we set take, so that a message is written without growing.
const ENVELOPE_BYTES: usize = 512;

/// What a client of the older era is not told.
const MODERN_RESULT_MEMBERS: [(&str, Edit<'static>); 3] =
    [("resultType", Edit::Remove), ("ttlMs", Edit::Remove), ("cacheScope", Edit::Remove)];

impl Mcp {
    /// Every tool, in one page.
    pub(super) fn list_tools(&self, asked: &Asked<'_>) -> Result<Vec<u8>, RpcError> {
        if asked.params.get("cursor").is_some() {
            return Err(RpcError::new(
                code::INVALID_PARAMS,
                "no such `cursor`: the list is one page",
            ));
        }
        let modern = asked.era == Era::Modern;
        let table = self.registry.table();
        let result = ListToolsResult {
            result_type: modern.then_some(ResultType::Complete),
            tools: table.tools(),
            ttl_ms: modern.then_some(LIST_TTL_MS),
            cache_scope: modern.then_some(CacheScope::Private),
            meta: if modern { [(meta::SERVER_INFO, info())].into() } else { BTreeMap::new() },
        };
        Ok(result_reply(asked.request.id, &result))
    }

    /// Passes a call to the server that offers the tool, and its answer back.
    pub(super) async fn call_tool(&self, asked: &Asked<'_>) -> Result<Vec<u8>, RpcError> {
        let invalid = |text: &str| RpcError::new(code::INVALID_PARAMS, text);
        let name =
            asked.params.get_str("name").ok_or_else(|| invalid("`name` must be a string"))?;
        let server =
            self.registry.table().server_of(&name).ok_or_else(|| {
                invalid("unknown tool: ask `tools/list` for those that there are")
            })?;
        tracing::info!(tool = name.as_ref(), server = server.name(), "call");
        let call = self.call_of(asked.door, asked.timeout)?;
        let progress = progress(asked)?;
        let wanted = progress.is_some();
        let message = |id: &str| forwarded(asked, &call.caller, id, wanted);
        let reply = self.forward(&server, message, &call, progress).await?;
        returned(asked, &reply).ok_or_else(|| {
            tracing::warn!(server = server.name(), "a reply was not a JSON-RPC response");
            forward::failed(CallError::Broken)
        })
    }
}

/// Where the client wants to hear of progress, if it does (MCP, "Progress").
fn progress(asked: &Asked<'_>) -> Result<Option<Progress>, RpcError> {
    let Some(token) = asked.metadata.get(meta::PROGRESS_TOKEN) else { return Ok(None) };
    if Id::new(token).is_none() {
        let text = "`progressToken` must be a string or an integer";
        return Err(RpcError::new(code::INVALID_PARAMS, text));
    }
    Ok(Some(Progress { token: token.get().to_owned(), outlet: asked.door.outlet.clone() }))
}

/// The request as its server gets it: with our id, also as progress token where the client had one, with our caller member
/// in place of any that was sent, and, from an older client, with what the modern dialect wants.
fn forwarded(asked: &Asked<'_>, caller: &str, id: &str, progress: bool) -> Vec<u8> {
    let version = format!("\"{}\"", ProtocolVersion::LATEST);
    let mut edits = vec![(meta::CALLER, Edit::Raw(caller))];
    if progress {
        edits.push((meta::PROGRESS_TOKEN, Edit::Raw(id)));
    }
    if asked.era == Era::Legacy {
        edits.push((meta::PROTOCOL_VERSION, Edit::Raw(&version)));
        edits.push((meta::CLIENT_CAPABILITIES, Edit::Raw("{}")));
    }
    let params = [("_meta", Edit::Object(&asked.metadata, &edits))];
    let body = [("id", Edit::Raw(id)), ("params", Edit::Object(&asked.params, &params))];
    let length = asked.request.params.map_or(0, |raw| raw.get().len());
    let mut out = Vec::with_capacity(length + caller.len() + ENVELOPE_BYTES);
    asked.request.envelope.write(&body, &mut out);
    out
}

/// The server's reply as the client gets it: under the client's own id, and without what its era does not know.
fn returned(asked: &Asked<'_>, reply: &[u8]) -> Option<Vec<u8>> {
    let Ok(Message::Response(response)) = Message::parse(std::str::from_utf8(reply).ok()?) else {
        return None;
    };
    let mut out = Vec::with_capacity(reply.len() + asked.request.id.as_str().len());
    let id = ("id", Edit::Raw(asked.request.id.as_str()));
    // Either is an object in every era, and one in which no member stands twice.
    match response.outcome {
        Ok(result) => {
            let result = Object::parse(result.get()).ok()?;
            let edits = match asked.era {
                Era::Legacy => MODERN_RESULT_MEMBERS.as_slice(),
                Era::Modern => &[],
            };
            response.envelope.write(&[id, ("result", Edit::Object(&result, edits))], &mut out);
        }
        Err(error) => {
            let error = Object::parse(error.get()).ok()?;
            error.get("code")?.get().parse::<i64>().ok()?;
            error.get_str("message")?;
            response.envelope.write(&[id], &mut out);
        }
    }
    Some(out)
}
