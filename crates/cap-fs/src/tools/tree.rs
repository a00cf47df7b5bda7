//! `fs_tree`.

use std::fmt::Write as _;

use capability::{Call, Effect, Target, TargetKind, TextSource, Tool, ToolError};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use vroot::Browse;

use crate::fs::Fs;
use crate::limits::MAX_FOUND;
use crate::patterns::Patterns;
use crate::shown::{EntryType, Room};
use crate::tools::path;

/// Shows a folder with all beneath it, sorted by name, at most 1000 entries. Links are shown and not followed.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Tree {
    /// The folder, such as `/` or `/notes`.
    path: String,
    /// What to leave out, with all beneath: a pattern without a slash is about names anywhere, one with a slash about paths
    /// from the folder.
    #[serde(default, rename = "excludePatterns")]
    exclude_patterns: Vec<String>,
    /// How deep to go; all the way down if left out.
    #[serde(default)]
    max_depth: Option<usize>,
}

/// A tree.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct TreeResult {
    /// The folder.
    path: String,
    /// What is in it and beneath; what is in a folder follows it.
    entries: Vec<Branch>,
    /// Whether there is more than is shown.
    more: bool,
}

/// An entry of a tree.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Branch {
    /// Its name.
    name: String,
    /// Its path.
    path: String,
    /// How deep it is: 1 for what is in the folder itself.
    depth: usize,
    /// What it is.
    #[serde(rename = "type")]
    kind: EntryType,
    /// The size of a file in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    size: Option<u64>,
}

impl Tool for Tree {
    type Server = Fs;
    type Output = TreeResult;
    const NAME: &'static str = "fs_tree";
    const METHOD: &'static str = "mcp.fs.tree";
    const TITLE: &'static str = "Show a folder as a tree";
    const EFFECTS: &'static [Effect] = &[Effect::ReadOnly, Effect::Idempotent];
    const TEXT_FROM: &'static [TextSource] = &[TextSource::File];

    fn works_on() -> Vec<Target> {
        vec![Target::new(TargetKind::Path, "path")]
    }

    fn call(self, fs: &Fs, call: &Call) -> Result<TreeResult, ToolError> {
        let folder = path(&self.path)?;
        let exclude = Patterns::new("excludePatterns", &self.exclude_patterns)?;
        let deepest = self.max_depth.unwrap_or(usize::MAX);
        let (mut entries, mut more, mut room) = (Vec::new(), false, Room::new());
        call.text_from(&[]);
        let view = fs.view(call);
        view.browse(call, &folder, &mut |found| {
            if exclude.fit(found.relative) || found.depth > deepest {
                return Browse::Skip;
            }
            let kind = EntryType::from(found.kind());
            let entry = Branch {
                name: found.name.to_owned(),
                path: found.path.to_owned(),
                depth: found.depth,
                kind,
                size: (kind == EntryType::File).then(|| found.size()),
            };
            if entries.len() == MAX_FOUND || !room.takes(&entry) {
                more = true;
                return Browse::Stop;
            }
            view.quote(call, found.path);
            entries.push(entry);
            if found.depth == deepest { Browse::Skip } else { Browse::Enter }
        })?;
        Ok(TreeResult { path: folder.to_string(), entries, more })
    }

    fn text(output: &TreeResult) -> Option<String> {
        let mut text = String::new();
        for entry in &output.entries {
            let mark = if entry.kind == EntryType::Directory { "/" } else { "" };
            let indent = "  ".repeat(entry.depth - 1);
            writeln!(text, "{indent}{}{mark}", entry.name).ok()?;
        }
        if output.more {
            text.push_str("(there is more: name a folder in it, or `max_depth`)\n");
        }
        Some(text)
    }
}
