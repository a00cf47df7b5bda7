//! The gateway's own tools, by which people answer what waits for them, and clients ask what has become of it.

use std::sync::LazyLock;

use approvals::tools::{self, Always, Caller, Fault, Forget, Tool as _};
use audit::Kind;
use capfile::Effect;
use mcp_types::{Era, Tool, ToolAnnotations, meta};
use mcp_wire::{RpcError, code, result_reply};
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Value, json};

use crate::access::{Ended, KIND, Refused};
use crate::identity::{Identity, Kind as Who};
use crate::mcp::{Asked, Door, Failure, Mcp};

/// One of them.
pub(super) struct OwnTool {
    pub(super) name: &'static str,
    pub(super) method: &'static str,
    read_only: bool,
    only_person: bool,
    /// As `tools/list` shows it.
    pub(super) text: Box<RawValue>,
}

static OWN: LazyLock<Vec<OwnTool>> = LazyLock::new(|| {
    let own = |it: tools::Declaration| {
        let has = |effect| it.effects.contains(&effect);
        let tool = Tool {
            name: it.name.to_owned(),
            title: it.title.to_owned(),
            description: it.description.clone(),
            input_schema: it.input_schema.clone(),
            output_schema: it.output_schema.clone(),
            annotations: ToolAnnotations {
                read_only_hint: has(Effect::ReadOnly),
                destructive_hint: has(Effect::Destructive),
                idempotent_hint: has(Effect::Idempotent),
                open_world_hint: has(Effect::OpenWorld),
            },
        };
        Some(OwnTool {
            name: it.name,
            method: it.method,
            read_only: has(Effect::ReadOnly),
            only_person: it.only_person,
            text: to_raw_value(&tool).ok()?,
        })
    };
    tools::all().into_iter().filter_map(own).collect()
});

/// Whether a tool or a method of this name is the gateway's own, which no server may have.
pub(crate) fn is_own_name(name: &str) -> bool {
    OWN.iter().any(|tool| tool.name == name || tool.method == name)
}

/// The tools that this one may call.
pub(super) fn shown(client: &Identity) -> impl Iterator<Item = &'static OwnTool> {
    let is_person = client.kind() == Who::Person;
    OWN.iter().filter(move |tool| is_person || !tool.only_person)
}

/// The tool or method of this name that this one may call.
pub(super) fn find(client: &Identity, name: &str) -> Option<&'static OwnTool> {
    shown(client).find(|tool| tool.name == name || tool.method == name)
}

impl Mcp {
    /// Calls one of the gateway's own tools over MCP.
    pub(super) async fn call_own(
        &self,
        asked: &Asked<'_>,
        tool: &OwnTool,
    ) -> Result<Vec<u8>, Failure> {
        let arguments = asked.params.get("arguments").map_or("{}", RawValue::get);
        let outcome = self.own(asked.door, tool, arguments).await?;
        let mut result = match &outcome {
            Ok(value) => json!({
                "content": [{ "type": "text", "text": value.to_string() }],
                "structuredContent": value,
                "isError": false,
            }),
            Err(fault) => json!({
                "content": [{ "type": "text", "text": fault.to_string() }],
                "isError": true,
                "_meta": { meta::ERROR_KIND: kind(fault) },
            }),
        };
        if let (Era::Modern, Some(members)) = (asked.era, result.as_object_mut()) {
            members.insert("resultType".to_owned(), "complete".into());
        }
        Ok(result_reply(asked.request.id, &result))
    }

    /// The same in the legacy dialect: the result, as JSON text.
    pub(super) async fn own_in_legacy(
        &self,
        door: &Door<'_>,
        tool: &OwnTool,
        arguments: &str,
    ) -> Result<String, RpcError> {
        let outcome = self.own(door, tool, arguments).await.map_err(|error| error.to_legacy())?;
        outcome.map(|value| value.to_string()).map_err(|fault| {
            let code = match fault {
                Fault::Parameters(_) => code::INVALID_PARAMS,
                _ => code::INVALID_REQUEST,
            };
            RpcError::new(code, fault.to_string()).with_data(json!({ KIND: kind(&fault) }))
        })
    }

    /// Does it, and records it: an answer is on the disk before it counts, and what it was after.
    async fn own(
        &self,
        door: &Door<'_>,
        tool: &OwnTool,
        arguments: &str,
    ) -> Result<Result<Value, Fault>, Refused> {
        let who = match door.client.kind() {
            Who::Person => Caller::Person(door.client.name().to_string()),
            Who::Key | Who::Local => Caller::Client(door.client.name().to_string()),
        };
        let kind = if tool.read_only { Kind::Read } else { Kind::Intent };
        let pass = self.access.own_tool(door, tool.method, kind, arguments).await?;
        let name = tool.name;
        let given: Value = serde_json::from_str(arguments).unwrap_or_default();
        let note = match self.look_at_answer(name, &given).await {
            Ok(note) => note,
            Err(fault) => {
                pass.end(Ended::Refused { code: 0, nothing_done: true });
                return Ok(Err(fault));
            }
        };
        let called = self.access.in_inbox(move |inbox| tools::call(inbox, name, given, &who)).await;
        let called = called.map(|called| called.map(|value| with_note(value, note)));
        let outcome = match called {
            Ok(Err(Fault::Refused(approvals::Refused::Store(error)))) => {
                tracing::error!(%error, "the calls that wait for a person cannot be kept");
                Err(Refused::Unavailable)
            }
            other => other,
        };
        match &outcome {
            Ok(Ok(value)) => pass.end(Ended::Result(&value.to_string())),
            Ok(Err(_)) => pass.end(Ended::Refused { code: 0, nothing_done: true }),
            Err(refused) => pass.end(Ended::Failed(refused.to_rpc().code.into())),
        }
        if let Ok(Ok(value)) = &outcome
            && !tool.read_only
        {
            if matches!(name, Always::NAME | Forget::NAME) {
                self.access.standing_changed().await?;
            }
            self.access.answered(door, tool.method, value).await?;
        }
        outcome
    }
}

/// The result of an answer with what the person should know besides.
fn with_note(mut value: Value, note: Option<&str>) -> Value {
    if let (Some(note), Some(members)) = (note, value.as_object_mut()) {
        members.insert("note".to_owned(), note.into());
    }
    value
}

/// The kind of a fault, as capability servers name theirs.
fn kind(fault: &Fault) -> &'static str {
    match fault {
        Fault::NoSuchTool | Fault::Refused(approvals::Refused::Unknown) => "not_found",
        Fault::Refused(approvals::Refused::OnlyAPerson) => "denied",
        Fault::Refused(approvals::Refused::Answered { .. }) => "conflict",
        Fault::Parameters(_) | Fault::Refused(_) => "invalid_arguments",
        Fault::Result(_) => "internal",
    }
}
