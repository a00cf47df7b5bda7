//! `fs_archive`.

use capability::{Call, Effect, Target, TargetKind, TextSource, Tool, ToolError};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use vroot::Expect;

use crate::archive::{Format, pack};
use crate::change::{Change, changed_in, expect};
use crate::error::invalid;
use crate::fs::Fs;
use crate::limits::MAX_PATHS;
use crate::tools::{Status, path};

/// Packs files and folders into one archive. Links are left out.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Archive {
    /// What to pack, at most 100 files and folders.
    sources: Vec<String>,
    /// The archive, whose name ends with `.zip`, `.tar`, `.tar.gz` or `.tgz`.
    destination: String,
    /// Replace a file that is there.
    #[serde(default)]
    overwrite: bool,
    /// The `etag` of the file that is there, as you have read it: if it has changed since then, nothing is done.
    #[serde(default)]
    etag: Option<String>,
}

/// An archive that was made.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct ArchiveResult {
    /// The archive.
    path: String,
    /// How many files and folders are in it.
    entries: usize,
    /// `success`: it is on the disk.
    status: Status,
    #[serde(flatten)]
    change: Change,
}

impl Tool for Archive {
    type Server = Fs;
    type Output = ArchiveResult;
    const NAME: &'static str = "fs_archive";
    const METHOD: &'static str = "mcp.fs.archive";
    const TITLE: &'static str = "Make an archive";
    const EFFECTS: &'static [Effect] = &[Effect::Destructive, Effect::Undoable];
    const TEXT_FROM: &'static [TextSource] = &[];

    fn works_on() -> Vec<Target> {
        vec![Target::new(TargetKind::Path, "sources"), Target::new(TargetKind::Path, "destination")]
    }

    fn call(self, fs: &Fs, call: &Call) -> Result<ArchiveResult, ToolError> {
        if self.sources.is_empty() || self.sources.len() > MAX_PATHS {
            return Err(invalid(format!("`sources` must name 1 to {MAX_PATHS} files and folders")));
        }
        let archive = path(&self.destination)?;
        let format = Format::of(archive.as_str())?;
        let sources = self.sources.iter().map(|source| path(source));
        let sources = sources.collect::<Result<Vec<_>, _>>()?;
        let view = fs.view(call);
        let expect = match (self.overwrite, self.etag.as_deref()) {
            (false, None) => Expect::Absent,
            (_, etag) => expect(etag),
        };
        let (mut entries, mut failed) = (0, None);
        let made = changed_in::<Self>(&view, call, &archive, |changes, archive| {
            let mut fill = |file: &mut std::fs::File| {
                entries = pack(&view, call, &sources, format, file).map_err(|error| {
                    failed = Some(error);
                    std::io::Error::other("it cannot be packed")
                })?;
                Ok(())
            };
            changes.fill(archive, &mut fill, expect)
        });
        let change = made.map_err(|error| failed.unwrap_or(error))?;
        Ok(ArchiveResult { path: archive.to_string(), entries, status: Status::Success, change })
    }
}
