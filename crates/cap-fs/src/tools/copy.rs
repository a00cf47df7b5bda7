//! `fs_copy`.

use capability::{Call, Effect, Target, TargetKind, TextSource, Tool, ToolError};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use vroot::Expect;

use crate::change::{Change, changed_in, expect, in_one_root};
use crate::error::interrupt;
use crate::fs::Fs;
use crate::tools::{Status, path};

/// Copies a file, a link or a folder with all beneath it. Nothing may be at the destination, unless a file is copied with
/// `overwrite`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Copy {
    /// What to copy.
    source: String,
    /// The path of the copy.
    destination: String,
    /// Replace a file that is at the destination.
    #[serde(default)]
    overwrite: bool,
    /// The `etag` of the file at the destination, as you have read it: if it has changed since then, nothing is copied.
    #[serde(default)]
    etag: Option<String>,
}

/// A copy that was made.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct CopyResult {
    /// The original.
    source: String,
    /// The copy.
    destination: String,
    /// `success`: it is on the disk.
    status: Status,
    #[serde(flatten)]
    change: Change,
}

impl Tool for Copy {
    type Server = Fs;
    type Output = CopyResult;
    const NAME: &'static str = "fs_copy";
    const METHOD: &'static str = "mcp.fs.copy";
    const TITLE: &'static str = "Copy a file or folder";
    const EFFECTS: &'static [Effect] = &[Effect::Destructive, Effect::Undoable];
    const TEXT_FROM: &'static [TextSource] = &[];

    fn works_on() -> Vec<Target> {
        vec![Target::new(TargetKind::Path, "source"), Target::new(TargetKind::Path, "destination")]
    }

    fn call(self, fs: &Fs, call: &Call) -> Result<CopyResult, ToolError> {
        let (from, to) = (path(&self.source)?, path(&self.destination)?);
        let view = fs.view(call);
        let inner = in_one_root(&view, &to, &from)?;
        let expect = match (self.overwrite, self.etag.as_deref()) {
            (false, None) => Expect::Absent,
            (_, etag) => expect(etag),
        };
        let change = changed_in::<Self>(&view, call, &to, |changes, to| {
            changes.copy(&inner, to, expect, &interrupt(call))
        })?;
        let (source, destination) = (from.to_string(), to.to_string());
        Ok(CopyResult { source, destination, status: Status::Success, change })
    }
}
