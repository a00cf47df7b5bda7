//! `approvals_deny_all`.

use capfile::Effect;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Caller, Tool};
use crate::error::Refused;
use crate::inbox::Inbox;

/// Denies every call of one client that waits: of one that asks and asks, or should not have asked at all. Each is told, and given the reason.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DenyAll {
    /// The client whose calls are denied.
    pub client: String,
    /// Why, for the client to read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// What was denied.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DeniedAll {
    /// The client.
    pub client: String,
    /// The ids of the calls that are denied now; none, if none waited.
    pub denied: Vec<String>,
}

impl Tool for DenyAll {
    type Output = DeniedAll;
    const NAME: &'static str = "approvals_deny_all";
    const METHOD: &'static str = "mcp.approvals.deny_all";
    const TITLE: &'static str = "Deny all calls of a client";
    const EFFECTS: &'static [Effect] = &[Effect::Idempotent];
    const ONLY_PERSON: bool = true;

    fn call(self, inbox: &Inbox, caller: &Caller) -> Result<Self::Output, Refused> {
        let denied = inbox.deny_all(&self.client, &caller.answerer(), self.reason.as_deref())?;
        Ok(DeniedAll { client: self.client, denied })
    }
}
