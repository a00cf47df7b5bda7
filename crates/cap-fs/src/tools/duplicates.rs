//! `fs_duplicates`.

use std::collections::{BTreeMap, HashMap};

use capability::{Call, Effect, ErrorKind, Target, TargetKind, TextSource, Tool, ToolError};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use vroot::{Browse, Kind};

use crate::fs::Fs;
use crate::limits::{MAX_COMPARED, MAX_COMPARED_BYTES, MAX_FOUND};
use crate::patterns::Patterns;
use crate::shown::Room;
use crate::tools::hash::digest;
use crate::tools::path;

/// Finds files that have the same content. Empty files and further names of one file are no duplicates.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Duplicates {
    /// The folder to search, with all beneath.
    path: String,
    /// Only files whose names fit this glob, such as `*.jpg`.
    #[serde(default)]
    pattern: Option<String>,
    /// What to leave out, with all beneath.
    #[serde(default, rename = "excludePatterns")]
    exclude_patterns: Vec<String>,
    /// Only files of at least so many bytes.
    #[serde(default)]
    min_bytes: Option<u64>,
    /// Only files of at most so many bytes.
    #[serde(default)]
    max_bytes: Option<u64>,
}

/// What was found.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct DuplicatesResult {
    /// The groups, those that waste most first.
    groups: Vec<Group>,
    /// Whether there are more groups than are shown.
    more: bool,
}

/// Files that have the same content.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Group {
    /// The SHA-256 of the content.
    hash: String,
    /// The size of each in bytes.
    size: u64,
    /// The files.
    paths: Vec<String>,
}

impl Tool for Duplicates {
    type Server = Fs;
    type Output = DuplicatesResult;
    const NAME: &'static str = "fs_duplicates";
    const METHOD: &'static str = "mcp.fs.duplicates";
    const TITLE: &'static str = "Find files with the same content";
    const EFFECTS: &'static [Effect] = &[Effect::ReadOnly, Effect::Idempotent];
    const TEXT_FROM: &'static [TextSource] = &[TextSource::File];

    fn works_on() -> Vec<Target> {
        vec![Target::new(TargetKind::Path, "path")]
    }

    fn call(self, fs: &Fs, call: &Call) -> Result<DuplicatesResult, ToolError> {
        let folder = path(&self.path)?;
        let only = Patterns::new("pattern", self.pattern.as_slice())?;
        let exclude = Patterns::new("excludePatterns", &self.exclude_patterns)?;
        let sizes = self.min_bytes.unwrap_or(1).max(1)..=self.max_bytes.unwrap_or(u64::MAX);
        let view = fs.view(call);
        let mut by_size = HashMap::<u64, BTreeMap<u64, String>>::new();
        let (mut compared, mut held) = (0, 0);
        view.browse(call, &folder, &mut |found| {
            if exclude.fit(found.relative) {
                return Browse::Skip;
            }
            let is_wanted = found.kind() == Kind::File
                && (self.pattern.is_none() || only.fit(found.relative))
                && sizes.contains(&found.size());
            if is_wanted {
                compared += 1;
                held += found.path.len();
                // One name of each file.
                let of_size = by_size.entry(found.size()).or_default();
                of_size.entry(found.inode().0).or_insert_with(|| found.path.to_owned());
            }
            let too_many = compared > MAX_COMPARED || held > MAX_COMPARED_BYTES;
            if too_many { Browse::Stop } else { Browse::Enter }
        })?;
        if compared > MAX_COMPARED || held > MAX_COMPARED_BYTES {
            let text = "there are too many files to compare: name a smaller folder";
            return Err(ToolError::new(ErrorKind::TooLarge, text));
        }
        let mut by_content = BTreeMap::<(u64, String), Vec<String>>::new();
        for file in
            by_size.into_values().filter(|files| files.len() > 1).flat_map(BTreeMap::into_values)
        {
            // What went away meanwhile is no duplicate.
            let Ok(mut opened) = view.open(&path(&file)?) else { continue };
            let (hash, size) = digest::<Sha256>(&mut opened.file, call)?;
            by_content.entry((size, hash)).or_default().push(file);
        }
        let same = by_content.into_iter().filter(|(_, paths)| paths.len() > 1);
        let mut groups: Vec<Group> =
            same.map(|((size, hash), paths)| Group { hash, size, paths }).collect();
        // They were read by inode, which is as good as by chance.
        for group in &mut groups {
            group.paths.sort_unstable();
        }
        groups.sort_by_key(|group| std::cmp::Reverse(group.size * (group.paths.len() as u64 - 1)));
        let (all, mut room) = (groups.len(), Room::new());
        let shown = groups.into_iter().take(MAX_FOUND);
        let groups: Vec<Group> = shown.take_while(|group| room.takes(group)).collect();
        let more = groups.len() < all;
        Ok(DuplicatesResult { groups, more })
    }
}
