//! `fs_edit`.

use std::io::Read as _;

use capability::{Call, Effect, ErrorKind, Target, TargetKind, TextSource, Tool, ToolError};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use similar::TextDiff;
use vroot::Expect;

use crate::change::{Change, changed_in};
use crate::content::Encoding;
use crate::error::{invalid, refused};
use crate::fs::Fs;
use crate::limits::{DIFF_TIME, MAX_EDIT_BYTES, MAX_EDITS};
use crate::tools::path;

/// Changes parts of a text file: each edit replaces one text by another, in the order given, and all are made or none. The
/// result shows the difference; with `dryRun` nothing else happens.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Edit {
    /// The file.
    path: String,
    /// The edits.
    edits: Vec<Replacement>,
    /// Only show the difference.
    #[serde(default, rename = "dryRun")]
    dry_run: bool,
    /// Replace every place where `oldText` stands; otherwise it must stand at one place only.
    #[serde(default, rename = "replaceAll")]
    replace_all: bool,
    /// The `etag` of the version that you have read: if it has changed since then, nothing is changed.
    #[serde(default)]
    etag: Option<String>,
}

/// One edit.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Replacement {
    /// The text that stands in the file, exactly.
    #[serde(rename = "oldText")]
    old_text: String,
    /// What takes its place.
    #[serde(rename = "newText")]
    new_text: String,
}

/// Edits that were made, or would be.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct EditResult {
    /// The file.
    path: String,
    /// The difference in unified form.
    diff: String,
    /// How many places were replaced.
    replaced: usize,
    /// The change, unless it is a dry run or leaves the file as it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    made: Option<Change>,
    /// The tag of the version that was read.
    read_etag: String,
}

impl Tool for Edit {
    type Server = Fs;
    type Output = EditResult;
    const NAME: &'static str = "fs_edit";
    const METHOD: &'static str = "mcp.fs.edit";
    const TITLE: &'static str = "Edit a text file";
    const EFFECTS: &'static [Effect] = &[Effect::Destructive, Effect::Undoable];
    const TEXT_FROM: &'static [TextSource] = &[TextSource::File];

    fn works_on() -> Vec<Target> {
        vec![Target::new(TargetKind::Path, "path")]
    }

    fn call(self, fs: &Fs, call: &Call) -> Result<EditResult, ToolError> {
        if self.edits.is_empty() || self.edits.len() > MAX_EDITS {
            return Err(invalid(format!("`edits` must hold 1 to {MAX_EDITS} edits")));
        }
        let file = path(&self.path)?;
        let view = fs.view(call);
        let opened = view.open(&file)?;
        view.quote(call, &opened.stat.path);
        let read_etag = opened.stat.etag;
        if self.etag.as_ref().is_some_and(|etag| *etag != read_etag) {
            return Err(refused(&vroot::Error::Changed { path: file }));
        }
        let mut bytes = Vec::new();
        opened.file.take(MAX_EDIT_BYTES + 1).read_to_end(&mut bytes).map_err(|error| {
            tracing::error!(%error, "a file cannot be read");
            ToolError::new(ErrorKind::Internal, "the file cannot be read: the disk failed")
        })?;
        if bytes.len() as u64 > MAX_EDIT_BYTES {
            let size = opened.stat.size.max(bytes.len() as u64);
            return Err(refused(&vroot::Error::TooLarge {
                path: file,
                size,
                limit: MAX_EDIT_BYTES,
            }));
        }
        let old = Encoding::Text.encode(bytes)?;
        let (new, replaced) = apply(&old, &self.edits, self.replace_all)?;
        let diff = difference(&old, &new, file.as_str());
        let mut made = None;
        if !self.dry_run && new != old {
            // What was read is what the difference is about, so another version must not be overwritten.
            let expect = Expect::Etag(&read_etag);
            made = Some(changed_in::<Self>(&view, call, &file, |changes, file| {
                changes.write(file, new.as_bytes(), expect)
            })?);
        }
        Ok(EditResult { path: file.to_string(), diff, replaced, made, read_etag })
    }

    /// A model reads the difference itself.
    fn text(output: &EditResult) -> Option<String> {
        Some(output.diff.clone())
    }
}

/// The text after all edits, and how many places were replaced.
fn apply(old: &str, edits: &[Replacement], all: bool) -> Result<(String, usize), ToolError> {
    let in_file = if old.contains("\r\n") { "\r\n" } else { "\n" };
    let mut text = old.to_owned();
    let mut replaced = 0;
    for (at, edit) in edits.iter().enumerate() {
        // Models write line ends in one way only.
        let lines = |text: &str| text.replace("\r\n", "\n").replace('\n', in_file);
        let (from, to) = if text.contains(&edit.old_text) {
            (edit.old_text.clone(), edit.new_text.clone())
        } else {
            (lines(&edit.old_text), lines(&edit.new_text))
        };
        let number = at + 1;
        let places = if from.is_empty() { 0 } else { text.matches(&from).count() };
        match places {
            0 => {
                let text = format!(
                    "edit {number}: `oldText` is not in the file: read the file and take it from there, exactly"
                );
                return Err(ToolError::new(ErrorKind::Conflict, text));
            }
            1 => {}
            _ if all => {}
            _ => {
                let text = format!(
                    "edit {number}: `oldText` stands at {places} places: take more of the text around it, or set `replaceAll`"
                );
                return Err(ToolError::new(ErrorKind::Conflict, text));
            }
        }
        let size = text.len() + places * to.len().saturating_sub(from.len());
        if size as u64 > MAX_EDIT_BYTES {
            let text =
                format!("edit {number}: the file would have more than {MAX_EDIT_BYTES} bytes");
            return Err(ToolError::new(ErrorKind::TooLarge, text));
        }
        text = text.replace(&from, &to);
        replaced += places;
    }
    Ok((text, replaced))
}

fn difference(old: &str, new: &str, path: &str) -> String {
    let diff: TextDiff<'_, '_, str> = TextDiff::configure().timeout(DIFF_TIME).diff_lines(old, new);
    diff.unified_diff().header(&format!("a{path}"), &format!("b{path}")).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edit(old_text: &str, new_text: &str) -> Replacement {
        Replacement { old_text: old_text.to_owned(), new_text: new_text.to_owned() }
    }

    #[test]
    fn edits_follow_one_another_and_must_be_clear() {
        let done = |old: &str, edits: &[Replacement], all| apply(old, edits, all).ok();
        let some = |text: &str, count| Some((text.to_owned(), count));
        assert_eq!(done("a b", &[edit("a", "b"), edit("b b", "c")], false), some("c", 2));
        assert_eq!(done("a a", &[edit("a", "b")], false), None);
        assert_eq!(done("a a", &[edit("a", "b")], true), some("b b", 2));
        assert_eq!(done("a", &[edit("x", "b")], true), None);
        assert_eq!(done("a", &[edit("", "b")], true), None);
        assert_eq!(done("a\r\nb\r\n", &[edit("a\nb", "c\nd")], false), some("c\r\nd\r\n", 1));
    }

    #[test]
    fn the_difference_is_that_of_the_change() {
        let text = difference("a\nb\nc\n", "a\nB\nc\n", "/f");
        assert_eq!(text, "--- a/f\n+++ b/f\n@@ -1,3 +1,3 @@\n a\n-b\n+B\n c\n");
        assert_eq!(difference("a", "a", "/f"), "");
    }
}
