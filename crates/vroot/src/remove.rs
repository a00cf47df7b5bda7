//! Removing an entry or a tree.

use rustix::io::Errno;

use crate::error::{Denial, Error, PathFault, Protection};
use crate::handle::{Folder, Node};
use crate::interrupt::Interrupt;
use crate::mutate;
use crate::root::VRoot;
use crate::tree::Tree;
use crate::vpath::VPath;
use crate::walk::{LastLink, Leaf, open_checked, walk};

/// What to do with a folder that is not empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recursion {
    /// Leave it, and answer [`Error::NotEmpty`].
    Refuse,
    /// Remove it with all that is below it. A failure or an interruption in the middle leaves the rest in place.
    Whole,
}

pub(crate) fn remove(
    root: &VRoot,
    path: &VPath,
    recursion: Recursion,
    interrupt: Interrupt<'_>,
) -> Result<(), Error> {
    let fail = |errno| Error::from_errno(errno, path);
    if path.ends_with_parent() {
        return Err(Error::InvalidPath { fault: PathFault::EndsWithParent });
    }
    let place = walk(root, path, LastLink::Keep)?;
    let Leaf::Entry { name, .. } = &place.leaf else {
        return Err(Error::Protected { path: path.clone(), protection: Protection::Root });
    };
    let folder = place.folder();
    // A write to the same name ends before or starts after.
    let _lock = root.locks().hold(folder.id, name);
    let node = open_checked(root, folder, name, path)?.ok_or_else(|| fail(Errno::NOENT))?;
    if node.facts.mount_root {
        return Err(Error::Protected { path: path.clone(), protection: Protection::Fixed });
    }
    let readable = folder.readable().map_err(|errno| match errno {
        Errno::ACCESS => Error::Denied { path: path.clone(), denial: Denial::FolderUnreadable },
        other => fail(other),
    })?;
    let tree = match recursion {
        Recursion::Whole => Some(Tree::new(root, path, interrupt)),
        Recursion::Refuse => None,
    };
    remove_node(folder, name, &node, tree, path)?;
    mutate::sync_folder(readable)
        .map_err(|errno| Error::Unconfirmed { path: path.clone(), source: errno.into() })
}

fn remove_node(
    folder: &Folder,
    name: &str,
    node: &Node,
    tree: Option<Tree<'_>>,
    path: &VPath,
) -> Result<(), Error> {
    let fail = |errno| Error::from_errno(errno, path);
    if !node.facts.is_folder() {
        return mutate::unlink(&folder.fd, name).map_err(|errno| match errno {
            Errno::ISDIR => fail(Errno::BUSY),
            other => fail(other),
        });
    }
    if let Some(tree) = tree {
        tree.scan(&node.fd)?;
        tree.clear(&node.fd)?;
    }
    mutate::remove_folder(&folder.fd, name).map_err(|errno| match errno {
        // POSIX lets a file system say either.
        Errno::EXIST => fail(Errno::NOTEMPTY),
        Errno::NOTDIR => fail(Errno::BUSY),
        other => fail(other),
    })
}
