//! `fs_history`.

use capability::{Call, Effect, Target, TargetKind, TextSource, Tool, ToolError};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::error::{invalid, unrecorded};
use crate::fs::Fs;
use crate::history::{Entry, Which};
use crate::limits::MAX_HISTORY_PAGE;
use crate::tools::path;

/// Tells which changes were made, the newest first: who made them, when, with which tool, and whether they can be undone.
/// `fs_undo` undoes them.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct History {
    /// Only changes at this path, or beneath.
    #[serde(default)]
    path: Option<String>,
    /// Only changes of this client.
    #[serde(default)]
    client: Option<String>,
    /// Only changes of this workflow run.
    #[serde(default)]
    run: Option<String>,
    /// The `next_before` of the page before; leave it out for the newest.
    #[serde(default)]
    before: Option<i64>,
    /// The most changes to return, 1 to 200; 50 if left out.
    #[serde(default)]
    #[schemars(range(min = 1, max = 200))]
    limit: Option<usize>,
}

/// A page of the history.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct HistoryResult {
    /// The changes, the newest first.
    changes: Vec<Made>,
    /// Where the next page begins, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_before: Option<i64>,
}

/// A change that was made.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Made {
    /// Its number, which `fs_undo` takes.
    pub(crate) change: i64,
    /// When it was made, in UTC by ISO 8601.
    pub(crate) at: Option<String>,
    /// Who made it.
    pub(crate) client: String,
    /// The workflow run that made it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) run: Option<String>,
    /// The tool that made it.
    pub(crate) tool: String,
    /// What it was: `make`, `replace`, `remove` or `move`.
    pub(crate) act: String,
    /// The path that was changed.
    pub(crate) path: String,
    /// Where a move led.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) target: Option<String>,
    /// The change that this one undid.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) undoes: Option<i64>,
    /// The change that undid this one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) undone_by: Option<i64>,
    /// Whether what is needed to undo it is there.
    pub(crate) undoable: bool,
}

impl From<Entry> for Made {
    fn from(entry: Entry) -> Self {
        let undoable = entry.can_be_undone();
        Self {
            change: entry.change,
            at: Timestamp::from_millisecond(entry.at).ok().map(|at| at.to_string()),
            client: entry.client,
            run: entry.run,
            tool: entry.tool,
            act: entry.act,
            path: entry.path,
            target: entry.target,
            undoes: entry.undoes,
            undone_by: entry.undone_by,
            undoable,
        }
    }
}

impl Tool for History {
    type Server = Fs;
    type Output = HistoryResult;
    const NAME: &'static str = "fs_history";
    const METHOD: &'static str = "mcp.fs.history";
    const TITLE: &'static str = "Show what was changed";
    const EFFECTS: &'static [Effect] = &[Effect::ReadOnly, Effect::Idempotent];
    const TEXT_FROM: &'static [TextSource] = &[TextSource::File];

    fn works_on() -> Vec<Target> {
        vec![Target::new(TargetKind::Path, "path")]
    }

    fn call(self, fs: &Fs, call: &Call) -> Result<HistoryResult, ToolError> {
        let limit = self.limit.unwrap_or(50);
        if !(1..=MAX_HISTORY_PAGE).contains(&limit) {
            return Err(invalid(format!("`limit` must be from 1 to {MAX_HISTORY_PAGE}")));
        }
        let place = self.path.as_deref().map(path).transpose()?;
        // At the root everything lies beneath.
        let place = place.map(|path| path.to_string()).filter(|path| path != "/");
        let which = Which { change: None, client: self.client, run: self.run, path: place };
        let view = fs.view(call);
        let shown = |entry: &Entry| entry.paths().all(|path| view.shows(path));
        let (found, more) = fs
            .history()
            .list(&which, self.before, limit, &shown)
            .map_err(|error| unrecorded(&error))?;
        let next_before = found.last().map(|entry| entry.change).filter(|_| more);
        Ok(HistoryResult { changes: found.into_iter().map(Made::from).collect(), next_before })
    }
}
