//! Copying an entry with all beneath it, on handles.

use std::cell::Cell;
use std::ffi::{CStr, CString};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::{Dir, FileType, Mode, OFlags, ResolveFlags};
use rustix::io::{Errno, retry_on_intr};

use crate::attributes;
use crate::error::{Error, Protection};
use crate::handle::{Facts, facts, facts_of, open_one};
use crate::interrupt::{Interrupt, ask};
use crate::limits::{COPY_BUFFER_BYTES, MAX_LIST_SCAN, MAX_TREE_DEPTH, MAX_TREE_ENTRIES};
use crate::list::is_dots;
use crate::mutate;
use crate::root::VRoot;
use crate::temp_name;
use crate::vpath::VPath;

/// What a copy must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fidelity {
    /// Everything, with owner, rights, attributes and times; what cannot be copied so is an error.
    Exact,
    /// Files, links and folders that may be seen, with their permission bits.
    Seen,
}

/// One copying.
pub(crate) struct Copier<'a> {
    root: &'a VRoot,
    path: &'a VPath,
    interrupt: Interrupt<'a>,
    fidelity: Fidelity,
    /// The paths in the root of what is copied and of the copy.
    tops: Option<(&'a str, &'a str)>,
    entries: Cell<usize>,
}

/// The folder and the name of an entry, and its path in the root where that matters.
#[derive(Clone, Copy)]
pub(crate) struct Named<'a> {
    pub(crate) folder: BorrowedFd<'a>,
    pub(crate) name: &'a CStr,
}

impl<'a> Copier<'a> {
    /// `path` is for errors.
    pub(crate) fn new(
        root: &'a VRoot,
        path: &'a VPath,
        interrupt: Interrupt<'a>,
        fidelity: Fidelity,
    ) -> Self {
        Self { root, path, interrupt, fidelity, tops: None, entries: Cell::new(0) }
    }

    /// A copy from the one path in the root to the other, where the client must be allowed to make all that it holds.
    pub(crate) fn onto(self, from: &'a str, to: &'a str) -> Self {
        Self { tops: Some((from, to)), ..self }
    }

    /// Copies `from`, whose path in the root is `resolved`, to the free name `to`. Everything is on the disk then but the
    /// entry `to` itself.
    pub(crate) fn copy(&self, from: Named<'_>, resolved: &str, to: Named<'_>) -> Result<(), Error> {
        self.entry(from, resolved, to, 0)
    }

    fn entry(
        &self,
        from: Named<'_>,
        resolved: &str,
        to: Named<'_>,
        depth: usize,
    ) -> Result<(), Error> {
        ask(self.interrupt, self.path, 0)?;
        self.entries.set(self.entries.get() + 1);
        if self.entries.get() > MAX_TREE_ENTRIES {
            return Err(Error::TooMany { path: self.path.clone(), limit: MAX_TREE_ENTRIES });
        }
        let found = facts_of(from.folder, from.name).map_err(|errno| self.fail(errno))?;
        if found.mount_root || found.is_folder() && self.root.excludes(found.id) {
            return self.leave_out(Error::Protected {
                path: self.path.clone(),
                protection: Protection::Fixed,
            });
        }
        match found.kind {
            FileType::RegularFile => self.file(from, &found, to),
            FileType::Symlink => self.link(from, &found, to),
            FileType::Directory => self.folder(from, resolved, to, depth),
            _ => self.leave_out(Error::NotRegular { path: self.path.clone() }),
        }
    }

    /// What cannot be copied: an error where everything must be.
    fn leave_out(&self, error: Error) -> Result<(), Error> {
        match self.fidelity {
            Fidelity::Exact => Err(error),
            Fidelity::Seen => Ok(()),
        }
    }

    fn file(&self, from: Named<'_>, found: &Facts, to: Named<'_>) -> Result<(), Error> {
        let fail = |errno| self.fail(errno);
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY;
        let old = open_one(from.folder, from.name, flags, ResolveFlags::NO_XDEV).map_err(fail)?;
        let opened = facts(&old).map_err(fail)?;
        if opened.id != found.id {
            return Err(fail(Errno::BUSY));
        }
        let new = mutate::create(to.folder, to.name, Mode::RUSR | Mode::WUSR).map_err(fail)?;
        self.content(&old, &new)?;
        self.carry(&old, &opened, &new)?;
        mutate::sync_file(&new).map_err(fail)
    }

    /// Copies the content, or shares it where the file system can do that.
    fn content(&self, old: &OwnedFd, new: &OwnedFd) -> Result<(), Error> {
        let fail = |errno| self.fail(errno);
        match mutate::share(new, old) {
            Ok(()) => return Ok(()),
            Err(errno @ (Errno::IO | Errno::NOSPC | Errno::DQUOT)) => return Err(fail(errno)),
            Err(_) => {}
        }
        let mut buffer = vec![0; COPY_BUFFER_BYTES];
        loop {
            ask(self.interrupt, self.path, 0)?;
            let read = retry_on_intr(|| rustix::io::read(old, buffer.as_mut_slice()));
            match read.map_err(fail)? {
                0 => return Ok(()),
                read => mutate::write(new, buffer.get(..read).unwrap_or_default()).map_err(fail)?,
            }
        }
    }

    /// Gives a copy the rights of the original, and where it must be exact all else that it has.
    fn carry(&self, old: &OwnedFd, found: &Facts, new: &OwnedFd) -> Result<(), Error> {
        match self.fidelity {
            Fidelity::Seen => {
                let mode = Mode::from_raw_mode(found.mode & 0o777);
                mutate::set_mode(new, mode).map_err(|errno| self.fail(errno))
            }
            Fidelity::Exact => {
                attributes::carry(old, found, new, self.path)?;
                mutate::set_times(new, found.written).map_err(|errno| self.fail(errno))
            }
        }
    }

    fn link(&self, from: Named<'_>, found: &Facts, to: Named<'_>) -> Result<(), Error> {
        let fail = |errno| self.fail(errno);
        let target = retry_on_intr(|| rustix::fs::readlinkat(from.folder, from.name, Vec::new()));
        mutate::make_link(target.map_err(fail)?.as_c_str(), to.folder, to.name).map_err(fail)?;
        match self.fidelity {
            Fidelity::Exact => {
                mutate::set_link_times(to.folder, to.name, found.written).map_err(fail)
            }
            Fidelity::Seen => Ok(()),
        }
    }

    fn folder(
        &self,
        from: Named<'_>,
        resolved: &str,
        to: Named<'_>,
        depth: usize,
    ) -> Result<(), Error> {
        let fail = |errno| self.fail(errno);
        if depth >= MAX_TREE_DEPTH {
            return Err(Error::TooDeep { path: self.path.clone(), limit: MAX_TREE_DEPTH });
        }
        let flags = OFlags::RDONLY | OFlags::DIRECTORY;
        let old = open_one(from.folder, from.name, flags, ResolveFlags::NO_XDEV).map_err(fail)?;
        let opened = facts(&old).map_err(fail)?;
        if self.root.excludes(opened.id) {
            return Err(fail(Errno::BUSY));
        }
        mutate::make_folder(to.folder, to.name, Mode::RWXU).map_err(fail)?;
        let new = open_one(to.folder, to.name, flags, ResolveFlags::NO_XDEV).map_err(fail)?;
        let names = entries(&old).map_err(fail)?;
        let limit = MAX_LIST_SCAN;
        let names = names.ok_or_else(|| Error::TooMany { path: self.path.clone(), limit })?;
        for name in names {
            if self.fidelity == Fidelity::Seen && temp_name::is_reserved(name.to_bytes()) {
                continue;
            }
            let below = format!("{resolved}/{}", name.to_string_lossy());
            if self.fidelity == Fidelity::Seen && !self.root.sight(|| below.clone()).is_seen() {
                continue;
            }
            if let Some((old_top, new_top)) = self.tops {
                let there =
                    || format!("{new_top}{}", below.get(old_top.len()..).unwrap_or_default());
                let path = self.path.clone();
                let protected = |protection| Error::Protected { path, protection };
                self.root.may_change(there).map_err(protected)?;
            }
            let (from, to) = (
                Named { folder: old.as_fd(), name: &name },
                Named { folder: new.as_fd(), name: &name },
            );
            self.entry(from, &below, to, depth + 1)?;
        }
        self.carry(&old, &opened, &new)?;
        mutate::sync_folder(&new).map_err(fail)
    }

    fn fail(&self, errno: Errno) -> Error {
        match errno {
            // The path itself exists: it is the tree below that changes under our hands.
            Errno::NOENT | Errno::NOTDIR | Errno::LOOP | Errno::EXIST => {
                Error::Busy { path: self.path.clone() }
            }
            Errno::XDEV => {
                Error::Protected { path: self.path.clone(), protection: Protection::Fixed }
            }
            other => Error::from_errno(other, self.path),
        }
    }
}

/// The names in a folder: `None` if they are more than can be held.
fn entries(folder: &OwnedFd) -> Result<Option<Vec<CString>>, Errno> {
    let mut names = Vec::new();
    for found in Dir::read_from(folder)? {
        let found = found?;
        if !is_dots(found.file_name()) {
            names.push(found.file_name().to_owned());
        }
        if names.len() > MAX_LIST_SCAN {
            return Ok(None);
        }
    }
    Ok(Some(names))
}
