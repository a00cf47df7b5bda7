//! From a request to its reply.

use std::collections::HashMap;
use std::sync::Arc;

use mcp_types::{
    CacheScope, CallToolResult, Caller, Content, DiscoverResult, Era, Implementation, List,
    ListResult, ModernList, ProtocolVersion, ResultType, ServerCapabilities, meta,
};
use mcp_wire::limits::MAX_REPLY_BYTES;
use mcp_wire::{Id, Object, RpcError, code, error_reply, result_reply};
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use crate::call::Call;
use crate::connection::WeakReplies;
use crate::declare::{DeclareError, Entry, Outcome, Tools};
use crate::incoming::{Method, Request};
use crate::life::Life;
use crate::progress::Progress;
use crate::tool::{Server, ToolError};

/// A server with its tools, ready to answer.
pub(crate) struct Dispatcher<S> {
    server: S,
    tools: Vec<Entry<S>>,
    by_name: HashMap<String, usize>,
}

impl<S: Server> Dispatcher<S> {
    pub(crate) fn new(server: S) -> Result<Self, DeclareError> {
        let tools = Tools::<S>::declared()?;
        let by_name =
            tools.iter().enumerate().map(|(at, tool)| (tool.name.to_string(), at)).collect();
        Ok(Self { server, tools, by_name })
    }

    /// Answers a request; `life` says whether the answer is still wanted, and progress goes to `out`. It may block.
    pub(crate) fn answer(
        &self,
        request: &Request,
        life: &Arc<Life>,
        out: &WeakReplies,
    ) -> Option<Vec<u8>> {
        let id = request.id()?;
        let reply = self.request(request, id, life, out).and_then(short_enough);
        Some(reply.unwrap_or_else(|error| error_reply(Some(id), &error)))
    }

    fn request(
        &self,
        request: &Request,
        id: Id<'_>,
        life: &Arc<Life>,
        out: &WeakReplies,
    ) -> Result<Vec<u8>, RpcError> {
        // The frame that it is a part of was UTF-8.
        let params = request.params.as_deref().and_then(|bytes| std::str::from_utf8(bytes).ok());
        let params = object(params, "`params` must be an object")?;
        let metadata = object(params.get("_meta").map(RawValue::get), "`_meta` must be an object")?;
        check_version(&metadata)?;
        match request.method {
            Method::Discover => Ok(result_reply(id, &discover::<S>())),
            Method::List => Ok(result_reply(id, &self.list())),
            Method::Call => {
                let call = |caller| {
                    let progress = Progress::asked(&metadata, out);
                    Call::new(caller, request.read, life.clone(), progress)
                };
                Ok(result_reply(id, &self.call(&params, &metadata, call)?))
            }
            Method::Unknown => Err(RpcError::new(code::METHOD_NOT_FOUND, "no such method")),
        }
    }

    fn list(&self) -> ListResult<Vec<&mcp_types::Tool>> {
        let (cache_scope, server_info) = (CacheScope::Private, info::<S>());
        ListResult {
            list: List::Tools,
            items: self.tools.iter().map(|entry| &entry.tool).collect(),
            next_cursor: None,
            untrusted: Vec::new(),
            modern: Some(ModernList { ttl_ms: 0, cache_scope, server_info }),
        }
    }

    fn call(
        &self,
        params: &Object<'_>,
        metadata: &Object<'_>,
        call: impl FnOnce(Caller) -> Call,
    ) -> Result<CallToolResult, RpcError> {
        let invalid = |message: &str| RpcError::new(code::INVALID_PARAMS, message);
        let caller = metadata
            .get(meta::CALLER)
            .and_then(|raw| serde_json::from_str::<Caller>(raw.get()).ok())
            .ok_or_else(|| invalid("the caller is missing: only the gateway may call"))?;
        let name = params.get_str("name").ok_or_else(|| invalid("`name` must be a string"))?;
        let entry = self
            .by_name
            .get(name.as_ref())
            .and_then(|at| self.tools.get(*at))
            .ok_or_else(|| invalid("no such tool"))?;
        let arguments = match params.get("arguments") {
            None => json!({}),
            // Two readers of one call must not see two values, so no member stands twice here either.
            Some(raw) if raw.get().starts_with('{') && Object::parse(raw.get()).is_err() => {
                return Err(invalid("`arguments`: a member stands twice, or is not Unicode"));
            }
            Some(raw) => serde_json::from_str(raw.get())
                .map_err(|_| invalid("`arguments` holds a text or a number that cannot be read"))?,
        };
        let span = tracing::info_span!("call", request_id = %caller.request, tool = %entry.name);
        let _entered = span.enter();
        let call = call(caller);
        // It may have waited for a thread for longer than its caller does, or have been given up on its way here.
        let outcome = call.check().and_then(|()| (entry.run)(&self.server, &call, arguments));
        match &outcome {
            // What was done is for whoever asked to record.
            Ok(_) => tracing::debug!("done"),
            Err(error) => tracing::info!(kind = ?error.kind(), "refused"),
        }
        let mut result = outcome.map_or_else(|error| failed(&error), succeeded);
        if let Some(sources) = call.said_text_from() {
            let names = sources.iter().map(|source| Value::from(source.name())).collect();
            result.meta.insert(meta::TEXT_FROM.to_owned(), names);
        }
        Ok(result)
    }
}

/// A reply that is too long would cost the whole connection; so its call alone fails.
fn short_enough(reply: Vec<u8>) -> Result<Vec<u8>, RpcError> {
    if reply.len() <= MAX_REPLY_BYTES {
        return Ok(reply);
    }
    tracing::error!(bytes = reply.len(), "a result is too large to be sent");
    let text = "the result is too large to be sent: ask for less at once";
    Err(RpcError::new(code::INTERNAL_ERROR, text))
}

/// The members of an object that may be absent.
fn object<'a>(json: Option<&'a str>, otherwise: &'static str) -> Result<Object<'a>, RpcError> {
    json.map_or(Ok(Object::empty()), Object::parse)
        .map_err(|_| RpcError::new(code::INVALID_PARAMS, otherwise))
}

fn check_version(metadata: &Object<'_>) -> Result<(), RpcError> {
    let asked = metadata.get_str(meta::PROTOCOL_VERSION).ok_or_else(|| {
        RpcError::new(code::INVALID_PARAMS, "`_meta` must say the protocol version")
    })?;
    if ProtocolVersion::parse(&asked).is_some_and(|version| version.era() == Era::Modern) {
        return Ok(());
    }
    let supported = [ProtocolVersion::LATEST.as_str()];
    Err(RpcError::new(code::UNSUPPORTED_PROTOCOL_VERSION, "unsupported protocol version")
        .with_data(json!({ "supported": supported, "requested": asked })))
}

fn info<S: Server>() -> Implementation {
    Implementation { name: S::NAME, title: S::DESCRIPTION, version: S::VERSION }
}

fn discover<S: Server>() -> DiscoverResult {
    DiscoverResult {
        result_type: ResultType::Complete,
        supported_versions: vec![ProtocolVersion::LATEST.as_str()],
        capabilities: ServerCapabilities::default(),
        instructions: S::DESCRIPTION,
        ttl_ms: 0,
        cache_scope: CacheScope::Private,
        meta: [(meta::SERVER_INFO, info::<S>())].into(),
    }
}

fn succeeded(outcome: Outcome) -> CallToolResult {
    CallToolResult {
        result_type: ResultType::Complete,
        content: vec![Content::Text { text: outcome.text }],
        structured_content: Some(outcome.structured),
        is_error: false,
        meta: Map::new(),
    }
}

/// A failure of the tool is a result, not a protocol error, so that the model reads it and can mend its call
/// (MCP 2025-11-25, "Error handling", arguments that do not fit included).
fn failed(error: &ToolError) -> CallToolResult {
    let kind = serde_json::to_value(error.kind()).unwrap_or(Value::Null);
    CallToolResult {
        result_type: ResultType::Complete,
        content: vec![Content::Text { text: error.to_string() }],
        structured_content: None,
        is_error: true,
        meta: Map::from_iter([(meta::ERROR_KIND.to_owned(), kind)]),
    }
}
