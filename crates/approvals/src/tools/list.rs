//! `approvals_list`.

use capfile::Effect;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Caller, Tool, Waiting};
use crate::error::Refused;
use crate::inbox::Inbox;
use crate::limits::MAX_LISTED;

/// Lists calls that wait for an answer, the oldest first; or with `state` `all` those that no longer do too, the latest first. Long
/// arguments are cut in a list, and with `id` one call is told whole.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct List {
    /// Which; `pending` if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<Wanted>,
    /// The most to return, 1 to 256; 256 if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 256))]
    pub limit: Option<u32>,
    /// Only the call with this id, whole and in whatever state.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
}

/// Which approvals are wanted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Wanted {
    /// Those that wait.
    #[default]
    Pending,
    /// Those that no longer do too.
    All,
}

/// The approvals that there are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Listed {
    /// As many as were wanted.
    pub approvals: Vec<Waiting>,
}

impl Tool for List {
    type Output = Listed;
    const NAME: &'static str = "approvals_list";
    const METHOD: &'static str = "mcp.approvals.list";
    const TITLE: &'static str = "List calls that wait for an answer";
    const EFFECTS: &'static [Effect] = &[Effect::ReadOnly, Effect::Idempotent];
    const ONLY_PERSON: bool = true;

    fn call(self, inbox: &Inbox, _: &Caller) -> Result<Self::Output, Refused> {
        if let Some(id) = &self.id {
            let found = inbox.get(id)?.ok_or(Refused::Unknown)?;
            return Ok(Listed { approvals: vec![found.into()] });
        }
        let limit = self.limit.unwrap_or(MAX_LISTED).clamp(1, MAX_LISTED);
        let mut found = match self.state.unwrap_or_default() {
            Wanted::Pending => inbox.pending()?,
            Wanted::All => inbox.all(limit)?,
        };
        found.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        Ok(Listed { approvals: found.into_iter().map(Waiting::cut).collect() })
    }
}
