//! How far a call has come.

use serde::Deserialize;

/// How far a call has come, as its server says (MCP `notifications/progress`, all revisions).
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Progress {
    /// How much is done, in a unit of the server's; it grows.
    pub progress: f64,
    /// How much there is to do, if the server knows.
    #[serde(default)]
    pub total: Option<f64>,
    /// What is being done, for people.
    #[serde(default)]
    pub message: Option<String>,
}
