//! `fs_mkdir`.

use capability::{Call, Effect, ErrorKind, Target, TargetKind, TextSource, Tool, ToolError};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use vroot::{Kind, VPath};

use crate::change::{Change, changed_in};
use crate::error::{interrupt, refused};
use crate::fs::Fs;
use crate::tools::{Status, path};

/// Makes a folder, with those on its way that are not there yet. One that is there already stays as it is.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Mkdir {
    /// The folder, such as `/notes/2030/may`.
    path: String,
}

/// A folder that is there.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct MkdirResult {
    /// The folder.
    path: String,
    /// `success`: it is there.
    status: Status,
    /// The change that made it, if it was not there.
    #[serde(skip_serializing_if = "Option::is_none")]
    made: Option<Change>,
}

impl Tool for Mkdir {
    type Server = Fs;
    type Output = MkdirResult;
    const NAME: &'static str = "fs_mkdir";
    const METHOD: &'static str = "mcp.fs.mkdir";
    const TITLE: &'static str = "Make a folder";
    const EFFECTS: &'static [Effect] = &[Effect::Idempotent, Effect::Undoable];
    const TEXT_FROM: &'static [TextSource] = &[];

    fn works_on() -> Vec<Target> {
        vec![Target::new(TargetKind::Path, "path")]
    }

    fn call(self, fs: &Fs, call: &Call) -> Result<MkdirResult, ToolError> {
        let wanted = path(&self.path)?;
        let view = fs.view(call);
        // From the deepest folder that is there, the rest is one change.
        let mut first = wanted.clone();
        let mut rest = Vec::new();
        loop {
            match view.stat(&first) {
                Ok(stat) if stat.kind == Kind::Directory && rest.is_empty() => {
                    let (path, status) = (wanted.to_string(), Status::Success);
                    return Ok(MkdirResult { path, status, made: None });
                }
                Ok(stat) if stat.kind == Kind::Directory => break,
                Ok(_) => return Err(refused(&vroot::Error::NotADirectory { path: first })),
                Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
                Err(error) => {
                    let text = first.as_str().to_owned();
                    let Some((parent, name)) = text.rsplit_once('/') else { return Err(error) };
                    rest.push(name.to_owned());
                    if parent.is_empty() {
                        first = VPath::root();
                        break;
                    }
                    first = path(parent)?;
                }
            }
        }
        let Some(top) = rest.pop() else {
            return Err(refused(&vroot::Error::NotFound { path: wanted }));
        };
        let top = path(&first.join(&top))?;
        rest.reverse();
        let made = changed_in::<Self>(&view, call, &top, |changes, top| {
            changes.build(top, &interrupt(call), &mut |stage| stage.folder(&rest.join("/")))
        })?;
        let (path, status) = (wanted.to_string(), Status::Success);
        Ok(MkdirResult { path, status, made: Some(made) })
    }
}
