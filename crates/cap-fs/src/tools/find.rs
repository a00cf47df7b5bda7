//! `fs_find`.

use capability::{Call, Effect, Target, TargetKind, TextSource, Tool, ToolError};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use vroot::{Browse, Kind};

use crate::fs::Fs;
use crate::limits::MAX_FOUND;
use crate::patterns::Patterns;
use crate::shown::{EntryType, Room, iso};
use crate::tools::path;

/// Finds files and folders by their names, at most 1000. Links are not followed.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Find {
    /// The folder to search, with all beneath.
    path: String,
    /// A glob such as `*.md` or `notes/**/*.md`: one without a slash is about names anywhere, one with a slash about paths
    /// from the folder.
    pattern: String,
    /// What to leave out, with all beneath; like `pattern`.
    #[serde(default, rename = "excludePatterns")]
    exclude_patterns: Vec<String>,
    /// Only files of at least so many bytes.
    #[serde(default)]
    min_bytes: Option<u64>,
    /// Only files of at most so many bytes.
    #[serde(default)]
    max_bytes: Option<u64>,
    /// Only entries of this type.
    #[serde(default, rename = "type")]
    kind: Option<EntryType>,
}

/// What was found.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct FindResult {
    /// The entries.
    entries: Vec<FoundEntry>,
    /// Whether there is more than is shown.
    more: bool,
}

/// An entry that was found.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct FoundEntry {
    /// Its path.
    path: String,
    /// What it is.
    #[serde(rename = "type")]
    kind: EntryType,
    /// The size of a file in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    size: Option<u64>,
    /// When it was last changed, in UTC by ISO 8601.
    modified_at: Option<String>,
}

impl Tool for Find {
    type Server = Fs;
    type Output = FindResult;
    const NAME: &'static str = "fs_find";
    const METHOD: &'static str = "mcp.fs.find";
    const TITLE: &'static str = "Find files by name";
    const EFFECTS: &'static [Effect] = &[Effect::ReadOnly, Effect::Idempotent];
    const TEXT_FROM: &'static [TextSource] = &[TextSource::File];

    fn works_on() -> Vec<Target> {
        vec![Target::new(TargetKind::Path, "path")]
    }

    fn call(self, fs: &Fs, call: &Call) -> Result<FindResult, ToolError> {
        let folder = path(&self.path)?;
        let wanted = Patterns::new("pattern", std::slice::from_ref(&self.pattern))?;
        let exclude = Patterns::new("excludePatterns", &self.exclude_patterns)?;
        let (least, most) = (self.min_bytes.unwrap_or(0), self.max_bytes.unwrap_or(u64::MAX));
        let sized = self.min_bytes.is_some() || self.max_bytes.is_some();
        let (mut entries, mut more, mut room) = (Vec::new(), false, Room::new());
        call.text_from(&[]);
        let view = fs.view(call);
        view.browse(call, &folder, &mut |found| {
            if exclude.fit(found.relative) {
                return Browse::Skip;
            }
            let kind = EntryType::from(found.kind());
            let is_file = found.kind() == Kind::File;
            let fits = found.is_open
                && wanted.fit(found.relative)
                && self.kind.is_none_or(|wanted| wanted == kind)
                && (!sized || is_file && (least..=most).contains(&found.size()));
            if !fits {
                return Browse::Enter;
            }
            let entry = FoundEntry {
                path: found.path.to_owned(),
                kind,
                size: is_file.then(|| found.size()),
                modified_at: found.modified().and_then(iso),
            };
            if entries.len() == MAX_FOUND || !room.takes(&entry) {
                more = true;
                return Browse::Stop;
            }
            view.quote(call, found.path);
            entries.push(entry);
            Browse::Enter
        })?;
        Ok(FindResult { entries, more })
    }
}
