//! `fs_read_lines`.

use capability::{Call, Effect, Target, TargetKind, TextSource, Tool, ToolError};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::content::Encoding;
use crate::error::interrupt;
use crate::fs::Fs;
use crate::lines;
use crate::tools::path;

/// Reads some lines of a text file, wherever they are in it.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReadLines {
    /// The file.
    path: String,
    /// How many lines to leave out at the start.
    offset: u64,
    /// How many lines to read; all that 1 MiB holds if left out.
    #[serde(default)]
    limit: Option<u64>,
}

/// Lines of a file.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct LinesResult {
    /// The file.
    path: String,
    /// The lines.
    content: String,
    /// The tag of this version, for a change that must not overwrite another.
    etag: String,
    /// Whether the file goes on after them.
    more: bool,
}

impl Tool for ReadLines {
    type Server = Fs;
    type Output = LinesResult;
    const NAME: &'static str = "fs_read_lines";
    const METHOD: &'static str = "mcp.fs.read_lines";
    const TITLE: &'static str = "Read lines of a file";
    const EFFECTS: &'static [Effect] = &[Effect::ReadOnly, Effect::Idempotent];
    const TEXT_FROM: &'static [TextSource] = &[TextSource::File];

    fn works_on() -> Vec<Target> {
        vec![Target::new(TargetKind::Path, "path")]
    }

    fn call(self, fs: &Fs, call: &Call) -> Result<LinesResult, ToolError> {
        let file = path(&self.path)?;
        let view = fs.view(call);
        let mut opened = view.open(&file)?;
        view.quote(call, &opened.stat.path);
        let count = self.limit.unwrap_or(u64::MAX);
        let part = lines::lines(&mut opened.file, self.offset, count, &interrupt(call))?;
        let content = Encoding::Text.encode(part.bytes)?;
        let etag = opened.stat.etag;
        Ok(LinesResult { path: file.to_string(), content, etag, more: part.more })
    }

    /// A model reads the text itself, not the text as a JSON string.
    fn text(output: &LinesResult) -> Option<String> {
        Some(output.content.clone())
    }
}
