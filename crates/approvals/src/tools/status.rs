//! `approval_status`.

use capfile::Effect;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Caller, Tool};
use crate::approval::{Approval, State};
use crate::error::Refused;
use crate::inbox::Inbox;

/// Tells what has become of a call that had to be asked for. Once it is approved, repeat the call exactly as it was to make it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Status {
    /// The id that the answer to the call named.
    pub id: String,
}

/// What has become of a call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StatusResult {
    /// The id.
    pub id: String,
    /// The tool that is called.
    pub tool: String,
    /// What has become of it.
    pub state: State,
    /// Until when it can be answered, or once it is approved, made; in UTC by ISO 8601.
    pub until: String,
    /// Why it was denied.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Whether it was approved with other arguments than those that were asked for.
    pub edited: bool,
}

impl From<Approval> for StatusResult {
    fn from(approval: Approval) -> Self {
        Self {
            id: approval.id,
            tool: approval.asked.tool,
            state: approval.state,
            until: approval.usable_until.unwrap_or(approval.expires_at).to_string(),
            reason: approval.reason,
            edited: approval.edited.is_some(),
        }
    }
}

impl Tool for Status {
    type Output = StatusResult;
    const NAME: &'static str = "approval_status";
    const METHOD: &'static str = "mcp.approval.status";
    const TITLE: &'static str = "Ask what has become of an approval";
    const EFFECTS: &'static [Effect] = &[Effect::ReadOnly, Effect::Idempotent];
    const ONLY_PERSON: bool = false;

    fn call(self, inbox: &Inbox, caller: &Caller) -> Result<Self::Output, Refused> {
        let found = match caller {
            Caller::Person(_) => inbox.get(&self.id)?,
            Caller::Client(client) => inbox.status(client, &self.id)?,
        };
        found.map(StatusResult::from).ok_or(Refused::Unknown)
    }
}
