//! `fs_info`.

use capability::{Call, Effect, Target, TargetKind, TextSource, Tool, ToolError};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::fs::Fs;
use crate::shown::{EntryType, iso};
use crate::tools::path;

/// Tells what is known of a file or folder: type, size, time of last change, rights and the tag of this version. Links
/// are followed.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Info {
    /// The file or folder, such as `/notes/today.md`.
    path: String,
}

/// What is known of it.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct InfoResult {
    /// The path that was asked about.
    path: String,
    /// Where it really is, once links are followed.
    real_path: String,
    /// What it is.
    #[serde(rename = "type")]
    kind: EntryType,
    /// Its size in bytes.
    size: u64,
    /// When it was last changed, in UTC by ISO 8601.
    modified_at: Option<String>,
    /// Its permission bits, in octal digits.
    permissions: String,
    /// The number of its owner.
    owner: u32,
    /// The number of its group.
    group: u32,
    /// The tag of this version, for a change that must not overwrite another.
    etag: String,
}

impl Tool for Info {
    type Server = Fs;
    type Output = InfoResult;
    const NAME: &'static str = "fs_info";
    const METHOD: &'static str = "mcp.fs.info";
    const TITLE: &'static str = "Show what is known of a file";
    const EFFECTS: &'static [Effect] = &[Effect::ReadOnly, Effect::Idempotent];
    const TEXT_FROM: &'static [TextSource] = &[TextSource::File];

    fn works_on() -> Vec<Target> {
        vec![Target::new(TargetKind::Path, "path")]
    }

    fn call(self, fs: &Fs, call: &Call) -> Result<InfoResult, ToolError> {
        let place = path(&self.path)?;
        let view = fs.view(call);
        let stat = view.stat(&place)?;
        view.quote(call, &stat.path);
        Ok(InfoResult {
            path: place.to_string(),
            real_path: stat.path,
            kind: stat.kind.into(),
            size: stat.size,
            modified_at: stat.modified.and_then(iso),
            permissions: format!("{:o}", stat.mode),
            owner: stat.owner,
            group: stat.group,
            etag: stat.etag,
        })
    }
}
