//! `fs_write`.

use capability::{
    Budget, Call, Effect, Reserve, Spend, Target, TargetKind, TextSource, Tool, ToolError,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::change::{Change, changed, expect};
use crate::content::Encoding;
use crate::fs::Fs;
use crate::tools::{Status, path};

/// Writes a file: makes it, or replaces its content, or appends to it. Whoever reads meanwhile sees the old file or
/// the new one, never a part; mode, owner and attributes stay. The folder must be there. What is replaced is kept, and
/// `fs_undo` brings it back.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Write {
    /// The file, such as `/notes/today.md`.
    path: String,
    /// What to write.
    content: String,
    /// How `content` is written: `text`, which is the default, or `base64`.
    #[serde(default)]
    encoding: Encoding,
    /// Append to the file instead of replacing its content.
    #[serde(default)]
    append: bool,
    /// The `etag` of the version that you have read: if it has changed since then, nothing is written.
    #[serde(default)]
    etag: Option<String>,
}

/// A write that was made.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct WriteResult {
    /// The file.
    path: String,
    /// How many bytes were written.
    bytes_written: usize,
    /// `success`: it is on the disk.
    status: Status,
    #[serde(flatten)]
    change: Change,
}

impl Tool for Write {
    type Server = Fs;
    type Output = WriteResult;
    const NAME: &'static str = "fs_write";
    const METHOD: &'static str = "mcp.fs.write";
    const TITLE: &'static str = "Write a file";
    const EFFECTS: &'static [Effect] = &[Effect::Destructive, Effect::Undoable];
    const TEXT_FROM: &'static [TextSource] = &[];

    fn works_on() -> Vec<Target> {
        vec![Target::new(TargetKind::Path, "path")]
    }

    fn spends() -> Vec<Spend> {
        vec![Spend {
            budget: Budget::BytesWritten,
            reserve: Reserve::BytesOf("content".to_owned()),
            used: Some("/bytes_written".to_owned()),
        }]
    }

    fn call(self, fs: &Fs, call: &Call) -> Result<WriteResult, ToolError> {
        let file = path(&self.path)?;
        let bytes = self.encoding.decode(self.content)?;
        let expect = expect(self.etag.as_deref());
        let change = changed::<Self>(fs, call, &file, |changes, file| {
            if self.append {
                changes.append(file, &bytes, expect)
            } else {
                changes.write(file, &bytes, expect)
            }
        })?;
        let (path, bytes_written) = (file.to_string(), bytes.len());
        Ok(WriteResult { path, bytes_written, status: Status::Success, change })
    }
}
