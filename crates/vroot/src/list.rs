//! Listing a folder.

use std::cmp::Ordering;
use std::ffi::{CStr, CString};
use std::os::fd::{AsFd, OwnedFd};
use std::time::SystemTime;

use rustix::fs::{Dir, OFlags};
use rustix::io::Errno;

use crate::error::Error;
use crate::gate::Sight;
use crate::handle::{Folder, Node, facts_of, open_same};
use crate::interrupt::{Interrupt, ask};
use crate::limits::MAX_LIST_SCAN;
use crate::open::kind;
use crate::root::VRoot;
use crate::temp_name;
use crate::vpath::VPath;
use crate::walk::{LastLink, Leaf, walk};

/// Some entries of a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// The entries, sorted by the bytes of their names.
    pub entries: Vec<Entry>,
    /// Whether there are more after the last one.
    pub more: bool,
    /// The virtual path of the folder as really walked, without links.
    pub path: String,
}

/// One entry of a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The name.
    pub name: String,
    /// What it is.
    pub kind: Kind,
    /// Size in bytes: only files have one.
    pub size: Option<u64>,
    /// Last change of the content: `None` when the entry is inaccessible.
    pub modified: Option<SystemTime>,
}

/// What an entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A regular file.
    File,
    /// A folder.
    Directory,
    /// A symbolic link, wherever it may lead.
    Symlink,
    /// A FIFO, device or socket.
    Other,
    /// Something that cannot be examined, or whose name is not valid UTF-8.
    Inaccessible,
}

pub(crate) fn list(
    root: &VRoot,
    path: &VPath,
    after: Option<&str>,
    limit: usize,
    interrupt: Interrupt<'_>,
) -> Result<Page, Error> {
    let fail = |errno| Error::from_errno(errno, path);
    let place = walk(root, path, LastLink::Follow)?;
    let handle = match &place.leaf {
        Leaf::Here => place.folder().readable(),
        Leaf::Entry { node: None, .. } => Err(Errno::NOENT),
        Leaf::Entry { name, node: Some(node) } => readable(place.folder(), name, node),
    };
    let resolved = match &place.leaf {
        Leaf::Here => place.folder_path(),
        Leaf::Entry { name, .. } => place.path_of(name),
    };
    let mut dir = handle.and_then(Dir::new).map_err(fail)?;
    let names = names(&mut dir, after, path, interrupt)?;
    let handle = dir.fd().map_err(fail)?;
    let mut page = Page { entries: Vec::new(), more: false, path: root.virtual_path(&resolved) };
    for name in names {
        ask(interrupt, path, 0)?;
        let resolved = || match resolved.as_str() {
            "/" => format!("/{}", name.shown),
            folder => format!("{folder}/{}", name.shown),
        };
        let sight = root.sight(resolved);
        if sight == Sight::Closed {
            continue;
        }
        let shown = entry(root, handle, name)
            .filter(|entry| sight.is_seen() || entry.kind == Kind::Directory);
        if let Some(entry) = shown {
            if page.entries.len() == limit {
                page.more = true;
                break;
            }
            page.entries.push(entry);
        }
    }
    Ok(page)
}

/// A handle of the examined folder that can be listed.
fn readable(parent: &Folder, name: &str, node: &Node) -> Result<OwnedFd, Errno> {
    match Folder::readable_of(&node.fd) {
        // With the right to read but not to search, the names can be listed: by this way only,
        // since already `.` is a search.
        Err(Errno::ACCESS) => {
            let flags = OFlags::RDONLY | OFlags::DIRECTORY;
            open_same(parent, name, flags, node.facts.id)?.ok_or(Errno::BUSY)
        }
        other => other,
    }
}

/// A name as shown: with replacement characters where it is not valid UTF-8.
#[derive(Debug, PartialEq, Eq)]
struct Name {
    shown: String,
    raw: CString,
}

impl Name {
    fn new(name: &CStr) -> Self {
        Self { shown: name.to_string_lossy().into_owned(), raw: name.to_owned() }
    }

    fn is_exact(&self) -> bool {
        self.shown.as_bytes() == self.raw.to_bytes()
    }

    /// By bytes, and the true name before the ones that only look like it.
    fn order(&self, other: &Self) -> Ordering {
        self.shown.cmp(&other.shown).then(other.is_exact().cmp(&self.is_exact()))
    }
}

/// The names of a folder after `after`, in order.
fn names(
    dir: &mut Dir,
    after: Option<&str>,
    path: &VPath,
    interrupt: Interrupt<'_>,
) -> Result<Vec<Name>, Error> {
    let mut names = Vec::new();
    let mut scanned = 0;
    while let Some(found) = dir.read() {
        let found = found.map_err(|errno| Error::from_errno(errno, path))?;
        let raw = found.file_name();
        if is_dots(raw) {
            continue;
        }
        ask(interrupt, path, 0)?;
        scanned += 1;
        if scanned > MAX_LIST_SCAN {
            return Err(Error::TooMany { path: path.clone(), limit: MAX_LIST_SCAN });
        }
        if temp_name::is_reserved(raw.to_bytes()) {
            continue;
        }
        let name = Name::new(raw);
        if after.is_none_or(|after| name.shown.as_str() > after) {
            names.push(name);
        }
    }
    names.sort_unstable_by(Name::order);
    names.dedup_by(|later, earlier| later.shown == earlier.shown);
    Ok(names)
}

/// Whether a name is `.` or `..`, which every folder holds.
pub(crate) fn is_dots(name: &CStr) -> bool {
    matches!(name.to_bytes(), b"." | b"..")
}

/// What is known of an entry: `None` if it is hidden or gone.
fn entry(root: &VRoot, handle: impl AsFd, name: Name) -> Option<Entry> {
    let exact = name.is_exact();
    let inaccessible = |name: Name| {
        Some(Entry { name: name.shown, kind: Kind::Inaccessible, size: None, modified: None })
    };
    let facts = match facts_of(handle, name.raw.as_c_str()) {
        Ok(facts) => facts,
        Err(Errno::NOENT) => return None,
        Err(_) => return inaccessible(name),
    };
    if facts.is_folder() && root.excludes(facts.id) {
        return None;
    }
    if !exact {
        return inaccessible(name);
    }
    let kind = kind(&facts);
    let size = (kind == Kind::File).then_some(facts.size);
    Some(Entry { name: name.shown, kind, size, modified: facts.modified })
}
