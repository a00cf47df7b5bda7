//! `approvals_approve`.

use capfile::Effect;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Answered, Caller, Tool};
use crate::error::Refused;
use crate::inbox::Inbox;

/// Approves a call that waits, once. With `arguments` it may be made with these, in the place of those that were asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Approve {
    /// The id of the approval.
    pub id: String,
    /// Other arguments: the JSON text of an object, in a string. Leave it out to approve what was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arguments: Option<String>,
}

impl Tool for Approve {
    type Output = Answered;
    const NAME: &'static str = "approvals_approve";
    const METHOD: &'static str = "mcp.approvals.approve";
    const TITLE: &'static str = "Approve a call";
    const EFFECTS: &'static [Effect] = &[Effect::OpenWorld, Effect::Destructive];
    const ONLY_PERSON: bool = true;

    fn call(self, inbox: &Inbox, caller: &Caller) -> Result<Self::Output, Refused> {
        let answered = inbox.approve(&self.id, &caller.answerer(), self.arguments.as_deref())?;
        Ok(answered.into())
    }
}
