//! Opening a file for reading, and what is known of an entry.

use std::fs::File;
use std::os::fd::OwnedFd;
use std::time::SystemTime;

use rustix::fs::{FileType, OFlags};

use crate::error::Error;
use crate::handle::{Facts, facts, open_same};
use crate::limits::MAX_RACE_ATTEMPTS;
use crate::list::Kind;
use crate::root::VRoot;
use crate::vpath::VPath;
use crate::walk::{LastLink, Leaf, Place, walk};

/// A file that is open for reading.
#[derive(Debug)]
pub struct Opened {
    /// The file.
    pub file: File,
    /// What is known of exactly this file.
    pub stat: Stat,
}

/// What is known of an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stat {
    /// Its virtual path as really walked, without links.
    pub path: String,
    /// What it is.
    pub kind: Kind,
    /// Its size in bytes.
    pub size: u64,
    /// When its content was last changed.
    pub modified: Option<SystemTime>,
    /// Its permission bits.
    pub mode: u32,
    /// The number of its owner.
    pub owner: u32,
    /// The number of its group.
    pub group: u32,
    /// A tag of this version: it changes with content, rights and names.
    pub etag: String,
}

impl Stat {
    pub(crate) fn new(path: String, facts: &Facts) -> Self {
        Self {
            path,
            kind: kind(facts),
            size: facts.size,
            modified: facts.modified,
            mode: facts.mode,
            owner: facts.uid,
            group: facts.gid,
            etag: facts.etag(),
        }
    }
}

/// What an inode is.
pub(crate) fn kind(facts: &Facts) -> Kind {
    match facts.kind {
        FileType::RegularFile => Kind::File,
        FileType::Directory => Kind::Directory,
        FileType::Symlink => Kind::Symlink,
        _ => Kind::Other,
    }
}

pub(crate) fn stat(root: &VRoot, path: &VPath) -> Result<Stat, Error> {
    let place = walk(root, path, LastLink::Follow)?;
    let (resolved, facts) = match &place.leaf {
        Leaf::Here => {
            let found = facts(&place.folder().fd);
            (place.folder_path(), found.map_err(|errno| Error::from_errno(errno, path))?)
        }
        Leaf::Entry { node: None, .. } => return Err(Error::NotFound { path: path.clone() }),
        Leaf::Entry { name, node: Some(node) } => (place.path_of(name), node.facts.clone()),
    };
    Ok(Stat::new(root.virtual_path(&resolved), &facts))
}

pub(crate) fn open(root: &VRoot, path: &VPath) -> Result<Opened, Error> {
    for _ in 0..MAX_RACE_ATTEMPTS {
        let place = walk(root, path, LastLink::Follow)?;
        if let Some(file) = once(&place, path)? {
            let facts = facts(&file).map_err(|errno| Error::from_errno(errno, path))?;
            let Leaf::Entry { name, .. } = &place.leaf else { continue };
            let resolved = place.path_of(name);
            if !root.sight(|| resolved.clone()).is_seen() {
                return Err(Error::NotFound { path: path.clone() });
            }
            let stat = Stat::new(root.virtual_path(&resolved), &facts);
            return Ok(Opened { file: file.into(), stat });
        }
    }
    Err(Error::Busy { path: path.clone() })
}

/// Opens the file: `None` when it was exchanged at the wrong moment.
fn once(place: &Place<'_>, path: &VPath) -> Result<Option<OwnedFd>, Error> {
    let Leaf::Entry { name, node } = &place.leaf else {
        return Err(Error::IsADirectory { path: path.clone() });
    };
    let node = node.as_ref().ok_or_else(|| Error::NotFound { path: path.clone() })?;
    match node.facts.kind {
        FileType::RegularFile => {}
        FileType::Directory => return Err(Error::IsADirectory { path: path.clone() }),
        _ => return Err(Error::NotRegular { path: path.clone() }),
    }
    open_same(place.folder(), name, OFlags::RDONLY, node.facts.id)
        .map_err(|errno| Error::from_errno(errno, path))
}
