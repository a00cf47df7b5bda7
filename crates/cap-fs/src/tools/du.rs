//! `fs_du`.

use std::collections::{BTreeMap, HashSet};

use capability::{Call, Effect, Target, TargetKind, TextSource, Tool, ToolError};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use vroot::{Browse, Kind};

use crate::fs::Fs;
use crate::limits::MAX_FOUND;
use crate::patterns::Patterns;
use crate::shown::Room;
use crate::tools::path;

/// Tells how much a folder holds: the bytes of its files, all in all and for each entry in it, the largest first. A file
/// with several names counts once.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Du {
    /// The folder.
    path: String,
    /// What to leave out, with all beneath.
    #[serde(default, rename = "excludePatterns")]
    exclude_patterns: Vec<String>,
}

/// How much a folder holds.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct DuResult {
    /// The folder.
    path: String,
    /// The bytes of all files.
    bytes: u64,
    /// How many files there are.
    files: u64,
    /// How many folders there are.
    folders: u64,
    /// What is in it, the largest first, at most 1000.
    entries: Vec<Held>,
}

/// How much an entry holds.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Held {
    /// Its path.
    path: String,
    /// The bytes of its files.
    bytes: u64,
}

impl Tool for Du {
    type Server = Fs;
    type Output = DuResult;
    const NAME: &'static str = "fs_du";
    const METHOD: &'static str = "mcp.fs.du";
    const TITLE: &'static str = "Measure a folder";
    const EFFECTS: &'static [Effect] = &[Effect::ReadOnly, Effect::Idempotent];
    const TEXT_FROM: &'static [TextSource] = &[TextSource::File];

    fn works_on() -> Vec<Target> {
        vec![Target::new(TargetKind::Path, "path")]
    }

    fn call(self, fs: &Fs, call: &Call) -> Result<DuResult, ToolError> {
        let folder = path(&self.path)?;
        let exclude = Patterns::new("excludePatterns", &self.exclude_patterns)?;
        let (mut bytes, mut files, mut folders) = (0, 0, 0);
        let mut held = BTreeMap::<String, u64>::new();
        let mut counted = HashSet::new();
        fs.view(call).browse(call, &folder, &mut |found| {
            if exclude.fit(found.relative) {
                return Browse::Skip;
            }
            let mut size = 0;
            match found.kind() {
                Kind::File => {
                    files += 1;
                    let (inode, names) = found.inode();
                    if names == 1 || counted.insert(inode) {
                        size = found.size();
                    }
                }
                Kind::Directory => folders += 1,
                _ => {}
            }
            bytes += size;
            let top = found.relative.split('/').next().unwrap_or_default();
            match held.get_mut(top) {
                Some(bytes) => *bytes += size,
                None => drop(held.insert(top.to_owned(), size)),
            }
            Browse::Enter
        })?;
        let mut largest: Vec<(String, u64)> = held.into_iter().collect();
        largest.sort_by_key(|found| std::cmp::Reverse(found.1));
        let mut room = Room::new();
        let held = |(name, bytes): (String, u64)| Held { path: folder.join(&name), bytes };
        let entries = largest.into_iter().take(MAX_FOUND).map(held);
        let entries = entries.take_while(|entry| room.takes(entry)).collect();
        Ok(DuResult { path: folder.to_string(), bytes, files, folders, entries })
    }
}
