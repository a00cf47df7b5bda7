//! Whose call it is.

use serde::{Deserialize, Serialize};

/// The caller of a call, as the gateway knows it and tells the capability server in
/// `_meta["org.llmbasedos/caller"]`.
///
/// The gateway removes whatever a client put there and sets its own. A server believes it because only
/// the gateway can reach the server's socket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Caller {
    /// The name under which the client's key was made.
    pub client: String,
    /// The workflow run that makes the call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<String>,
    /// One id for this call in every log that it touches.
    pub request: String,
    /// The door through which it came.
    pub origin: Origin,
    /// What the client may read.
    pub scopes: Vec<Scope>,
    /// Counts the changes of policy; a scope of an older generation may no longer hold.
    pub policy_generation: u64,
}

/// The door through which a call came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Origin {
    /// `POST /mcp`.
    Http,
}

/// A part of a collection that may be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scope {
    /// The collection, such as `files`.
    pub collection: String,
    /// The path from which everything beneath may be read.
    pub prefix: String,
}
