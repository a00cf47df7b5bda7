//! `fs_read_media`.

use std::io::Read as _;

use capability::{Call, Effect, ErrorKind, Target, TargetKind, TextSource, Tool, ToolError};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::content::{Encoding, media_type};
use crate::error::refused;
use crate::fs::Fs;
use crate::limits::MAX_MEDIA_BYTES;
use crate::tools::path;

/// Reads an image, a sound or another binary file of at most 4 MiB, as base64 with its media type.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReadMedia {
    /// The file.
    path: String,
    /// The most bytes that it may have.
    #[serde(default)]
    max_bytes: Option<u64>,
}

/// A binary file.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct MediaResult {
    /// The file.
    path: String,
    /// Its content as base64.
    data: String,
    /// Its media type.
    #[serde(rename = "mimeType")]
    mime_type: String,
    /// Its size in bytes.
    size: usize,
    /// The tag of this version, for a change that must not overwrite another.
    etag: String,
}

impl Tool for ReadMedia {
    type Server = Fs;
    type Output = MediaResult;
    const NAME: &'static str = "fs_read_media";
    const METHOD: &'static str = "mcp.fs.read_media";
    const TITLE: &'static str = "Read an image or a sound";
    const EFFECTS: &'static [Effect] = &[Effect::ReadOnly, Effect::Idempotent];
    const TEXT_FROM: &'static [TextSource] = &[TextSource::File];

    fn works_on() -> Vec<Target> {
        vec![Target::new(TargetKind::Path, "path")]
    }

    fn call(self, fs: &Fs, call: &Call) -> Result<MediaResult, ToolError> {
        let file = path(&self.path)?;
        let limit = self.max_bytes.unwrap_or(MAX_MEDIA_BYTES).min(MAX_MEDIA_BYTES);
        let view = fs.view(call);
        let opened = view.open(&file)?;
        view.quote(call, &opened.stat.path);
        let mut bytes = Vec::new();
        opened.file.take(limit + 1).read_to_end(&mut bytes).map_err(|error| {
            tracing::error!(%error, "a file cannot be read");
            ToolError::new(ErrorKind::Internal, "the file cannot be read: the disk failed")
        })?;
        if bytes.len() as u64 > limit {
            let size = opened.stat.size.max(bytes.len() as u64);
            return Err(refused(&vroot::Error::TooLarge { path: file, size, limit }));
        }
        let mime_type = media_type(file.as_str(), &bytes);
        let size = bytes.len();
        let data = Encoding::Base64.encode(bytes)?;
        Ok(MediaResult { path: file.to_string(), data, mime_type, size, etag: opened.stat.etag })
    }

    /// The content stands in the structure alone: a reply carries it once.
    fn text(output: &MediaResult) -> Option<String> {
        Some(format!("{}: {}, {} bytes", output.path, output.mime_type, output.size))
    }
}
