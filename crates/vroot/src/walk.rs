//! From the text of a path to handles: the only way to reach anything.
//!
//! The walk opens one component at a time and keeps the handle of every folder on the way. `..`
//! goes back to the handle that it came from, so a folder that is moved during the walk cannot
//! lead it out; a link is read and its components are walked like all others.

use std::collections::VecDeque;

use rustix::fs::FileType;
use rustix::io::{Errno, retry_on_intr};

use crate::error::{Error, PathFault, Protection};
use crate::gate::Sight;
use crate::handle::{Folder, Node};
use crate::kernel_fs;
use crate::limits::{MAX_DEPTH, MAX_LINKS, MAX_PATH_BYTES, MAX_STEPS};
use crate::root::VRoot;
use crate::vpath::{PARENT, VPath, check_name, components};

/// What to do when the last component is a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LastLink {
    /// Walk on to what it leads to.
    Follow,
    /// Stop at the link itself.
    Keep,
}

/// What a walk came to.
#[derive(Debug)]
pub(crate) enum Leaf {
    /// The innermost folder of the walk itself: the path ended at the root or with `..`.
    Here,
    /// An entry of the innermost folder, or, without a node, the free name for one.
    Entry { name: String, node: Option<Node> },
}

/// Where a walk ended: the folders on the way, and what is at the end.
#[derive(Debug)]
pub(crate) struct Place<'r> {
    base: &'r Folder,
    stack: Vec<(String, Folder)>,
    pub(crate) leaf: Leaf,
}

impl<'r> Place<'r> {
    /// The innermost folder: the one that holds the entry.
    pub(crate) fn folder(&self) -> &Folder {
        self.stack.last().map_or(self.base, |(_, folder)| folder)
    }

    /// The path of the innermost folder as really walked, without links.
    pub(crate) fn folder_path(&self) -> String {
        if self.stack.is_empty() {
            return "/".to_owned();
        }
        self.stack.iter().fold(String::new(), |path, (name, _)| path + "/" + name)
    }

    /// The same of an entry of the innermost folder.
    pub(crate) fn path_of(&self, name: &str) -> String {
        match self.folder_path() {
            path if path == "/" => path + name,
            path => path + "/" + name,
        }
    }

    fn path_bytes(&self) -> usize {
        self.stack.iter().map(|(name, _)| name.len() + 1).sum()
    }

    fn end(mut self, name: String, node: Option<Node>) -> Place<'r> {
        self.leaf = Leaf::Entry { name, node };
        self
    }
}

/// Walks a path from the root.
pub(crate) fn walk<'r>(
    root: &'r VRoot,
    path: &VPath,
    last_link: LastLink,
) -> Result<Place<'r>, Error> {
    let fail = |errno| Error::from_errno(errno, path);
    let mut place = Place { base: root.folder(), stack: Vec::new(), leaf: Leaf::Here };
    let mut rest: VecDeque<String> = path.components().map(str::to_owned).collect();
    let mut links = 0;
    let mut steps = 0;
    while let Some(name) = rest.pop_front() {
        steps += 1;
        if steps > MAX_STEPS {
            return Err(Error::TooDeep { path: path.clone(), limit: MAX_STEPS });
        }
        if name == PARENT {
            if place.stack.pop().is_none() {
                return Err(Error::Escape { path: path.clone() });
            }
            continue;
        }
        check_name(&name).map_err(|fault| Error::InvalidPath { fault })?;
        if place.path_bytes() + name.len() + 1 > MAX_PATH_BYTES {
            // Every place has a path that can be written down, records of pending writes included.
            return Err(Error::InvalidPath { fault: PathFault::TooLong });
        }
        let last = rest.is_empty();
        let sight = root.sight(|| place.path_of(&name));
        if sight == Sight::Closed {
            return Err(fail(Errno::NOENT));
        }
        let Some(node) = open_checked(root, place.folder(), &name, path)? else {
            return if last { Ok(place.end(name, None)) } else { Err(fail(Errno::NOENT)) };
        };
        match node.facts.kind {
            FileType::Symlink if last && last_link == LastLink::Keep => {
                return Ok(place.end(name, Some(node)));
            }
            FileType::Symlink => {
                links += 1;
                if links > MAX_LINKS {
                    return Err(Error::LinkLoop { path: path.clone() });
                }
                let target = link_target(&node, path)?;
                for component in components(&target).rev() {
                    rest.push_front(component.to_owned());
                }
            }
            // A file at a place that leads to something open shows nothing.
            kind if sight == Sight::Passage && kind != FileType::Directory => {
                return Err(fail(Errno::NOENT));
            }
            _ if last => return Ok(place.end(name, Some(node))),
            FileType::Directory => {
                if place.stack.len() >= MAX_DEPTH {
                    return Err(Error::TooDeep { path: path.clone(), limit: MAX_DEPTH });
                }
                place.stack.push((name, Folder { fd: node.fd, id: node.facts.id }));
            }
            _ => return Err(fail(Errno::NOTDIR)),
        }
    }
    Ok(place)
}

/// Opens one entry and refuses what no client may reach: `None` when there is no such entry.
///
/// An excluded folder is answered like an entry that does not exist, so that its existence is not
/// confirmed, but as an error, so that nothing is made in its place.
pub(crate) fn open_checked(
    root: &VRoot,
    folder: &Folder,
    name: &str,
    path: &VPath,
) -> Result<Option<Node>, Error> {
    let fail = |errno| Error::from_errno(errno, path);
    let node = match Node::open(folder, name) {
        Ok(node) => node,
        Err(Errno::NOENT) => return Ok(None),
        // With `O_PATH` and `O_NOFOLLOW` a link itself can be opened, except for a magic one.
        Err(Errno::LOOP) => return Err(fail(Errno::XDEV)),
        Err(errno) => return Err(fail(errno)),
    };
    if node.facts.is_folder() {
        if root.excludes(node.facts.id) {
            return Err(fail(Errno::NOENT));
        }
        if node.facts.mount_root && kernel_fs::holds(&node.fd).map_err(fail)? {
            return Err(Error::Protected { path: path.clone(), protection: Protection::Kernel });
        }
    }
    Ok(Some(node))
}

/// The text of a link, which must stay inside of the root as far as the text can tell.
fn link_target(node: &Node, path: &VPath) -> Result<String, Error> {
    // An empty name reads the link behind the handle itself, so it cannot be exchanged meanwhile.
    let target = retry_on_intr(|| rustix::fs::readlinkat(&node.fd, "", Vec::new()))
        .map_err(|errno| Error::from_errno(errno, path))?;
    if target.as_bytes().starts_with(b"/") {
        return Err(Error::Escape { path: path.clone() });
    }
    target.into_string().map_err(|_| Error::InvalidPath { fault: PathFault::LinkNotText })
}
