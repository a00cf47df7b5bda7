//! `approvals_forget`.

use capfile::Effect;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Caller, Tool};
use crate::error::Refused;
use crate::inbox::Inbox;
use crate::standing::Standing;

/// Takes a standing permission away: such calls are asked for again.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Forget {
    /// The id of the standing permission.
    pub id: String,
}

/// What was taken away.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Forgotten {
    /// The standing permission that there was.
    pub forgotten: Standing,
}

impl Tool for Forget {
    type Output = Forgotten;
    const NAME: &'static str = "approvals_forget";
    const METHOD: &'static str = "mcp.approvals.forget";
    const TITLE: &'static str = "Forget a standing permission";
    const EFFECTS: &'static [Effect] = &[Effect::Idempotent];
    const ONLY_PERSON: bool = true;

    fn call(self, inbox: &Inbox, _: &Caller) -> Result<Self::Output, Refused> {
        Ok(Forgotten { forgotten: inbox.forget(&self.id)? })
    }
}
