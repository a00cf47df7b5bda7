//! The folders that are exposed.

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

use capability::BoxError;
use vroot::{RootOptions, VRoot};

use crate::config::{Config, Exposed};

/// How a folder within `state` begins that holds the records of changes that are under way.
const PENDING: &str = "pending";
/// How a folder begins that holds what changes replaced.
const HISTORY: &str = "history";

/// An exposed folder.
pub(crate) struct Root {
    /// The virtual path at which it stands; empty where it is the only one.
    pub(crate) mount: String,
    /// Says which folder of the host it is, also to a later process.
    pub(crate) key: String,
    pub(crate) vroot: VRoot,
}

impl Root {
    /// Opens a folder, with folders of its own beside the server's state: a record names a path of its own root, and
    /// waits until that is exposed again.
    pub(crate) fn open(exposed: &Exposed, config: &Config) -> Result<Self, BoxError> {
        let found = fs::metadata(&exposed.path)
            .map_err(|error| format!("`{}`: {error}", exposed.path.display()))?;
        let key = format!("{:x}-{:x}", found.dev(), found.ino());
        let pending = ours(&config.state, PENDING, &key)?;
        let near = config.history.folder.as_ref().unwrap_or(&config.state);
        let kept = ours(near, HISTORY, &key)?;
        let mut exclude = config.exclude.clone();
        exclude.push(config.state.clone());
        exclude.extend(config.history.folder.clone());
        let mount = exposed.name.as_ref().map(|name| format!("/{name}")).unwrap_or_default();
        let options =
            RootOptions { kept: Some(kept), mount: mount.clone(), read_only: !exposed.writable };
        let vroot = VRoot::open_with(&exposed.path, &pending, &exclude, options)?;
        Ok(Self { mount, key, vroot })
    }
}

/// Refuses roots of which one lies in another: rules are about virtual paths, and what has two of them would be open by the one
/// where a rule closes the other.
pub(crate) fn refuse_nested(roots: &[Exposed]) -> Result<(), BoxError> {
    let identity = |path: &Path| {
        let found = fs::metadata(path).map_err(|error| format!("`{}`: {error}", path.display()))?;
        Ok::<_, BoxError>((found.dev(), found.ino()))
    };
    let mut tops = Vec::new();
    for root in roots {
        tops.push(identity(&root.path)?);
    }
    for (at, root) in roots.iter().enumerate() {
        let mut path = root.path.clone();
        let mut here = tops[at];
        let mut others = tops.iter().enumerate().filter(|(other, _)| *other != at);
        if let Some((other, _)) = others.find(|(_, top)| **top == here) {
            return Err(nested(root, &roots[other]));
        }
        loop {
            path.push("..");
            let above = identity(&path)?;
            if above == here {
                break;
            }
            here = above;
            if let Some(other) = tops.iter().position(|top| *top == here) {
                return Err(nested(root, &roots[other]));
            }
        }
    }
    Ok(())
}

fn nested(inner: &Exposed, outer: &Exposed) -> BoxError {
    let (inner, outer) = (inner.path.display(), outer.path.display());
    format!("`{inner}` is or lies in `{outer}`: a folder can be exposed only once").into()
}

/// A folder of our own for a root, made if it is not there.
fn ours(folder: &Path, what: &str, key: &str) -> Result<PathBuf, BoxError> {
    let path = folder.join(format!("{what}-{key}"));
    match DirBuilder::new().mode(0o700).create(&path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
            Err(format!("`{}`: {error}", path.display()).into())
        }
        _ => Ok(path),
    }
}
