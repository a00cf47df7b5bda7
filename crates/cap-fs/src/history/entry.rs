//! One change, as the history has it.

use std::collections::HashMap;

use store::rusqlite::{Error, Row};
use vroot::{Act, Step};

/// Which changes are meant; all of what is named must fit.
#[derive(Debug, Clone, Default)]
pub(crate) struct Which {
    pub(crate) change: Option<i64>,
    pub(crate) client: Option<String>,
    pub(crate) run: Option<String>,
    /// At this path, or beneath.
    pub(crate) path: Option<String>,
}

/// A change that was made.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) change: i64,
    /// The key of its root.
    pub(crate) root: String,
    /// When, in milliseconds since 1970.
    pub(crate) at: i64,
    pub(crate) client: String,
    pub(crate) run: Option<String>,
    pub(crate) tool: String,
    pub(crate) act: String,
    pub(crate) path: String,
    pub(crate) target: Option<String>,
    /// What was done, with what is kept of it now.
    pub(crate) step: Step,
    pub(crate) undoes: Option<i64>,
    pub(crate) undone_by: Option<i64>,
    /// Whether the tree differs because of it: not if it undoes another one.
    pub(crate) counts: bool,
}

/// A change that came after another one: as much of it as says whether it stands in the way.
#[derive(Debug)]
pub(super) struct Later {
    pub(super) change: i64,
    pub(super) client: String,
    pub(super) path: String,
    pub(super) target: Option<String>,
}

impl Later {
    pub(super) fn read(row: &Row<'_>) -> Result<Self, Error> {
        Ok(Self {
            change: row.get(0)?,
            client: row.get(1)?,
            path: row.get(2)?,
            target: row.get(3)?,
        })
    }

    /// The paths that it is about.
    pub(super) fn paths(&self) -> impl Iterator<Item = &str> {
        [Some(self.path.as_str()), self.target.as_deref()].into_iter().flatten()
    }
}

/// Which change undoes which.
#[derive(Debug)]
pub(super) struct Undoing(pub(super) HashMap<i64, i64>);

impl Undoing {
    /// Whether the tree differs from what it was right after `since` because of a later change that is not undone. An undo
    /// and what it undid are nothing together, if both came later; so it depends on how many undid one another since then.
    pub(super) fn leaves_a_difference(&self, change: i64, since: i64) -> bool {
        let undone = |change: &i64| self.0.get(change).copied();
        let later = std::iter::successors(Some(change), undone).take_while(|one| *one > since);
        later.count() % 2 == 1
    }
}

impl Entry {
    /// Reads a row, whose columns have the order that the queries give.
    pub(super) fn read(row: &Row<'_>) -> Result<Self, Error> {
        let step: String = row.get(9)?;
        let mut step: Step = serde_json::from_str(&step).map_err(|error| {
            Error::FromSqlConversionFailure(9, store::rusqlite::types::Type::Text, Box::new(error))
        })?;
        if row.get::<_, Option<String>>(10)?.is_none() {
            step.kept = None;
        }
        Ok(Self {
            change: row.get(0)?,
            root: row.get(1)?,
            at: row.get(2)?,
            client: row.get(3)?,
            run: row.get(4)?,
            tool: row.get(5)?,
            act: row.get(6)?,
            path: row.get(7)?,
            target: row.get(8)?,
            step,
            undoes: row.get(11)?,
            undone_by: row.get(12)?,
            counts: row.get(13)?,
        })
    }

    /// The paths that it is about.
    pub(crate) fn paths(&self) -> impl Iterator<Item = &str> {
        [Some(self.path.as_str()), self.target.as_deref()].into_iter().flatten()
    }

    /// Whether what is needed to undo it is there.
    pub(crate) fn can_be_undone(&self) -> bool {
        let needs_nothing = matches!(self.step.act, Act::Make | Act::Move);
        self.undone_by.is_none() && (needs_nothing || self.step.kept.is_some())
    }
}
