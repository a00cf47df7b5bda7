//! `fs_extract`.

use capability::{Call, Effect, Target, TargetKind, TextSource, Tool, ToolError};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::archive::{Format, Unpacked, unpack};
use crate::change::{Change, changed_in};
use crate::error::interrupt;
use crate::fs::Fs;
use crate::tools::{Status, path};

/// Extracts an archive into a new folder. An archive that holds links, paths that lead out of it, or far more than its size
/// lets expect is refused, and nothing of it is extracted.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Extract {
    /// The archive, whose name ends with `.zip`, `.tar`, `.tar.gz` or `.tgz`.
    source: String,
    /// The folder to make; nothing may be there.
    destination: String,
}

/// An archive that was extracted.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct ExtractResult {
    /// The folder.
    path: String,
    /// How many entries the archive has.
    entries: usize,
    /// How many bytes were written.
    bytes_written: u64,
    /// `success`: all is on the disk.
    status: Status,
    #[serde(flatten)]
    change: Change,
}

impl Tool for Extract {
    type Server = Fs;
    type Output = ExtractResult;
    const NAME: &'static str = "fs_extract";
    const METHOD: &'static str = "mcp.fs.extract";
    const TITLE: &'static str = "Extract an archive";
    const EFFECTS: &'static [Effect] = &[Effect::Undoable];
    const TEXT_FROM: &'static [TextSource] = &[];

    fn works_on() -> Vec<Target> {
        vec![Target::new(TargetKind::Path, "source"), Target::new(TargetKind::Path, "destination")]
    }

    fn call(self, fs: &Fs, call: &Call) -> Result<ExtractResult, ToolError> {
        let (archive, folder) = (path(&self.source)?, path(&self.destination)?);
        let format = Format::of(archive.as_str())?;
        let view = fs.view(call);
        let opened = view.open(&archive)?;
        let (size, mut file) = (opened.stat.size, Some(opened.file));
        let (mut unpacked, mut failed) = (Unpacked::default(), None);
        let made = changed_in::<Self>(&view, call, &folder, |changes, folder| {
            changes.build(folder, &interrupt(call), &mut |stage| {
                let aborted = || vroot::Error::Aborted { path: folder.clone() };
                let file = file.take().ok_or_else(aborted)?;
                unpacked = unpack(call, file, size, format, stage).map_err(|error| {
                    failed = Some(error);
                    aborted()
                })?;
                Ok(())
            })
        });
        let change = made.map_err(|error| failed.unwrap_or(error))?;
        let Unpacked { entries, bytes } = unpacked;
        let (path, status) = (folder.to_string(), Status::Success);
        Ok(ExtractResult { path, entries, bytes_written: bytes, status, change })
    }
}
