//! What a change tells of itself before it is made, so that it can be undone and, after a crash, be known to have
//! happened or not.

use std::io;

use serde::{Deserialize, Serialize};

use crate::handle::Facts;

/// Where changes are written down. One that is given to an operation is asked once before its change and once after it.
pub trait Ledger {
    /// How much one change may keep.
    fn room(&self) -> Room;

    /// Makes durable that `step` is about to be made; all else is ready for it. Gives the number of its entry.
    fn begin(&self, step: &Step) -> io::Result<i64>;

    /// Makes durable whether the step was made. If this fails after a step that was made, [`Step::witness`] still tells
    /// so to the next start.
    fn end(&self, entry: i64, made: bool) -> io::Result<()>;
}

/// How much of what a change replaces is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Room {
    /// The most bytes that one change may replace.
    pub bytes: u64,
    /// What becomes of a change that replaces more.
    pub beyond: Beyond,
}

/// What becomes of a change whose old content is too large to be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Beyond {
    /// It is refused with [`Error::NotKept`](crate::Error::NotKept).
    Refuse,
    /// It is made, and cannot be undone: its [`Step::lost`] is set.
    Forget,
}

/// A change of the tree: at most two names take part in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// What is done.
    pub act: Act,
    /// The virtual path of the entry, as really walked and without links.
    pub path: String,
    /// Where a move leads.
    pub to: Option<String>,
    /// What was at `path` before, where it is kept.
    pub kept: Option<Kept>,
    /// Whether something was replaced that is not kept.
    pub lost: bool,
    /// What is at `path`, or where the move led, afterwards.
    pub after: Option<Look>,
    /// How a later process knows whether the step was made.
    pub witness: Witness,
}

/// What a [`Step`] does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Act {
    /// Something appears at a free name.
    Make,
    /// A file takes the place of another.
    Replace,
    /// An entry goes, with all beneath.
    Remove,
    /// An entry gets another name, with all beneath.
    Move,
}

impl Act {
    /// Its name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Make => "make",
            Self::Replace => "replace",
            Self::Remove => "remove",
            Self::Move => "move",
        }
    }
}

/// Something that is kept: an entry of the folder of kept things.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    /// Its name there.
    pub name: String,
    /// What it was when it was kept.
    pub look: Look,
}

/// What tells whether a file, link or tree is as it was. Not its rights and attributes: who changes only those does not
/// stand in the way of an undo. Nor its inodes and the times of its folders, which differ once something in it was changed
/// and changed back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Look {
    /// How many entries it is, itself included.
    pub entries: u64,
    /// The bytes of its files.
    pub bytes: u64,
    /// When the newest file or link of it was changed, in seconds and nanoseconds.
    pub newest: Option<(i64, u32)>,
}

impl Look {
    /// That of a file or link, or of a folder without what is in it.
    pub(crate) fn of(facts: &Facts) -> Self {
        if facts.is_folder() {
            return Self { entries: 1, bytes: 0, newest: None };
        }
        Self { entries: 1, bytes: facts.size, newest: Some(facts.written) }
    }

    /// Takes one more entry of the tree into it.
    pub(crate) fn add(&mut self, facts: &Facts) {
        let other = Self::of(facts);
        self.entries = self.entries.saturating_add(other.entries);
        self.bytes = self.bytes.saturating_add(other.bytes);
        self.newest = self.newest.max(other.newest);
    }
}

/// A fact about the disk that is true exactly if a step was made. Folders are named by their path in the root.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Witness {
    /// The temporary file was renamed, so it is gone.
    TemporaryGone {
        /// The folder in which it was.
        folder: String,
        /// Its name.
        name: String,
    },
    /// What was removed has the name of a temporary file.
    TemporaryThere {
        /// The folder in which it is.
        folder: String,
        /// Its name.
        name: String,
    },
    /// What was removed is among the kept things.
    KeptThere {
        /// Its name there.
        name: String,
    },
    /// What was kept is back in the root.
    KeptGone {
        /// The name that it had.
        name: String,
    },
    /// This inode is at this name.
    At {
        /// The folder.
        folder: String,
        /// The name.
        name: String,
        /// The inode.
        inode: u64,
    },
    /// Nothing is at this name.
    Gone {
        /// The folder.
        folder: String,
        /// The name.
        name: String,
        /// The inode that was there.
        inode: u64,
    },
}

/// What an operation expects at its path, or else changes nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Expect<'a> {
    /// Whatever is there.
    #[default]
    Anything,
    /// Nothing.
    Absent,
    /// The version with this tag: see [`Stat::etag`](crate::Stat::etag).
    Etag(&'a str),
    /// What looks like this.
    Look(Look),
}
