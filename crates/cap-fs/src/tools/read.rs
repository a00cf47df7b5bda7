//! `fs_read`.

use capability::{Call, Effect, ErrorKind, Target, TargetKind, TextSource, Tool, ToolError};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::content::{Encoding, media_type};
use crate::error::{interrupt, invalid, refused};
use crate::fs::Fs;
use crate::limits::MAX_READ_BYTES;
use crate::lines::{self, Part};
use crate::tools::path;

/// Reads a file, or a part of it, at most 1 MiB at once: as text if it is UTF-8, or as base64. Without `head`, `tail`,
/// `offset` and `length` it is the whole file.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Read {
    /// The file, such as `/notes/today.md`.
    path: String,
    /// How to return the content: `text`, which is the default, or `base64`.
    #[serde(default)]
    encoding: Encoding,
    /// Only the first lines, so many.
    #[serde(default)]
    head: Option<u64>,
    /// Only the last lines, so many.
    #[serde(default)]
    tail: Option<u64>,
    /// Only from this byte on, counted from 0.
    #[serde(default)]
    offset: Option<u64>,
    /// Only so many bytes. As text, characters at the ends that are not whole are left out.
    #[serde(default)]
    length: Option<u64>,
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
    /// The size of the whole file in bytes.
    size: u64,
    /// The tag of this version, for a change that must not overwrite another.
    etag: String,
    /// Whether the file goes on after this part.
    more: bool,
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

    fn call(self, fs: &Fs, call: &Call) -> Result<ReadResult, ToolError> {
        let file = path(&self.path)?;
        let view = fs.view(call);
        let opened = view.open(&file)?;
        let (mut source, stat) = (opened.file, opened.stat);
        view.quote(call, &stat.path);
        let in_range = self.offset.is_some() || self.length.is_some();
        let ways = [self.head.is_some(), self.tail.is_some(), in_range];
        if ways.into_iter().filter(|way| *way).count() > 1 {
            return Err(invalid("only one of `head`, `tail` and a range of bytes can be read"));
        }
        let Part { bytes, more } = match (self.head, self.tail) {
            (Some(count), _) => lines::lines(&mut source, 0, count, &interrupt(call))?,
            (_, Some(count)) => lines::tail(&mut source, count)?,
            _ if in_range => {
                let length = self.length.unwrap_or(MAX_READ_BYTES);
                lines::range(&mut source, self.offset.unwrap_or(0), length)?
            }
            _ => whole(&mut source, stat.size, &file)?,
        };
        let mime_type = media_type(file.as_str(), &bytes);
        let bytes = match self.encoding {
            Encoding::Text if in_range => lines::whole_characters(&bytes).to_vec(),
            _ => bytes,
        };
        let content = self.encoding.encode(bytes)?;
        let (size, etag) = (stat.size, stat.etag);
        let path = file.to_string();
        Ok(ReadResult { path, content, encoding: self.encoding, mime_type, size, etag, more })
    }

    /// A model reads the text itself, not the text as a JSON string.
    fn text(output: &ReadResult) -> Option<String> {
        (output.encoding == Encoding::Text).then(|| output.content.clone())
    }
}

/// All of a file that is small enough, also if it grows meanwhile.
fn whole(file: &mut std::fs::File, size: u64, path: &vroot::VPath) -> Result<Part, ToolError> {
    let too_large =
        |size| refused(&vroot::Error::TooLarge { path: path.clone(), size, limit: MAX_READ_BYTES });
    if size > MAX_READ_BYTES {
        let text = format!("{}; read it in parts, by `offset` and `length`", too_large(size));
        return Err(ToolError::new(ErrorKind::TooLarge, text));
    }
    let part = lines::range(file, 0, MAX_READ_BYTES)?;
    if part.more { Err(too_large(MAX_READ_BYTES + 1)) } else { Ok(part) }
}
