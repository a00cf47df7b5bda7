//! `fs_write`.

use capability::{
    Budget, Call, Effect, Reserve, Spend, Target, TargetKind, TextSource, Tool, ToolError,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::content::Encoding;
use crate::error::refused;
use crate::fs::Fs;
use crate::tools::{Status, path};

/// Writes a file: makes it, or replaces its content, or appends to it. Whoever reads meanwhile sees the old file or
/// the new one, never a part; mode, owner and attributes stay. The folder must be there.
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
}

impl Tool for Write {
    type Server = Fs;
    type Output = WriteResult;
    const NAME: &'static str = "fs_write";
    const METHOD: &'static str = "mcp.fs.write";
    const TITLE: &'static str = "Write a file";
    const EFFECTS: &'static [Effect] = &[Effect::Destructive];
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

    fn call(self, fs: &Fs, _: &Call) -> Result<WriteResult, ToolError> {
        let file = path(&self.path)?;
        let bytes = self.encoding.decode(self.content)?;
        let done = if self.append {
            fs.root().append(&file, &bytes)
        } else {
            fs.root().write(&file, &bytes)
        };
        done.map_err(|error| refused(&error))?;
        Ok(WriteResult {
            path: file.to_string(),
            bytes_written: bytes.len(),
            status: Status::Success,
        })
    }
}
