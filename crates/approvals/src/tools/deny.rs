//! `approvals_deny`.

use capfile::Effect;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Answered, Caller, Tool};
use crate::error::Refused;
use crate::inbox::Inbox;

/// Denies a call that waits. The client is told, and is given the reason.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Deny {
    /// The id of the approval.
    pub id: String,
    /// Why, for the client to read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

impl Tool for Deny {
    type Output = Answered;
    const NAME: &'static str = "approvals_deny";
    const METHOD: &'static str = "mcp.approvals.deny";
    const TITLE: &'static str = "Deny a call";
    const EFFECTS: &'static [Effect] = &[Effect::Idempotent];
    const ONLY_PERSON: bool = true;

    fn call(self, inbox: &Inbox, caller: &Caller) -> Result<Self::Output, Refused> {
        let answered = inbox.deny(&self.id, &caller.answerer(), self.reason.as_deref())?;
        Ok(answered.into())
    }
}
