//! A host with an exposed folder, folders of state in and around it, and folders outside.

use std::fs;
use std::path::{Path, PathBuf};

use vroot::{VPath, VRoot};

/// The folders of one test, removed at its end.
pub(crate) struct Host {
    base: tempfile::TempDir,
    pub(crate) root: VRoot,
}

impl Host {
    /// `files` is exposed; `files/state` is excluded and holds `secret`; `outside/secret` is not
    /// below the root.
    pub(crate) fn new() -> Self {
        Self::within(&std::env::temp_dir())
    }

    /// The same in a given folder.
    pub(crate) fn within(folder: &Path) -> Self {
        let base = tempfile::tempdir_in(folder).expect("a folder");
        for name in ["files/state/sub", "outside", "pending"] {
            fs::create_dir_all(base.path().join(name)).expect("a folder");
        }
        for name in ["files/state/secret", "files/state/sub/secret", "outside/secret"] {
            fs::write(base.path().join(name), "secret").expect("a file");
        }
        let root = VRoot::open(
            &base.path().join("files"),
            &base.path().join("pending"),
            &[base.path().join("files/state")],
        )
        .expect("a root");
        Self { base, root }
    }

    /// The host path of something below the base.
    pub(crate) fn at(&self, name: &str) -> PathBuf {
        self.base.path().join(name)
    }

    /// Makes a file, and the folders on its way, in the exposed folder.
    pub(crate) fn file(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.at("files").join(name);
        fs::create_dir_all(path.parent().expect("a parent")).expect("folders");
        fs::write(&path, content).expect("a file");
        path
    }

    /// Makes a link in the exposed folder.
    pub(crate) fn link(&self, name: &str, target: impl AsRef<Path>) {
        std::os::unix::fs::symlink(target, self.at("files").join(name)).expect("a link");
    }
}

/// A path that is well-formed.
pub(crate) fn path(text: &str) -> VPath {
    VPath::parse(text).expect("a path")
}
