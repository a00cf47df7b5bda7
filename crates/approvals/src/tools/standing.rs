//! `approvals_standing`.

use capfile::Effect;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Caller, Tool};
use crate::error::Refused;
use crate::inbox::Inbox;
use crate::standing::Standing;

/// Lists what clients may do without being asked for, since a person has allowed it for always.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ListStanding {}

/// The standing permissions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StandingPermissions {
    /// In the order of client, method and folder.
    pub standing: Vec<Standing>,
}

impl Tool for ListStanding {
    type Output = StandingPermissions;
    const NAME: &'static str = "approvals_standing";
    const METHOD: &'static str = "mcp.approvals.standing";
    const TITLE: &'static str = "List standing permissions";
    const EFFECTS: &'static [Effect] = &[Effect::ReadOnly, Effect::Idempotent];
    const ONLY_PERSON: bool = true;

    fn call(self, inbox: &Inbox, _: &Caller) -> Result<Self::Output, Refused> {
        Ok(StandingPermissions { standing: inbox.standing()? })
    }
}
