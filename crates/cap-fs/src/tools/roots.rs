//! `fs_roots`.

use capability::{Call, Effect, TextSource, Tool, ToolError};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::fs::Fs;

/// Tells which folders are exposed, and which of them may be changed.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Roots {}

/// The exposed folders.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct RootsResult {
    /// The folders.
    roots: Vec<RootShown>,
}

/// An exposed folder.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct RootShown {
    /// Where it stands, such as `/` or `/photos`.
    path: String,
    /// Whether it may be changed.
    writable: bool,
}

impl Tool for Roots {
    type Server = Fs;
    type Output = RootsResult;
    const NAME: &'static str = "fs_roots";
    const METHOD: &'static str = "mcp.fs.roots";
    const TITLE: &'static str = "List the exposed folders";
    const EFFECTS: &'static [Effect] = &[Effect::ReadOnly, Effect::Idempotent];
    const TEXT_FROM: &'static [TextSource] = &[];

    fn call(self, fs: &Fs, call: &Call) -> Result<RootsResult, ToolError> {
        let view = fs.view(call);
        let shown = view.roots().map(|seen| RootShown {
            path: if seen.root.mount.is_empty() { "/".to_owned() } else { seen.root.mount.clone() },
            writable: !seen.vroot.is_read_only(),
        });
        Ok(RootsResult { roots: shown.collect() })
    }
}
