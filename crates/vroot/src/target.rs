//! The entry that a change is about.

use rustix::io::Errno;

use std::os::fd::OwnedFd;

use crate::error::{Denial, Error, PathFault};
use crate::handle::{Facts, Folder};
use crate::ledger::{Expect, Look};
use crate::root::VRoot;
use crate::vpath::VPath;
use crate::walk::{LastLink, Leaf, Place, walk};

/// A name in a folder, which may be free, in a part of the root that may be changed.
pub(crate) struct Target<'r> {
    place: Place<'r>,
    pub(crate) name: String,
    /// The path in the root, as really walked.
    pub(crate) resolved: String,
}

impl<'r> Target<'r> {
    /// Walks to it; `root_itself` is the error for the exposed folder.
    pub(crate) fn find(
        root: &'r VRoot,
        path: &VPath,
        last_link: LastLink,
        root_itself: impl FnOnce() -> Error,
    ) -> Result<Self, Error> {
        if root.is_read_only() {
            return Err(Error::ReadOnly { path: path.clone() });
        }
        if path.ends_with_parent() {
            return Err(Error::InvalidPath { fault: PathFault::EndsWithParent });
        }
        let place = walk(root, path, last_link)?;
        let Leaf::Entry { name, .. } = &place.leaf else {
            return Err(root_itself());
        };
        let name = name.clone();
        let resolved = place.path_of(&name);
        // What may be seen lies beneath it, and who may see that much only must not take it away.
        let protected = |protection| Error::Protected { path: path.clone(), protection };
        root.may_change(|| resolved.clone()).map_err(protected)?;
        Ok(Self { place, name, resolved })
    }

    pub(crate) fn folder(&self) -> &Folder {
        self.place.folder()
    }

    pub(crate) fn folder_path(&self) -> String {
        self.place.folder_path()
    }

    /// A handle of the folder that can be synchronised.
    pub(crate) fn readable(&self, path: &VPath) -> Result<OwnedFd, Error> {
        self.folder().readable().map_err(|errno| match errno {
            Errno::ACCESS => Error::Denied { path: path.clone(), denial: Denial::FolderUnreadable },
            other => Error::from_errno(other, path),
        })
    }
}

/// Refuses what is not what the caller expects; the look of a folder is that of its whole tree.
pub(crate) fn check(
    expect: Expect<'_>,
    found: Option<&Facts>,
    look: impl FnOnce() -> Result<Option<Look>, Error>,
    path: &VPath,
) -> Result<(), Error> {
    let as_expected = match expect {
        Expect::Absent if found.is_some() => return Err(Error::Exists { path: path.clone() }),
        Expect::Anything | Expect::Absent => true,
        Expect::Etag(etag) => found.is_some_and(|found| found.etag() == etag),
        Expect::Look(wanted) => look()? == Some(wanted),
    };
    if as_expected { Ok(()) } else { Err(Error::Changed { path: path.clone() }) }
}
