//! MCP: what a message asks, in which era, and the translation between the eras.
//!
//! Capability servers speak 2026-07-28 only. A request of an older client is given what that revision wants,
//! and the answer loses what the older client does not know.

mod era;
mod modern;
mod tools;

use std::collections::BTreeMap;
use std::time::Duration;

use axum::http::{HeaderMap, StatusCode};
use mcp_types::{
    CacheScope, DiscoverResult, Era, Implementation, InitializeResult, ProtocolVersion, ResultType,
    SUPPORTED_VERSIONS, ServerCapabilities, meta,
};
use mcp_wire::{Message, Object, Request, RpcError, code, error_reply, result_reply};
use serde_json::{Map, Value};

use crate::http::Refusal;
use crate::limits::LIST_TTL_MS;
use crate::registry::Registry;
use crate::request_id::RequestIds;

/// What a model is told about the whole.
const INSTRUCTIONS: &str = "llmbasedos gives access to what a person keeps on this machine. Paths are virtual: \
    they begin with `/`, which is the folder that the person exposes.";

/// The MCP side of the gateway.
pub(crate) struct Mcp {
    registry: Registry,
    ids: RequestIds,
    /// How long a call may take.
    deadline: Duration,
}

/// The answer to a message.
pub(crate) enum Answer {
    /// It wanted none.
    Accepted,
    /// A JSON-RPC reply.
    Reply(Vec<u8>),
}

/// One request with what was read of it.
struct Asked<'a> {
    /// The name of the client whose key was shown.
    client: &'a str,
    /// The id under which every log knows the request.
    request_id: &'a str,
    request: &'a Request<'a>,
    params: Object<'a>,
    metadata: Object<'a>,
    era: Era,
}

impl Mcp {
    pub(crate) fn new(registry: Registry, ids: RequestIds, deadline: Duration) -> Self {
        Self { registry, ids, deadline }
    }

    /// Where the servers are known.
    pub(crate) fn registry(&self) -> &Registry {
        &self.registry
    }

    /// An id for a new request.
    pub(crate) fn request_id(&self) -> String {
        self.ids.next()
    }

    /// Answers one message that came with these headers.
    pub(crate) async fn answer(
        &self,
        client: &str,
        request_id: &str,
        headers: &HeaderMap,
        body: &[u8],
    ) -> Result<Answer, Refusal> {
        let malformed = |error: RpcError| Refusal::of(StatusCode::BAD_REQUEST, None, &error);
        let text = std::str::from_utf8(body)
            .map_err(|_| malformed(RpcError::new(code::PARSE_ERROR, "the message is not UTF-8")))?;
        let message = Message::parse(text).map_err(|error| malformed(error.to_rpc()))?;
        let request = match &message {
            Message::Request(request) => request,
            Message::Notification(_) => return Ok(Answer::Accepted),
            Message::Response(_) => {
                let text = "no request of ours awaits an answer";
                return Err(malformed(RpcError::new(code::INVALID_REQUEST, text)));
            }
        };
        let asked = read(client, request_id, request, headers)
            .map_err(|error| Refusal::of(StatusCode::BAD_REQUEST, Some(request.id), &error))?;
        self.route(&asked).await.map(Answer::Reply)
    }

    async fn route(&self, asked: &Asked<'_>) -> Result<Vec<u8>, Refusal> {
        let id = asked.request.id;
        let method = asked.request.method.as_ref();
        tracing::debug!(method, era = ?asked.era, "asked");
        let reply = match (asked.era, method) {
            (_, "tools/list") => self.list_tools(asked),
            (_, "tools/call") => self.call_tool(asked).await,
            (Era::Modern, "server/discover") => Ok(result_reply(id, &discover())),
            (Era::Legacy, "initialize") => Ok(result_reply(
                id,
                &initialize(asked.params.get_str("protocolVersion").as_deref()),
            )),
            (Era::Legacy, "ping") => Ok(result_reply(id, &Map::<String, Value>::new())),
            (era, _) => {
                let error = RpcError::new(code::METHOD_NOT_FOUND, "no such method");
                if era == Era::Modern {
                    return Err(Refusal::of(StatusCode::NOT_FOUND, Some(id), &error));
                }
                Err(error)
            }
        };
        // An error that the protocol does not tie to a status is an answer like any other: clients show its text,
        // and would hide it behind the number of a failed HTTP request.
        Ok(reply.unwrap_or_else(|error| {
            tracing::info!(code = error.code, "refused");
            error_reply(Some(id), &error)
        }))
    }
}

/// Reads what a request is routed by, and decides its era. An error here has status 400.
fn read<'a>(
    client: &'a str,
    request_id: &'a str,
    request: &'a Request<'a>,
    headers: &HeaderMap,
) -> Result<Asked<'a>, RpcError> {
    let invalid = |text: &str| RpcError::new(code::INVALID_PARAMS, text);
    let params = request.params.map_or(Ok(Object::empty()), |raw| Object::parse(raw.get()));
    let params = params.map_err(|error| invalid(&format!("`params`: {error}")))?;
    let metadata = params.get("_meta").map_or(Ok(Object::empty()), |raw| Object::parse(raw.get()));
    let metadata = metadata.map_err(|error| invalid(&format!("`_meta`: {error}")))?;
    let era = era::decide(request, &metadata, headers)?;
    if era == Era::Modern {
        modern::check(request, &params, &metadata, headers)?;
    }
    Ok(Asked { client, request_id, request, params, metadata, era })
}

const fn info() -> Implementation {
    Implementation { name: "llmbasedos", title: "llmbasedos", version: env!("CARGO_PKG_VERSION") }
}

fn versions() -> Vec<&'static str> {
    SUPPORTED_VERSIONS.iter().map(|version| version.as_str()).collect()
}

fn discover() -> DiscoverResult {
    DiscoverResult {
        result_type: ResultType::Complete,
        supported_versions: versions(),
        capabilities: ServerCapabilities::default(),
        instructions: INSTRUCTIONS,
        ttl_ms: LIST_TTL_MS,
        cache_scope: CacheScope::Private,
        meta: BTreeMap::from([(meta::SERVER_INFO, info())]),
    }
}

/// The revision asked for if it is served, else the newest that has a handshake (MCP 2025-11-25, "Version
/// Negotiation").
fn initialize(asked: Option<&str>) -> InitializeResult {
    let version = asked
        .and_then(ProtocolVersion::parse)
        .filter(|version| version.era() == Era::Legacy)
        .unwrap_or(ProtocolVersion::LATEST_LEGACY);
    InitializeResult {
        protocol_version: version.as_str(),
        capabilities: ServerCapabilities::default(),
        server_info: info(),
        instructions: INSTRUCTIONS,
    }
}
