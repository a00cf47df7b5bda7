//! `fs_undo`.

use capability::{Call, Effect, Target, TargetKind, TextSource, Tool, ToolError};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::error::invalid;
use crate::fs::Fs;
use crate::history::{self, Which};
use crate::tools::history::Made;
use crate::tools::path;

/// Undoes changes: one by its number, or all of a client, or all of a workflow run, the newest first. What an undo replaces
/// is kept as well, so that an undo can be undone. It is refused where something else has changed the same file since.
/// Only a person can undo what another client did.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Undo {
    /// The number of one change, as a change tells it and `fs_history` lists it.
    #[serde(default)]
    change: Option<i64>,
    /// Undo all that this client did.
    #[serde(default)]
    client: Option<String>,
    /// Undo all that this workflow run did.
    #[serde(default)]
    run: Option<String>,
    /// Only changes at this path, or beneath, whatever else is named.
    #[serde(default)]
    path: Option<String>,
}

/// An undo that was made.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct UndoResult {
    /// The changes that are undone, in this order; each names the change that undid it.
    undone: Vec<Made>,
    /// Whether all that was asked for is undone.
    complete: bool,
    /// The change at which it stopped; those before it stay.
    #[serde(skip_serializing_if = "Option::is_none")]
    stopped_at: Option<Made>,
    /// Why it stopped there.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

impl Tool for Undo {
    type Server = Fs;
    type Output = UndoResult;
    const NAME: &'static str = "fs_undo";
    const METHOD: &'static str = "mcp.fs.undo";
    const TITLE: &'static str = "Undo changes";
    const EFFECTS: &'static [Effect] = &[Effect::Destructive, Effect::Undoable];
    const TEXT_FROM: &'static [TextSource] = &[TextSource::File];

    fn works_on() -> Vec<Target> {
        vec![Target::new(TargetKind::Path, "path")]
    }

    fn call(self, fs: &Fs, call: &Call) -> Result<UndoResult, ToolError> {
        let named = [self.change.is_some(), self.client.is_some(), self.run.is_some()];
        if named.into_iter().filter(|named| *named).count() != 1 {
            return Err(invalid("name one of `change`, `client` and `run`"));
        }
        let place = self.path.as_deref().map(path).transpose()?;
        let place = place.map(|path| path.to_string()).filter(|path| path != "/");
        let which = Which { change: self.change, client: self.client, run: self.run, path: place };
        let outcome = history::undo(&fs.view(call), call, &which, Self::NAME)?;
        let undone = outcome.undone.into_iter().map(|(entry, by)| Made {
            undone_by: by,
            undoable: false,
            ..Made::from(entry)
        });
        let (stopped_at, reason) = outcome.stopped.unzip();
        Ok(UndoResult {
            undone: undone.collect(),
            complete: stopped_at.is_none(),
            stopped_at: stopped_at.map(Made::from),
            reason: reason.map(|reason| reason.to_string()),
        })
    }
}
