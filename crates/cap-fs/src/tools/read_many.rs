//! `fs_read_many`.

use std::fmt::Write as _;

use capability::{Call, Effect, ErrorKind, Target, TargetKind, TextSource, Tool, ToolError};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::access::View;
use crate::content::Encoding;
use crate::error::invalid;
use crate::fs::Fs;
use crate::limits::{MAX_PATHS, MAX_READ_BYTES};
use crate::lines;
use crate::tools::path;

/// Reads several text files at once, together at most 1 MiB. A file that cannot be read does not stop the others.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReadMany {
    /// The files, at most 100.
    paths: Vec<String>,
}

/// The files.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct ManyResult {
    /// In the order that was asked for.
    files: Vec<OneOfMany>,
}

/// One of the files: its content, or why it cannot be read.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct OneOfMany {
    /// The file.
    path: String,
    /// Its content.
    #[serde(skip_serializing_if = "Option::is_none")]
    content: Option<String>,
    /// The tag of this version, for a change that must not overwrite another.
    #[serde(skip_serializing_if = "Option::is_none")]
    etag: Option<String>,
    /// Why it cannot be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

impl Tool for ReadMany {
    type Server = Fs;
    type Output = ManyResult;
    const NAME: &'static str = "fs_read_many";
    const METHOD: &'static str = "mcp.fs.read_many";
    const TITLE: &'static str = "Read several files";
    const EFFECTS: &'static [Effect] = &[Effect::ReadOnly, Effect::Idempotent];
    const TEXT_FROM: &'static [TextSource] = &[TextSource::File];

    fn works_on() -> Vec<Target> {
        vec![Target::new(TargetKind::Path, "paths")]
    }

    fn call(self, fs: &Fs, call: &Call) -> Result<ManyResult, ToolError> {
        if self.paths.len() > MAX_PATHS {
            return Err(invalid(format!("`paths` names more than {MAX_PATHS} files")));
        }
        let view = fs.view(call);
        let mut room = MAX_READ_BYTES;
        let mut files = Vec::new();
        for path in self.paths {
            call.check()?;
            let one = match read(&view, call, &path, room) {
                Ok((content, etag)) => {
                    room = room.saturating_sub(content.len() as u64);
                    OneOfMany { path, content: Some(content), etag: Some(etag), error: None }
                }
                Err(error) => {
                    OneOfMany { path, content: None, etag: None, error: Some(error.to_string()) }
                }
            };
            files.push(one);
        }
        Ok(ManyResult { files })
    }

    fn text(output: &ManyResult) -> Option<String> {
        let mut text = String::new();
        for file in &output.files {
            let content = file.content.as_deref().or(file.error.as_deref()).unwrap_or_default();
            writeln!(text, "{}:\n{content}\n---", file.path).ok()?;
        }
        Some(text)
    }
}

fn read(
    view: &View<'_>,
    call: &Call,
    text: &str,
    room: u64,
) -> Result<(String, String), ToolError> {
    let mut opened = view.open(&path(text)?)?;
    view.quote(call, &opened.stat.path);
    let part = lines::range(&mut opened.file, 0, room)?;
    if part.more {
        let text = "all these files have more than 1 MiB: read this one by itself, or in parts";
        return Err(ToolError::new(ErrorKind::TooLarge, text));
    }
    Ok((Encoding::Text.encode(part.bytes)?, opened.stat.etag))
}
