//! What was found.

use serde::Serialize;

/// How bad something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// As it should be.
    Good,
    /// It works, and will not for long or not in full.
    Warning,
    /// It does not work.
    Bad,
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// How bad it is.
    pub level: Level,
    /// What was looked at: a service, a disk, the network.
    pub about: String,
    /// What is so, in a sentence without a full stop.
    pub what: String,
    /// What a person can do about it, where something is to be done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remedy: Option<String>,
}

impl Finding {
    /// Something that is as it should be.
    pub fn good(about: impl Into<String>, what: impl Into<String>) -> Self {
        Self { level: Level::Good, about: about.into(), what: what.into(), remedy: None }
    }

    /// Something that works, and will not for long or not in full.
    pub fn warning(
        about: impl Into<String>,
        what: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        let remedy = Some(remedy.into());
        Self { level: Level::Warning, about: about.into(), what: what.into(), remedy }
    }

    /// Something that does not work.
    pub fn bad(
        about: impl Into<String>,
        what: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        let remedy = Some(remedy.into());
        Self { level: Level::Bad, about: about.into(), what: what.into(), remedy }
    }
}
