//! What an entry is, as results say it.

use std::time::SystemTime;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use vroot::Kind;

use crate::limits::MAX_LIST_BYTES;

/// The room that a result has for entries, in bytes of JSON: names may be long.
pub(crate) struct Room(usize);

impl Room {
    pub(crate) fn new() -> Self {
        Self(MAX_LIST_BYTES)
    }

    /// Takes the room that an entry needs. `false`: there is not so much left.
    pub(crate) fn takes(&mut self, entry: &impl Serialize) -> bool {
        let bytes = serde_json::to_string(entry).map_or(usize::MAX, |json| json.len());
        let left = self.0.checked_sub(bytes);
        self.0 = left.unwrap_or(self.0);
        left.is_some()
    }
}

/// What an entry is: `other` is a pipe, a socket or a device; `inaccessible` cannot be looked at, or has a name that is
/// not Unicode.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum EntryType {
    File,
    Directory,
    Symlink,
    Other,
    Inaccessible,
}

impl From<Kind> for EntryType {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::File => Self::File,
            Kind::Directory => Self::Directory,
            Kind::Symlink => Self::Symlink,
            Kind::Other => Self::Other,
            Kind::Inaccessible => Self::Inaccessible,
        }
    }
}

/// A time in UTC; a file system may hold one that no calendar has.
pub(crate) fn iso(time: SystemTime) -> Option<String> {
    Timestamp::try_from(time).ok().map(|time| time.to_string())
}
