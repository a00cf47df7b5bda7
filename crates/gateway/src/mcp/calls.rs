//! The requests that one server answers: which it is, by what the request names.

use std::borrow::Cow;
use std::sync::atomic::Ordering;

use mcp_types::Era;
use mcp_wire::{Object, RpcError, code};
use serde_json::json;
use serde_json::value::RawValue;

use crate::access::{Action, Begun, Ended};
use crate::mcp::pass::Passing;
use crate::mcp::word::HostSays;
use crate::mcp::{Asked, Failure, Mcp, own, parameters, word};
use crate::registry::Backend;

/// What an older client is told of a resource that there is not (MCP 2025-11-25, "Resources", "Error Handling").
const RESOURCE_NOT_FOUND_BEFORE: i32 = -32002;

impl Mcp {
    /// `tools/call`: passes a call to the server that offers the tool, and its answer back.
    pub(super) async fn call_tool(&self, asked: &Asked<'_>) -> Result<Vec<u8>, Failure> {
        let name = string(&asked.params, "name")?;
        if let Some(own) = own::find(asked.door.client, &name) {
            asked.recorded.store(true, Ordering::Relaxed);
            return self.call_own(asked, own).await;
        }
        let tool =
            self.registry.table().tool(&name).ok_or_else(|| {
                invalid("unknown tool: ask `tools/list` for those that there are")
            })?;
        if let Some(headers) = asked.door.headers.filter(|_| asked.era == Era::Modern) {
            parameters::check(&tool.header_parameters, &asked.params, headers)?;
        }
        tracing::debug!(tool = name.as_ref(), server = tool.backend.name(), "call");
        let arguments = asked.params.get("arguments").map(RawValue::get);
        let action = Action { declared: &tool.declared, tool: Some(&name), arguments };
        self.decided(asked, action, &tool.backend).await
    }

    /// Passes a request on if it may be made, and its answer back.
    async fn decided(
        &self,
        asked: &Asked<'_>,
        action: Action<'_>,
        backend: &Backend,
    ) -> Result<Vec<u8>, Failure> {
        let answered = self.take_answer(asked).await?;
        let mut begun = self.access.begin(asked.door, action).await?;
        asked.recorded.store(true, Ordering::Relaxed);
        if let Begun::Waits(approval) = &begun {
            match self.ask_host(asked, approval).await? {
                HostSays::Answered => begun = self.access.begin(asked.door, action).await?,
                HostSays::Ask(result) => return Ok(result),
                HostSays::Nothing => {}
            }
        }
        let (pass, grant) = match begun {
            Begun::Goes(pass, grant) => (pass, grant),
            Begun::Waits(approval) => {
                let task = self.as_task(asked, &approval, answered).await;
                return Ok(task.unwrap_or_else(|| word::waits(asked, &approval)));
            }
        };
        let call = Passing { declared: action.declared, grant: grant.as_ref(), answered };
        let outcome = self.pass(asked, backend, call).await;
        pass.end(match &outcome {
            Ok(reply) => Ended::Answered(reply),
            Err(Failure::Ours(error)) => Ended::failed(error),
            Err(Failure::Theirs { code, .. }) => Ended::refused_by_server(*code),
            Err(Failure::NotAllowed(_)) => Ended::NotMade(code::NOT_PERMITTED.into()),
        });
        outcome
    }

    /// `prompts/get`.
    pub(super) async fn get_prompt(&self, asked: &Asked<'_>) -> Result<Vec<u8>, Failure> {
        let name = string(&asked.params, "name")?;
        let backend = self.registry.table().prompt(&name).ok_or_else(unknown_prompt)?;
        tracing::debug!(prompt = name.as_ref(), server = backend.name(), "call");
        let arguments = asked.request.params.map(RawValue::get);
        let action = Action { declared: &backend.prompts, tool: None, arguments };
        self.decided(asked, action, &backend).await
    }

    /// `resources/read`.
    pub(super) async fn read_resource(&self, asked: &Asked<'_>) -> Result<Vec<u8>, Failure> {
        let uri = string(&asked.params, "uri")?;
        let Some(backend) = self.registry.table().resource(&uri) else {
            let code = match asked.era {
                Era::Modern => code::INVALID_PARAMS,
                Era::Legacy => RESOURCE_NOT_FOUND_BEFORE,
            };
            let error = RpcError::new(code, "no server has a resource with this `uri`");
            return Err(error.with_data(json!({ "uri": uri })).into());
        };
        tracing::debug!(server = backend.name(), "read");
        let arguments = asked.request.params.map(RawValue::get);
        let action = Action { declared: &backend.resources, tool: None, arguments };
        self.decided(asked, action, &backend).await
    }

    /// `completion/complete`, for the server whose prompt or resource template is referred to.
    pub(super) async fn complete(&self, asked: &Asked<'_>) -> Result<Vec<u8>, Failure> {
        let about = asked.params.get("ref").map(|raw| Object::parse(raw.get()));
        let Some(Ok(about)) = about else { return Err(invalid("`ref` must be an object").into()) };
        let table = self.registry.table();
        let of_prompt = about.get_str("type").as_deref() == Some("ref/prompt");
        let backend = match about.get_str("type").as_deref() {
            Some("ref/prompt") => {
                table.prompt(&string(&about, "name")?).ok_or_else(unknown_prompt)?
            }
            Some("ref/resource") => table
                .resource(&string(&about, "uri")?)
                .ok_or_else(|| invalid("no server has resources with this `uri`"))?,
            _ => {
                let text = "`ref` must be of type `ref/prompt` or `ref/resource`";
                return Err(invalid(text).into());
            }
        };
        if !backend.completions {
            return Err(invalid("the server of this reference completes no arguments").into());
        }
        let declared = if of_prompt { &backend.prompts } else { &backend.resources };
        let arguments = asked.request.params.map(RawValue::get);
        let action = Action { declared, tool: None, arguments };
        self.decided(asked, action, &backend).await
    }
}

fn string<'a>(params: &Object<'a>, key: &str) -> Result<Cow<'a, str>, RpcError> {
    params.get_str(key).ok_or_else(|| invalid(&format!("`{key}` must be a string")))
}

fn unknown_prompt() -> RpcError {
    invalid("unknown prompt: ask `prompts/list` for those that there are")
}

fn invalid(text: &str) -> RpcError {
    RpcError::new(code::INVALID_PARAMS, text)
}
