//! `fs_list`.

use capability::{Call, Effect, ErrorKind, Target, TargetKind, TextSource, Tool, ToolError};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use vroot::{Entry, VPath};

use crate::error::{interrupt, refused_or_stopped};
use crate::fs::Fs;
use crate::limits::{MAX_LIST_BYTES, MAX_LIST_ENTRIES};
use crate::shown::{EntryType, iso};
use crate::tools::path;

/// Lists what a folder holds: name, type, size and time of last change of each entry, sorted by name. A link is
/// listed as a link and not followed.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct List {
    /// The folder, such as `/` or `/notes`.
    path: String,
    /// The `next_cursor` of the page before; leave it out for the first page.
    #[serde(default)]
    cursor: Option<String>,
    /// The most entries to return, 1 to 1000; 1000 if left out.
    #[serde(default)]
    #[schemars(range(min = 1, max = 1000))]
    limit: Option<usize>,
}

/// A page of a folder.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct ListResult {
    /// The folder.
    path: String,
    /// Its entries, sorted by name.
    entries: Vec<Listed>,
    /// Where the next page begins, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

/// An entry of a folder.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Listed {
    /// Its name.
    name: String,
    /// Its path.
    path: String,
    /// What it is.
    #[serde(rename = "type")]
    kind: EntryType,
    /// Its size in bytes; -1 for folders and where it cannot be told.
    size: i64,
    /// When it was last changed, in UTC by ISO 8601.
    modified_at: Option<String>,
}

impl Tool for List {
    type Server = Fs;
    type Output = ListResult;
    const NAME: &'static str = "fs_list";
    const METHOD: &'static str = "mcp.fs.list";
    const TITLE: &'static str = "List a folder";
    const EFFECTS: &'static [Effect] = &[Effect::ReadOnly, Effect::Idempotent];
    const TEXT_FROM: &'static [TextSource] = &[TextSource::File];
    const LEGACY_RESULT: Option<&'static str> = Some("entries");

    fn works_on() -> Vec<Target> {
        vec![Target::new(TargetKind::Path, "path")]
    }

    fn call(self, fs: &Fs, call: &Call) -> Result<ListResult, ToolError> {
        let limit = self.limit.unwrap_or(MAX_LIST_ENTRIES);
        if !(1..=MAX_LIST_ENTRIES).contains(&limit) {
            let text = format!("`limit` must be from 1 to {MAX_LIST_ENTRIES}");
            return Err(ToolError::new(ErrorKind::InvalidArguments, text));
        }
        let folder = path(&self.path)?;
        let view = fs.view(call);
        let page = view
            .list(&folder, self.cursor.as_deref(), limit, &interrupt(call))
            .map_err(|error| refused_or_stopped(call, &error))?;
        call.text_from(&[]);
        for entry in &page.entries {
            view.quote(call, &format!("{}/{}", page.path.trim_end_matches('/'), entry.name));
        }
        let found = page.entries.len();
        let listed = page.entries.into_iter().map(|entry| Listed::new(&folder, entry));
        let entries = that_fit(listed);
        let more = page.more || entries.len() < found;
        let last = entries.last().map(|entry| entry.name.clone());
        Ok(ListResult { path: folder.to_string(), entries, next_cursor: last.filter(|_| more) })
    }
}

impl Listed {
    fn new(folder: &VPath, entry: Entry) -> Self {
        Self {
            path: folder.join(&entry.name),
            name: entry.name,
            kind: entry.kind.into(),
            size: entry.size.and_then(|size| i64::try_from(size).ok()).unwrap_or(-1),
            modified_at: entry.modified.and_then(iso),
        }
    }
}

/// The first entries, as many as [`MAX_LIST_BYTES`] hold, and one in any case.
fn that_fit(entries: impl Iterator<Item = Listed>) -> Vec<Listed> {
    let mut room = MAX_LIST_BYTES;
    let mut fitting = Vec::new();
    for entry in entries {
        let bytes = serde_json::to_string(&entry).map_or(MAX_LIST_BYTES, |json| json.len());
        if bytes > room && !fitting.is_empty() {
            break;
        }
        room = room.saturating_sub(bytes);
        fitting.push(entry);
    }
    fitting
}
