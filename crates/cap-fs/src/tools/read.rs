//! `fs_read`.

use capability::{Call, Effect, Target, TargetKind, TextSource, Tool, ToolError};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::content::{Encoding, media_type};
use crate::error::refused;
use crate::fs::Fs;
use crate::limits::MAX_READ_BYTES;
use crate::tools::path;

/// Reads a file of at most 1 MiB: as text if it is UTF-8, or as base64.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Read {
    /// The file, such as `/notes/today.md`.
    path: String,
    /// How to return the content: `text`, which is the default, or `base64`.
    #[serde(default)]
    encoding: Encoding,
}

/// A file's content.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct ReadResult {
    /// The file.
    path: String,
    /// Its content.
    content: String,
    /// How the content is written.
    encoding: Encoding,
    /// Its media type.
    mime_type: String,
}

impl Tool for Read {
    type Server = Fs;
    type Output = ReadResult;
    const NAME: &'static str = "fs_read";
    const METHOD: &'static str = "mcp.fs.read";
    const TITLE: &'static str = "Read a file";
    const EFFECTS: &'static [Effect] = &[Effect::ReadOnly, Effect::Idempotent];
    const TEXT_FROM: &'static [TextSource] = &[TextSource::File];

    fn works_on() -> Vec<Target> {
        vec![Target::new(TargetKind::Path, "path")]
    }

    fn call(self, fs: &Fs, _: &Call) -> Result<ReadResult, ToolError> {
        let file = path(&self.path)?;
        let bytes = fs.root().read(&file, MAX_READ_BYTES).map_err(|error| refused(&error))?;
        let mime_type = media_type(file.as_str(), &bytes);
        let content = self.encoding.encode(bytes)?;
        Ok(ReadResult { path: file.to_string(), content, encoding: self.encoding, mime_type })
    }

    /// A model reads the text itself, not the text as a JSON string.
    fn text(output: &ReadResult) -> Option<String> {
        (output.encoding == Encoding::Text).then(|| output.content.clone())
    }
}
