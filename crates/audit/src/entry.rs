//! What is recorded.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// The kind of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Something was read or listed: what was asked, and how it ended.
    Read,
    /// Something that changes or sends is about to be done.
    Intent,
    /// How it ended; it refers to its intent.
    Outcome,
    /// Something was refused.
    Refusal,
    /// A person decided on a call.
    Approval,
    /// Somebody changed what is allowed, or the log itself was shortened.
    Admin,
    /// The log was opened.
    Start,
    /// The log was closed in order.
    Stop,
    /// Rows of what only reads may be missing before this one.
    Gap,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 9] = [
        Self::Read,
        Self::Intent,
        Self::Outcome,
        Self::Refusal,
        Self::Approval,
        Self::Admin,
        Self::Start,
        Self::Stop,
        Self::Gap,
    ];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Intent => "intent",
            Self::Outcome => "outcome",
            Self::Refusal => "refusal",
            Self::Approval => "approval",
            Self::Admin => "admin",
            Self::Start => "start",
            Self::Stop => "stop",
            Self::Gap => "gap",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A text is no kind of row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a kind is one of read, intent, outcome, refusal, approval, admin, start, stop and gap")]
pub struct NoKind;

impl FromStr for Kind {
    type Err = NoKind;

    fn from_str(text: &str) -> Result<Self, NoKind> {
        Self::ALL.into_iter().find(|kind| kind.name() == text).ok_or(NoKind)
    }
}

/// What is to be recorded, as whoever records it knows it. The time and the place in the chain come from the log.
#[derive(Debug, Clone)]
pub struct Entry {
    /// What kind of thing it is.
    pub kind: Kind,
    /// The id that links it to the logs of gateway, server and model.
    pub request: Arc<str>,
    /// Who asked; empty where nobody is known.
    pub client: Arc<str>,
    /// Through which door.
    pub origin: &'static str,
    /// What was asked: a method such as `mcp.fs.write`, or `tools/list`.
    pub what: Arc<str>,
    /// With what, as JSON text that has not been redacted: the log does that before anything is kept.
    pub arguments: Option<Box<str>>,
    /// How it ended, in a word: `ok`, `error`, `refused`, ...
    pub outcome: &'static str,
    /// The code of the error, or zero.
    pub code: i64,
    /// The bytes of the answer.
    pub bytes: u64,
    /// How long it took, in microseconds.
    pub micros: u64,
    /// The row of the intent whose outcome it is.
    pub refers: Option<u64>,
}

impl Entry {
    /// An entry of which only this is known.
    pub fn new(kind: Kind, what: impl Into<Arc<str>>) -> Self {
        let empty: Arc<str> = "".into();
        Self {
            kind,
            request: empty.clone(),
            client: empty,
            origin: "",
            what: what.into(),
            arguments: None,
            outcome: "",
            code: 0,
            bytes: 0,
            micros: 0,
            refers: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_is_found_by_its_name() {
        for kind in Kind::ALL {
            assert_eq!(kind.to_string().parse(), Ok(kind));
        }
        assert_eq!("reads".parse::<Kind>(), Err(NoKind));
    }
}
