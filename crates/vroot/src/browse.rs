//! Going through a tree, on handles.

use std::ffi::CString;
use std::fs::File;
use std::os::fd::{AsFd as _, OwnedFd};

use rustix::fs::{Dir, FileType, OFlags, ResolveFlags};
use rustix::io::{Errno, retry_on_intr};

use crate::error::Error;
use crate::gate::Sight;
use crate::handle::{Facts, Folder, facts, facts_of, open_one};
use crate::interrupt::{Interrupt, ask};
use crate::kernel_fs;
use crate::limits::{MAX_LIST_SCAN, MAX_TREE_DEPTH};
use crate::list::{Kind, is_dots};
use crate::open::{Opened, Stat, kind};
use crate::root::VRoot;
use crate::temp_name;
use crate::vpath::VPath;
use crate::walk::{LastLink, Leaf, walk};

/// How to go on after an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Browse {
    /// Into it, if it is a folder, and then to the next.
    Enter,
    /// To the next.
    Skip,
    /// No further.
    Stop,
}

/// An entry that may be seen, beneath the folder where the browsing began. In each folder entries come sorted by name;
/// links are shown and not followed; names that are not text, file systems of the kernel and what is deeper than
/// [`MAX_TREE_DEPTH`] are left out.
pub struct Visited<'a> {
    /// Its virtual path, as really walked.
    pub path: &'a str,
    /// Its path from the folder where the browsing began.
    pub relative: &'a str,
    /// Its name.
    pub name: &'a str,
    /// How deep it is: 1 in the folder where the browsing began.
    pub depth: usize,
    /// Whether the whole of it may be seen; of a folder that is not so, only what leads on is shown.
    pub is_open: bool,
    folder: &'a OwnedFd,
    facts: &'a Facts,
}

impl Visited<'_> {
    /// What is known of it.
    pub fn stat(&self) -> Stat {
        Stat::new(self.path.to_owned(), self.facts)
    }

    /// What it is.
    pub fn kind(&self) -> Kind {
        kind(self.facts)
    }

    /// The size of a file in bytes.
    pub fn size(&self) -> u64 {
        self.facts.size
    }

    /// Its inode, and how many names that has.
    pub fn inode(&self) -> (u64, u32) {
        (self.facts.id.inode(), self.facts.links)
    }

    /// When its content was last changed.
    pub fn modified(&self) -> Option<std::time::SystemTime> {
        self.facts.modified
    }

    /// Where a link leads, as it is written.
    pub fn target(&self) -> Option<String> {
        let read = retry_on_intr(|| rustix::fs::readlinkat(self.folder, self.name, Vec::new()));
        read.ok()?.into_string().ok()
    }

    /// Opens a file for reading: `None` if it is none, is gone or may not be read.
    pub fn open(&self) -> Option<Opened> {
        if self.facts.kind != FileType::RegularFile {
            return None;
        }
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY;
        let file = open_one(self.folder, self.name, flags, ResolveFlags::NO_XDEV).ok()?;
        let found = facts(&file).ok().filter(|found| found.id == self.facts.id)?;
        let stat = Stat::new(self.path.to_owned(), &found);
        Some(Opened { file: File::from(file), stat })
    }
}

pub(crate) fn browse(
    root: &VRoot,
    path: &VPath,
    interrupt: Interrupt<'_>,
    visit: &mut dyn FnMut(&Visited<'_>) -> Browse,
) -> Result<(), Error> {
    let fail = |errno| Error::from_errno(errno, path);
    let place = walk(root, path, LastLink::Follow)?;
    let (handle, resolved) = match &place.leaf {
        Leaf::Here => (place.folder().readable(), place.folder_path()),
        Leaf::Entry { node: None, .. } => return Err(fail(Errno::NOENT)),
        Leaf::Entry { name, node: Some(node) } => {
            (Folder::readable_of(&node.fd), place.path_of(name))
        }
    };
    let mut browsing = Browsing { root, path, interrupt, visit, held: 0 };
    let top = if resolved == "/" { String::new() } else { resolved };
    browsing.folder(&handle.map_err(fail)?, &top, "", 1).map(drop)
}

/// The same with the root itself as the first entry.
pub(crate) fn browse_itself(
    root: &VRoot,
    interrupt: Interrupt<'_>,
    visit: &mut dyn FnMut(&Visited<'_>) -> Browse,
) -> Result<bool, Error> {
    let top = VPath::root();
    let fail = |errno| Error::from_errno(errno, &top);
    let folder = root.folder().readable().map_err(fail)?;
    let found = facts(&folder).map_err(fail)?;
    let path = root.virtual_path("/");
    let name = path.trim_start_matches('/');
    let is_open = root.sight(|| "/".to_owned()).is_seen();
    let (folder, facts) = (&folder, &found);
    let visited = Visited { path: &path, relative: name, name, depth: 1, is_open, folder, facts };
    match visit(&visited) {
        Browse::Stop => Ok(false),
        Browse::Skip => Ok(true),
        Browse::Enter => {
            Browsing { root, path: &top, interrupt, visit, held: 0 }.folder(folder, "", name, 2)
        }
    }
}

struct Browsing<'a, 'v> {
    root: &'a VRoot,
    path: &'a VPath,
    interrupt: Interrupt<'a>,
    visit: &'v mut dyn FnMut(&Visited<'_>) -> Browse,
    /// How many names of all levels are held.
    held: usize,
}

impl Browsing<'_, '_> {
    /// Goes through a folder; `false`: no further.
    fn folder(
        &mut self,
        folder: &OwnedFd,
        resolved: &str,
        relative: &str,
        depth: usize,
    ) -> Result<bool, Error> {
        let names = match self.names(folder) {
            // Below the top, what may not be listed is shown without what is in it.
            Err(Error::Denied { .. }) if depth > 1 => return Ok(true),
            other => other?,
        };
        let held = names.len();
        self.held += held;
        for name in names {
            ask(self.interrupt, self.path, 0)?;
            let below = format!("{resolved}/{name}");
            let sight = self.root.sight(|| below.clone());
            let Ok(found) = facts_of(folder, name.as_str()) else { continue };
            let is_folder = found.is_folder();
            if sight == Sight::Closed
                || sight == Sight::Passage && !is_folder
                || is_folder && self.root.excludes(found.id)
            {
                continue;
            }
            let relative =
                if relative.is_empty() { name.clone() } else { format!("{relative}/{name}") };
            let path = self.root.virtual_path(&below);
            let visited = Visited {
                path: &path,
                relative: &relative,
                name: &name,
                depth,
                is_open: sight.is_seen(),
                folder,
                facts: &found,
            };
            match (self.visit)(&visited) {
                Browse::Stop => return Ok(false),
                Browse::Skip => continue,
                Browse::Enter if !is_folder || depth >= MAX_TREE_DEPTH => continue,
                Browse::Enter => {}
            }
            let flags = OFlags::RDONLY | OFlags::DIRECTORY;
            let Ok(child) = open_one(folder, name.as_str(), flags, ResolveFlags::empty()) else {
                continue;
            };
            let Ok(opened) = facts(&child) else { continue };
            let of_kernel = opened.mount_root && kernel_fs::holds(&child).unwrap_or(true);
            if self.root.excludes(opened.id) || of_kernel {
                continue;
            }
            if !self.folder(&child, &below, &relative, depth + 1)? {
                return Ok(false);
            }
        }
        self.held -= held;
        Ok(true)
    }

    fn names(&self, folder: &OwnedFd) -> Result<Vec<String>, Error> {
        let fail = |errno| Error::from_errno(errno, self.path);
        let mut names = Vec::new();
        for found in Dir::read_from(folder.as_fd()).map_err(fail)? {
            ask(self.interrupt, self.path, 0)?;
            let found = found.map_err(fail)?;
            let raw: CString = found.file_name().to_owned();
            if is_dots(&raw) || temp_name::is_reserved(raw.to_bytes()) {
                continue;
            }
            if self.held + names.len() >= MAX_LIST_SCAN {
                return Err(Error::TooMany { path: self.path.clone(), limit: MAX_LIST_SCAN });
            }
            names.extend(raw.into_string().ok());
        }
        names.sort_unstable();
        Ok(names)
    }
}
