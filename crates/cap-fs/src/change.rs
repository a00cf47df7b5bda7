//! Making a change for a tool: recorded, and told in the result.

use capability::{Call, Tool, ToolError};
use schemars::JsonSchema;
use serde::Serialize;
use vroot::{Changes, Done, Expect, VPath};

use crate::access::{Seen, View};
use crate::error::{invalid, refused_or_stopped};
use crate::fs::Fs;
use crate::history::{By, Recorder};

/// A change that was made.
#[expect(clippy::struct_field_names, reason = "its number is what results call the change")]
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Change {
    /// Its number, which `fs_undo` takes.
    pub(crate) change: i64,
    /// Whether `fs_undo` can undo it: not if what it replaced was too large to be kept.
    pub(crate) undoable: bool,
    /// The tag of the file as it is now, for the next change of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) etag: Option<String>,
}

/// What a change expects that is given the tag of a version, or none.
pub(crate) fn expect(etag: Option<&str>) -> Expect<'_> {
    etag.map_or(Expect::Anything, Expect::Etag)
}

/// Makes a change at a path as the caller may see it.
pub(crate) fn changed<T: Tool>(
    fs: &Fs,
    call: &Call,
    path: &VPath,
    make: impl FnOnce(&Changes<'_>, &VPath) -> Result<Done, vroot::Error>,
) -> Result<Change, ToolError> {
    changed_in::<T>(&fs.view(call), call, path, make)
}

/// The same with a view that is there already.
pub(crate) fn changed_in<T: Tool>(
    view: &View<'_>,
    call: &Call,
    path: &VPath,
    make: impl FnOnce(&Changes<'_>, &VPath) -> Result<Done, vroot::Error>,
) -> Result<Change, ToolError> {
    let (Seen { root, vroot }, path) = view.find(path)?;
    let history = view.history();
    let recorder = Recorder { history, root, by: By::of(call, T::NAME), undoes: None };
    let done =
        make(&vroot.changes(&recorder), &path).map_err(|error| refused_or_stopped(call, &error))?;
    let change = done.entry.unwrap_or_default();
    Ok(Change { change, undoable: history.can_undo(change), etag: done.etag })
}

/// A second path of a change, which must lie in the same root as the first.
pub(crate) fn in_one_root(
    view: &View<'_>,
    first: &VPath,
    second: &VPath,
) -> Result<VPath, ToolError> {
    let ((one, _), (other, path)) = (view.find(first)?, view.find(second)?);
    if one.root.key != other.root.key {
        let text = "these are in two exposed folders: read the one and write the other";
        return Err(invalid(text));
    }
    Ok(path)
}
