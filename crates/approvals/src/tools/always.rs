//! `approvals_always`.

use capfile::Effect;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Answered, Caller, Tool};
use crate::error::Refused;
use crate::inbox::Inbox;

/// Approves a call that waits, and allows its like from now on: every call of this method by this client, or with `folder` those that work beneath it. `approvals_forget` takes that away again.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Always {
    /// The id of the approval.
    pub id: String,
    /// Only in this folder and beneath it, such as `/notes`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub folder: Option<String>,
}

impl Tool for Always {
    type Output = Answered;
    const NAME: &'static str = "approvals_always";
    const METHOD: &'static str = "mcp.approvals.always";
    const TITLE: &'static str = "Always allow such calls";
    const EFFECTS: &'static [Effect] = &[Effect::OpenWorld, Effect::Destructive];
    const ONLY_PERSON: bool = true;

    fn call(self, inbox: &Inbox, caller: &Caller) -> Result<Self::Output, Refused> {
        let answered = inbox.always(&self.id, &caller.answerer(), self.folder.as_deref())?;
        Ok(answered.into())
    }
}
