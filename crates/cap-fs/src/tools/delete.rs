//! `fs_delete`.

use capability::{Call, Effect, Target, TargetKind, TextSource, Tool, ToolError};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use vroot::Recursion;

use crate::change::{Change, changed};
use crate::error::interrupt;
use crate::fs::Fs;
use crate::tools::{Status, path};

/// Deletes a file, a link or a folder. Of a link only the link goes, never what it leads to. A folder that is not
/// empty needs `recursive`. What is deleted is kept, and `fs_undo` brings it back.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Delete {
    /// What to delete, such as `/notes/old.md`.
    path: String,
    /// Delete a folder with all that it holds.
    #[serde(default)]
    recursive: bool,
    /// The `etag` of the version that you have read: if it has changed since then, nothing is deleted.
    #[serde(default)]
    etag: Option<String>,
}

/// A deletion that was made.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct DeleteResult {
    /// What was deleted.
    path: String,
    /// `success`: it is gone from the disk.
    status: Status,
    #[serde(flatten)]
    change: Change,
}

impl Tool for Delete {
    type Server = Fs;
    type Output = DeleteResult;
    const NAME: &'static str = "fs_delete";
    const METHOD: &'static str = "mcp.fs.delete";
    const TITLE: &'static str = "Delete a file or folder";
    const EFFECTS: &'static [Effect] = &[Effect::Destructive, Effect::Undoable];
    const TEXT_FROM: &'static [TextSource] = &[];

    fn works_on() -> Vec<Target> {
        vec![Target::new(TargetKind::Path, "path")]
    }

    fn call(self, fs: &Fs, call: &Call) -> Result<DeleteResult, ToolError> {
        let victim = path(&self.path)?;
        let recursion = if self.recursive { Recursion::Whole } else { Recursion::Refuse };
        let expect = crate::change::expect(self.etag.as_deref());
        let change = changed::<Self>(fs, call, &victim, |changes, victim| {
            changes.remove(victim, recursion, expect, &interrupt(call))
        })?;
        Ok(DeleteResult { path: victim.to_string(), status: Status::Success, change })
    }
}
