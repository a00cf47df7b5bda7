//! A call of a method that a capability server has.

use std::borrow::Cow;

use mcp_types::{ProtocolVersion, meta};
use mcp_wire::limits::MAX_REPLY_BYTES;
use mcp_wire::{Object, RpcError, code};
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::access::{Action, Begun, Ended};
use crate::mcp::forward::{self, Call as Forwarded};
use crate::mcp::legacy::{Call, answer, own, params};
use crate::mcp::{Door, Mcp, label, own as mcp_own, word};
use crate::registry::{Kind, Method};
use crate::upstream::CallError;

/// The member under which parameters without names are shown.
const PARAMS: &str = "params";
/// What a call is answered that waits for a person's word: it may not be made yet.
const NEEDS_APPROVAL: i32 = -32_002;
/// The member of a result that says where the next page begins, and the argument that asks for it.
const NEXT_CURSOR: &str = "next_cursor";
const CURSOR: &str = "cursor";
const LIMIT: &str = "limit";

impl Mcp {
    /// Answers a call in the legacy dialect. Dropping the future cancels it.
    pub(crate) async fn legacy(&self, door: &Door<'_>, call: &Call<'_>) -> Vec<u8> {
        let outcome = match self.access.admit(door, &call.method).await {
            Ok(()) => self.outcome_of(door, call).await,
            Err(refused) => Err(refused.to_legacy()),
        };
        match outcome {
            Ok(result) => call.result(&result),
            Err(error) => {
                tracing::info!(code = error.code, "refused");
                call.error(&error)
            }
        }
    }

    async fn outcome_of(&self, door: &Door<'_>, call: &Call<'_>) -> Result<String, RpcError> {
        let table = self.registry.table();
        if own::is_own(&call.method) {
            let pass = self.access.own(door, &call.method).await;
            let pass = pass.map_err(|refused| refused.to_legacy())?;
            let result = own::answer(&self.access, door.client, &table, &call.method);
            let (result, sources) = result.unwrap_or_default();
            let result = result.to_string();
            self.heard(door, sources).await;
            pass.end(Ended::Result(&result));
            return Ok(result);
        }
        if let Some(tool) = mcp_own::find(door.client, &call.method) {
            let arguments = call.params.map_or("{}", RawValue::get);
            return self.own_in_legacy(door, tool, arguments).await;
        }
        let found = table.method(&call.method).ok_or_else(|| {
            let text = "no such method: `mcp.hello` lists those that there are";
            RpcError::new(code::METHOD_NOT_FOUND, text)
        });
        let found = found.and_then(|method| {
            let arguments = params::arguments(&method, call.params)?;
            Ok((method, arguments))
        });
        let (method, arguments) = match found {
            Ok(found) => found,
            Err(error) => {
                // What has no name cannot be told from what must not be kept.
                let named = call.params.map(RawValue::get).filter(|text| text.starts_with('{'));
                self.access.misasked(door, &call.method, named, &error).await;
                return Err(error);
            }
        };
        let tool = match &method.kind {
            Kind::Tool(tool) => tool.name.as_str(),
            Kind::Old => method.name.as_str(),
        };
        let asked = by_name(&method, &arguments);
        let action =
            Action { declared: &method.declared, tool: Some(tool), arguments: Some(&asked) };
        let begun = self.access.begin(door, action).await.map_err(|refused| refused.to_legacy())?;
        let (pass, grant) = match begun {
            Begun::Goes(pass, grant) => (pass, grant),
            Begun::Waits(approval) => {
                let error = RpcError::new(NEEDS_APPROVAL, word::text(&approval));
                return Err(error.with_data(json!({ "approval": word::told(&approval) })));
            }
        };
        let call =
            self.call_of(door, (&method.declared, Some(&asked)), grant.as_ref(), door.timeout);
        let arguments = match grant.as_ref().filter(|grant| grant.edited) {
            Some(grant) => as_sent(&method, &grant.arguments),
            None => Ok(arguments),
        };
        let outcome = match (call, arguments) {
            (Ok(call), Ok(arguments)) => self.call_method(door, &method, arguments, call).await,
            (Err(error), _) | (_, Err(error)) => Err(error),
        };
        pass.end(match &outcome {
            Ok(result) => Ended::Result(result),
            Err(error) => Ended::failed(error),
        });
        outcome
    }

    /// Calls a method and gives its result as JSON text.
    async fn call_method(
        &self,
        door: &Door<'_>,
        method: &Method,
        arguments: String,
        call: Forwarded,
    ) -> Result<String, RpcError> {
        let server = &method.server;
        tracing::debug!(method = %method.name, server = server.name(), "call");
        match &method.kind {
            Kind::Tool(declared) => {
                let tool = Tool { method, name: declared.name.as_str(), call: &call, door };
                match &declared.result_member {
                    Some(member) => {
                        // All pages together may take as long as one call.
                        let whole = self.whole_list(&tool, member, arguments);
                        let late = |_| Err(forward::failed(CallError::TimedOut));
                        tokio::time::timeout(call.deadline, whole).await.unwrap_or_else(late)
                    }
                    None => self.call_tool_of(&tool, &arguments, str::to_owned).await,
                }
            }
            Kind::Old => {
                let name = Value::from(method.name.as_str());
                let message = |id: &str| {
                    format!(r#"{{"jsonrpc":"2.0","id":{id},"method":{name},"params":{arguments}}}"#)
                        .into_bytes()
                };
                let reply = self.forward_alone(server, message, &call).await?;
                self.heard(door, method.declared.text_from).await;
                let text = std::str::from_utf8(&reply).map_err(|_| broken(method))?;
                let outcome = answer::of_old(text).ok_or_else(|| broken(method))??;
                Ok(outcome.result.to_owned())
            }
        }
    }

    /// A result that is a member of the tool's. Where that is a list in pages, all pages: this dialect has no cursor, and a
    /// list that ends early would look whole.
    async fn whole_list(
        &self,
        tool: &Tool<'_>,
        member: &str,
        arguments: String,
    ) -> Result<String, RpcError> {
        let given = Object::parse(&arguments).map_err(|_| broken(tool.method))?;
        let is_given = |name| given.get(name).is_some_and(|raw| raw.get() != "null");
        let paged = !is_given(CURSOR) && !is_given(LIMIT);
        let mut found: Vec<String> = Vec::new();
        let mut bytes = 0;
        let mut next: Option<String> = None;
        loop {
            let asked = match &next {
                None => arguments.clone(),
                Some(cursor) => with_cursor(&given, cursor),
            };
            let read = |result: &str| page(result, member);
            let (page, cursor) =
                self.call_tool_of(tool, &asked, read).await?.ok_or_else(|| broken(tool.method))?;
            bytes += page.len();
            if bytes > MAX_REPLY_BYTES {
                let text = "the result is too large for this dialect: ask for pages, with `limit` and `cursor`";
                return Err(RpcError::new(tool.method.error_code(1), text));
            }
            found.push(page);
            match cursor.filter(|_| paged) {
                // A list that goes on where it was, and one that is none, have no end.
                Some(cursor)
                    if next.as_ref() == Some(&cursor)
                        || !found.iter().all(|page| page.starts_with('[')) =>
                {
                    return Err(broken(tool.method));
                }
                Some(cursor) => next = Some(cursor),
                None => return Ok(joined(found)),
            }
        }
    }

    /// Calls a tool once and hands what it gave to `read`.
    async fn call_tool_of<T>(
        &self,
        tool: &Tool<'_>,
        arguments: &str,
        read: impl FnOnce(&str) -> T,
    ) -> Result<T, RpcError> {
        let message = |id: &str| tool.message(id, arguments);
        let reply = self.forward(&tool.method.server, message, tool.call, None).await?;
        let text = std::str::from_utf8(&reply).map_err(|_| broken(tool.method))?;
        self.heard(tool.door, label::of_reply(text, &tool.method.declared)).await;
        let outcome = answer::of_tool(tool.method, text).ok_or_else(|| broken(tool.method))??;
        Ok(read(outcome.result))
    }
}

/// The parameters of a call as rules, people and the record have them: an object. Those of a server from before MCP have no names, and
/// are one member.
fn by_name<'a>(method: &Method, arguments: &'a str) -> Cow<'a, str> {
    match method.kind {
        Kind::Tool(_) => Cow::Borrowed(arguments),
        Kind::Old => Cow::Owned(format!(r#"{{"{PARAMS}":{arguments}}}"#)),
    }
}

/// The parameters of a call as its server takes them, from what a person has made of them.
fn as_sent(method: &Method, edited: &str) -> Result<String, RpcError> {
    match method.kind {
        Kind::Tool(_) => Ok(edited.to_owned()),
        Kind::Old => {
            let params = Object::parse(edited).ok().and_then(|edited| edited.get(PARAMS));
            let params = params.filter(|raw| raw.get().starts_with('[')).ok_or_else(|| {
                let text = "a person has changed this call into none that its server takes";
                RpcError::new(code::INVALID_PARAMS, text)
            })?;
            Ok(params.get().to_owned())
        }
    }
}

/// A tool that is called for somebody who speaks the legacy dialect.
struct Tool<'a> {
    method: &'a Method,
    name: &'a str,
    call: &'a Forwarded,
    door: &'a Door<'a>,
}

impl Tool<'_> {
    fn message(&self, id: &str, arguments: &str) -> Vec<u8> {
        let name = Value::from(self.name);
        let version = ProtocolVersion::LATEST;
        let (caller, key) = (&self.call.caller, meta::CALLER);
        let (version_key, capabilities) = (meta::PROTOCOL_VERSION, meta::CLIENT_CAPABILITIES);
        format!(
            r#"{{"jsonrpc":"2.0","id":{id},"method":"tools/call","params":{{"name":{name},"arguments":{arguments},"_meta":{{"{version_key}":"{version}","{capabilities}":{{}},"{key}":{caller}}}}}}}"#
        )
        .into_bytes()
    }
}

/// The member of a result, and where the next page begins.
fn page(result: &str, member: &str) -> Option<(String, Option<String>)> {
    let result = Object::parse(result).ok()?;
    let cursor = result.get(NEXT_CURSOR).filter(|raw| raw.get().starts_with('"'));
    Some((result.get(member)?.get().to_owned(), cursor.map(|raw| raw.get().to_owned())))
}

fn with_cursor(arguments: &Object<'_>, cursor: &str) -> String {
    let mut out = Vec::new();
    arguments.write(&[(CURSOR, mcp_wire::Edit::Raw(cursor))], &mut out);
    String::from_utf8_lossy(&out).into_owned()
}

/// One array of several; a single value stays as it is.
fn joined(mut pages: Vec<String>) -> String {
    if pages.len() == 1 {
        return pages.pop().unwrap_or_default();
    }
    let inner = |page: &String| {
        let items = page.trim().strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
        items.map(str::trim).filter(|items| !items.is_empty()).map(ToOwned::to_owned)
    };
    format!("[{}]", pages.iter().filter_map(inner).collect::<Vec<_>>().join(","))
}

fn broken(method: &Method) -> RpcError {
    tracing::warn!(server = method.server.name(), "a reply was not what was asked for");
    forward::failed(CallError::Broken)
}
