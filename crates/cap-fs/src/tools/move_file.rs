//! `fs_move`.

use capability::{Call, Effect, Target, TargetKind, TextSource, Tool, ToolError};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::change::{Change, changed_in, expect, in_one_root};
use crate::error::interrupt;
use crate::fs::Fs;
use crate::tools::{Status, path};

/// Moves or renames a file, a link or a folder. Nothing may be at the destination.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Move {
    /// What to move.
    source: String,
    /// Its new path.
    destination: String,
    /// The `etag` of the version that you have read: if it has changed since then, nothing is moved.
    #[serde(default)]
    etag: Option<String>,
}

/// A move that was made.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct MoveResult {
    /// Where it was.
    source: String,
    /// Where it is.
    destination: String,
    /// `success`: it is so on the disk.
    status: Status,
    #[serde(flatten)]
    change: Change,
}

impl Tool for Move {
    type Server = Fs;
    type Output = MoveResult;
    const NAME: &'static str = "fs_move";
    const METHOD: &'static str = "mcp.fs.move";
    const TITLE: &'static str = "Move or rename a file or folder";
    const EFFECTS: &'static [Effect] = &[Effect::Destructive, Effect::Undoable];
    const TEXT_FROM: &'static [TextSource] = &[];

    fn works_on() -> Vec<Target> {
        vec![Target::new(TargetKind::Path, "source"), Target::new(TargetKind::Path, "destination")]
    }

    fn call(self, fs: &Fs, call: &Call) -> Result<MoveResult, ToolError> {
        let (from, to) = (path(&self.source)?, path(&self.destination)?);
        let view = fs.view(call);
        let inner = in_one_root(&view, &from, &to)?;
        let change = changed_in::<Self>(&view, call, &from, |changes, from| {
            changes.rename(from, &inner, expect(self.etag.as_deref()), &interrupt(call))
        })?;
        let (source, destination) = (from.to_string(), to.to_string());
        Ok(MoveResult { source, destination, status: Status::Success, change })
    }
}
