//! The tools by which people answer, and clients ask what became of a call; one file each. The gateway answers them itself, and
//! whoever calls them reads the same structs.
//!
//! Arguments of calls are JSON **text** here, in a string: a reader that takes numbers for doubles would show a person
//! another account number than the one that is used.

mod always;
mod approve;
mod call;
mod declaration;
mod deny;
mod deny_all;
mod facts;
mod forget;
mod list;
mod standing;
mod status;

pub use always::Always;
pub use approve::Approve;
pub use call::{Caller, Fault, call};
pub use declaration::{Declaration, Tool, all};
pub use deny::Deny;
pub use deny_all::{DeniedAll, DenyAll};
pub use facts::Fact;
pub use forget::{Forget, Forgotten};
pub use list::{List, Listed, Wanted};
pub use standing::{ListStanding, StandingPermissions};
pub use status::{Status, StatusResult};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::approval::Approval;
use crate::limits::MAX_ARGUMENTS_LISTED;

/// An approval after it was answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Answered {
    /// The approval as it is now.
    pub approval: Waiting,
    /// What the person should know besides of what they have answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

impl From<Approval> for Answered {
    fn from(approval: Approval) -> Self {
        Self { approval: approval.into(), note: None }
    }
}

/// A call that waits for an answer, or did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Waiting {
    /// Its id.
    pub id: String,
    /// The client that makes it.
    pub client: String,
    /// How the client reached the gateway.
    pub origin: String,
    /// The tool that it calls.
    pub tool: String,
    /// The method that it calls, by its name in the legacy dialect.
    pub method: String,
    /// The arguments that it passes: the JSON text of an object, as the client wrote it.
    pub arguments: String,
    /// Whether `arguments` or `edited` are cut here, since they are long: ask for this one by its id to see them whole.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub cut: bool,
    /// The rule of policy that wants an answer.
    pub rule: String,
    /// Who may answer.
    pub audience: crate::Audience,
    /// Where text came from that the client has read and that nobody vouches for.
    pub untrusted: Vec<String>,
    /// The request that asked.
    pub request: String,
    /// The workflow run that it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<String>,
    /// When it was asked for, in UTC by ISO 8601.
    pub asked_at: String,
    /// Until when it can be answered.
    pub expires_at: String,
    /// What has become of it.
    pub state: crate::State,
    /// Who has answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answered_by: Option<String>,
    /// When.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answered_at: Option<String>,
    /// Why it was denied.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The arguments that it was approved with, as JSON text, where they are others than those that were asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub edited: Option<String>,
    /// Until when what was approved can be made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usable_until: Option<String>,
}

impl Waiting {
    /// As it stands in a list.
    fn cut(approval: Approval) -> Self {
        let mut waiting = Self::from(approval);
        for text in [Some(&mut waiting.arguments), waiting.edited.as_mut()].into_iter().flatten() {
            if text.len() > MAX_ARGUMENTS_LISTED {
                text.truncate(text.floor_char_boundary(MAX_ARGUMENTS_LISTED));
                waiting.cut = true;
            }
        }
        waiting
    }
}

impl From<Approval> for Waiting {
    fn from(approval: Approval) -> Self {
        let Approval { id, asked, state, reason, edited, .. } = approval;
        Self {
            id,
            client: asked.client,
            origin: asked.origin,
            tool: asked.tool,
            method: asked.method,
            arguments: asked.arguments,
            cut: false,
            rule: asked.rule,
            audience: asked.audience,
            untrusted: asked.untrusted,
            request: asked.request,
            run: asked.run,
            asked_at: approval.asked_at.to_string(),
            expires_at: approval.expires_at.to_string(),
            state,
            answered_by: approval.answered_by,
            answered_at: approval.answered_at.map(|at| at.to_string()),
            reason,
            edited,
            usable_until: approval.usable_until.map(|at| at.to_string()),
        }
    }
}
