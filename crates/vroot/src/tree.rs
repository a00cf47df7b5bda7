//! Removing what is below a folder.
//!
//! First the whole tree is looked at, then it is removed from the bottom up. Both go down by one
//! component at a time, on handles and never through a link, and both refuse at every step what
//! must stay: so a protected folder which is moved into the tree after the scan is still met.

use std::cell::Cell;
use std::ffi::{CStr, CString};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::{AtFlags, Dir, Mode, OFlags, ResolveFlags};
use rustix::io::Errno;

use crate::error::{Error, Protection};
use crate::handle::{Facts, Folder, facts, facts_of, open_one};
use crate::interrupt::{Interrupt, ask, uninterrupted};
use crate::ledger::Look;
use crate::limits::{MAX_CLEAR_PASSES, MAX_TREE_DEPTH, MAX_TREE_ENTRIES};
use crate::list::is_dots;
use crate::mutate;
use crate::root::VRoot;
use crate::vpath::VPath;

/// One removal of a tree.
pub(crate) struct Tree<'a> {
    root: &'a VRoot,
    path: VPath,
    /// Paths of the top in the root, at which the client must be allowed to change everything below.
    tops: Vec<&'a str>,
    interrupt: Interrupt<'a>,
    entries: Cell<usize>,
    removed: Cell<usize>,
}

/// An entry of a folder of the tree.
enum Child {
    Folder(OwnedFd),
    Other,
}

impl<'a> Tree<'a> {
    /// `path` is the top of the tree, for errors.
    pub(crate) fn new(root: &'a VRoot, path: &VPath, interrupt: Interrupt<'a>) -> Self {
        let (entries, removed) = (Cell::new(0), Cell::new(0));
        Self { root, path: path.clone(), tops: Vec::new(), interrupt, entries, removed }
    }

    /// A tree whose top is, or will be, at `resolved` in the root, and which must hold nothing there that the client may not
    /// change.
    pub(crate) fn at(mut self, resolved: &'a str) -> Self {
        self.tops.push(resolved);
        self
    }

    /// A tree that nobody but us uses.
    pub(crate) fn of_ours(root: &'a VRoot) -> Self {
        Self::new(root, &VPath::root(), &uninterrupted)
    }

    /// Tells what a tree is, and refuses one that holds what must stay, or is too large; nothing is changed.
    pub(crate) fn scan(&self, top: impl AsFd) -> Result<Look, Error> {
        let mut look = Look::of(&facts(&top).map_err(|errno| self.fail(errno))?);
        let mut levels = vec![(self.read(top)?, String::new())];
        while let Some((dir, relative)) = levels.last_mut() {
            let Some(found) = dir.read() else {
                levels.pop();
                continue;
            };
            let found = found.map_err(|errno| self.fail(errno))?;
            if is_dots(found.file_name()) {
                continue;
            }
            self.count()?;
            let below = format!("{relative}/{}", found.file_name().to_string_lossy());
            for top in &self.tops {
                let there = || format!("{}{below}", top.trim_end_matches('/'));
                self.root.may_change(there).map_err(|protection| self.protected(protection))?;
            }
            let folder = dir.fd().map_err(|errno| self.fail(errno))?;
            let Some((child, facts)) = self.open(folder, found.file_name())? else { continue };
            look.add(&facts);
            if let Child::Folder(child) = child {
                self.check_depth(levels.len())?;
                levels.push((Dir::new(child).map_err(|errno| self.fail(errno))?, below));
            }
        }
        self.entries.set(0);
        Ok(look)
    }

    /// Removes all that is below the folder `name`, whatever its permission bits are.
    pub(crate) fn clear_named(&self, folder: impl AsFd, name: &str) -> Result<(), Errno> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY;
        let top = open_one(&folder, name, flags, ResolveFlags::NO_XDEV).or_else(|_| {
            // It is ours alone, so that nobody can exchange it.
            rustix::fs::chmodat(&folder, name, Mode::RWXU, AtFlags::empty())?;
            open_one(&folder, name, flags, ResolveFlags::NO_XDEV)
        })?;
        let mut dir = Dir::new(top)?;
        let names = self.names(&mut dir).map_err(|_| Errno::IO)?;
        let top = dir.fd()?;
        if !names.is_empty() {
            mutate::set_mode(top, Mode::RWXU)?;
        }
        for name in names {
            let Some(name) = name.to_str().ok() else {
                // Such a name cannot be a folder of ours, which hold only what a client named.
                self.clear_entry(top, &name, 0).map_err(|_| Errno::IO)?;
                continue;
            };
            if facts_of(top, name)?.is_folder() {
                self.clear_named(top, name)?;
                mutate::remove_folder(top, name)?;
            } else {
                mutate::unlink(top, name)?;
            }
        }
        Ok(())
    }

    /// Removes all that is below `top`.
    pub(crate) fn clear(&self, top: impl AsFd) -> Result<(), Error> {
        self.clear_level(Folder::readable_of(top).map_err(|errno| self.fail(errno))?, 0)
    }

    /// Empties one folder. Entries can appear while this runs, so it looks again until there are
    /// none.
    fn clear_level(&self, folder: OwnedFd, depth: usize) -> Result<(), Error> {
        let mut dir = Dir::new(folder).map_err(|errno| self.fail(errno))?;
        for _ in 0..MAX_CLEAR_PASSES {
            let names = self.names(&mut dir)?;
            if names.is_empty() {
                return Ok(());
            }
            let folder = dir.fd().map_err(|errno| self.fail(errno))?;
            for name in &names {
                self.clear_entry(folder, name, depth)?;
            }
            dir.rewind();
        }
        Err(self.fail(Errno::BUSY))
    }

    fn clear_entry(&self, folder: BorrowedFd<'_>, name: &CStr, depth: usize) -> Result<(), Error> {
        ask(self.interrupt, &self.path, self.removed.get())?;
        let removed = match self.open(folder, name)? {
            None => return Ok(()),
            Some((Child::Folder(child), _)) => {
                self.check_depth(depth + 1)?;
                self.clear_level(child, depth + 1)?;
                mutate::remove_folder(folder, name)
            }
            Some((Child::Other, _)) => mutate::unlink(folder, name),
        };
        match removed {
            Ok(()) => {
                self.removed.set(self.removed.get() + 1);
                Ok(())
            }
            // Somebody else removed or exchanged it, or filled the folder: the next pass sees.
            Err(Errno::NOENT | Errno::NOTDIR | Errno::ISDIR | Errno::NOTEMPTY | Errno::EXIST) => {
                Ok(())
            }
            Err(errno) => Err(self.fail(errno)),
        }
    }

    /// Opens an entry if it is a folder, and refuses what must stay: `None` when it is gone.
    fn open(&self, folder: BorrowedFd<'_>, name: &CStr) -> Result<Option<(Child, Facts)>, Error> {
        let found = match facts_of(folder, name) {
            Ok(found) => found,
            Err(Errno::NOENT) => return Ok(None),
            Err(errno) => return Err(self.fail(errno)),
        };
        // The kernel would not remove a mount point either, but only tell in the middle.
        if found.mount_root || found.is_folder() && self.root.excludes(found.id) {
            return Err(self.protected(Protection::Fixed));
        }
        if !found.is_folder() {
            return Ok(Some((Child::Other, found)));
        }
        let flags = OFlags::RDONLY | OFlags::DIRECTORY;
        let child = match open_one(folder, name, flags, ResolveFlags::NO_XDEV) {
            Ok(child) => child,
            Err(Errno::XDEV) => return Err(self.protected(Protection::Fixed)),
            Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => return Ok(None),
            Err(errno) => return Err(self.fail(errno)),
        };
        // What was opened decides, not what was at the name a moment ago.
        let found = facts(&child).map_err(|errno| self.fail(errno))?;
        if self.root.excludes(found.id) {
            return Err(self.protected(Protection::Fixed));
        }
        Ok(Some((Child::Folder(child), found)))
    }

    fn read(&self, folder: impl AsFd) -> Result<Dir, Error> {
        Folder::readable_of(folder).and_then(Dir::new).map_err(|errno| self.fail(errno))
    }

    fn names(&self, dir: &mut Dir) -> Result<Vec<CString>, Error> {
        let mut names = Vec::new();
        while let Some(found) = dir.read() {
            let found = found.map_err(|errno| self.fail(errno))?;
            if !is_dots(found.file_name()) {
                self.count()?;
                names.push(found.file_name().to_owned());
            }
        }
        Ok(names)
    }

    fn count(&self) -> Result<(), Error> {
        ask(self.interrupt, &self.path, self.removed.get())?;
        self.entries.set(self.entries.get() + 1);
        if self.entries.get() > MAX_TREE_ENTRIES {
            return Err(Error::TooMany { path: self.path.clone(), limit: MAX_TREE_ENTRIES });
        }
        Ok(())
    }

    fn check_depth(&self, depth: usize) -> Result<(), Error> {
        if depth >= MAX_TREE_DEPTH {
            return Err(Error::TooDeep { path: self.path.clone(), limit: MAX_TREE_DEPTH });
        }
        Ok(())
    }

    fn protected(&self, protection: Protection) -> Error {
        Error::Protected { path: self.path.clone(), protection }
    }

    fn fail(&self, errno: Errno) -> Error {
        match errno {
            // The path itself exists: it is the tree below that changes under our hands.
            Errno::NOENT | Errno::NOTDIR | Errno::LOOP => Error::Busy { path: self.path.clone() },
            other => Error::from_errno(other, &self.path),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::interrupt::uninterrupted;

    #[test]
    fn a_scan_counts_every_entry_up_to_the_limit() {
        let base = tempfile::tempdir().expect("a folder");
        for name in ["files/tree/a", "pending"] {
            std::fs::create_dir_all(base.path().join(name)).expect("folders");
        }
        std::fs::write(base.path().join("files/tree/a/file"), "").expect("a file");
        let root = VRoot::open(&base.path().join("files"), &base.path().join("pending"), &[]);
        let root = root.expect("a root");
        let path = VPath::parse("/tree").expect("a path");
        let top = std::fs::File::open(base.path().join("files/tree")).expect("a folder");
        for (already, fits) in [(MAX_TREE_ENTRIES - 2, true), (MAX_TREE_ENTRIES - 1, false)] {
            let tree = Tree::new(&root, &path, &uninterrupted);
            tree.entries.set(already);
            match tree.scan(&top) {
                // What the scan counted is not counted again by the removal.
                Ok(_) => assert!(fits && tree.entries.get() == 0),
                Err(error) => {
                    assert!(!fits && matches!(error, Error::TooMany { .. }), "{error:?}");
                }
            }
        }
    }
}
