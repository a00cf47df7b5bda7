//! Making a folder with all beneath it, or a copy, so that it appears as a whole.

use std::ffi::CString;
use std::fs::File;
use std::os::fd::{AsFd as _, OwnedFd};

use rustix::fs::{FileType, Mode, OFlags, ResolveFlags};
use rustix::io::Errno;

use crate::changes::{Changes, Done};
use crate::copy::{Copier, Fidelity, Named};
use crate::error::Error;
use crate::handle::open_one;
use crate::interrupt::{Interrupt, ask};
use crate::ledger::Expect;
use crate::limits::MAX_TREE_DEPTH;
use crate::mutate;
use crate::pending::Intent;
use crate::publish::Ready;
use crate::put_back::look_of;
use crate::remove::root_itself;
use crate::root::VRoot;
use crate::target::{self, Target};
use crate::vpath::{PARENT, VPath, check_name, components};
use crate::walk::{LastLink, Leaf, open_checked, walk};

/// A folder that is being made, unseen.
pub struct Stage<'a> {
    root: &'a VRoot,
    /// The path in the root at which it will stand.
    resolved: String,
    top: OwnedFd,
    path: &'a VPath,
    interrupt: Interrupt<'a>,
}

impl Stage<'_> {
    /// Makes a folder, with those on its way that are not there yet.
    pub fn folder(&mut self, relative: &str) -> Result<(), Error> {
        self.enter(&self.names(relative)?).map(drop)
    }

    /// Makes a file that is not there yet, with these permission bits, and the folders on its way. It must be given to
    /// [`Stage::close`].
    pub fn file(&mut self, relative: &str, mode: u32) -> Result<File, Error> {
        ask(self.interrupt, self.path, 0)?;
        let names = self.names(relative)?;
        let (name, folders) = names.split_last().ok_or_else(|| self.fail(Errno::ISDIR))?;
        let folder = self.enter(folders)?;
        let mode = Mode::from_raw_mode(mode & 0o777);
        mutate::create(&folder, name.as_str(), mode)
            .map(File::from)
            .map_err(|errno| self.fail(errno))
    }

    /// Puts a file on the disk.
    pub fn close(&mut self, file: &File) -> Result<(), Error> {
        mutate::sync_file(file).map_err(|errno| self.fail(errno))
    }

    /// The components of a path in the folder, each a name that a client may use.
    fn names(&self, relative: &str) -> Result<Vec<String>, Error> {
        let names: Vec<String> = components(relative).map(str::to_owned).collect();
        if names.len() > MAX_TREE_DEPTH {
            return Err(Error::TooDeep { path: self.path.clone(), limit: MAX_TREE_DEPTH });
        }
        let mut resolved = self.resolved.clone();
        for name in &names {
            if name == PARENT {
                return Err(Error::Escape { path: self.path.clone() });
            }
            check_name(name).map_err(|fault| Error::InvalidPath { fault })?;
            resolved = format!("{resolved}/{name}");
            // Nobody makes what he could not see then.
            let protected = |protection| Error::Protected { path: self.path.clone(), protection };
            self.root.may_change(|| resolved.clone()).map_err(protected)?;
        }
        Ok(names)
    }

    fn enter(&self, names: &[String]) -> Result<OwnedFd, Error> {
        let fail = |errno| self.fail(errno);
        let flags = OFlags::RDONLY | OFlags::DIRECTORY;
        let open =
            |folder: &OwnedFd, name: &str| open_one(folder, name, flags, ResolveFlags::NO_XDEV);
        let mut folder = open(&self.top, ".").map_err(fail)?;
        for name in names {
            folder = match open(&folder, name) {
                Err(Errno::NOENT) => {
                    mutate::make_folder(&folder, name.as_str(), Mode::from_raw_mode(0o777))
                        .map_err(fail)?;
                    mutate::sync_folder(&folder).map_err(fail)?;
                    open(&folder, name).map_err(fail)?
                }
                other => other.map_err(fail)?,
            };
        }
        Ok(folder)
    }

    fn fail(&self, errno: Errno) -> Error {
        Error::from_errno(errno, self.path)
    }
}

pub(crate) fn build(
    changes: Changes<'_>,
    path: &VPath,
    interrupt: Interrupt<'_>,
    build: &mut dyn FnMut(&mut Stage<'_>) -> Result<(), Error>,
) -> Result<Done, Error> {
    let fail = |errno| Error::from_errno(errno, path);
    make(changes, path, Expect::Absent, &mut |target, temporary| {
        let folder = &target.folder().fd;
        mutate::make_folder(folder, temporary, Mode::from_raw_mode(0o777)).map_err(fail)?;
        let flags = OFlags::RDONLY | OFlags::DIRECTORY;
        let top = open_one(folder, temporary, flags, ResolveFlags::NO_XDEV).map_err(fail)?;
        let (root, resolved) = (changes.root, target.resolved.clone());
        let mut stage = Stage { root, resolved, top, path, interrupt };
        build(&mut stage)?;
        mutate::sync_folder(&stage.top).map_err(fail)
    })
}

pub(crate) fn copy(
    changes: Changes<'_>,
    from: &VPath,
    to: &VPath,
    expect: Expect<'_>,
    interrupt: Interrupt<'_>,
) -> Result<Done, Error> {
    let root = changes.root;
    let not_found = || Error::NotFound { path: from.clone() };
    let source = walk(root, from, LastLink::Keep)?;
    let Leaf::Entry { name, node } = &source.leaf else {
        return Err(Error::IntoItself { path: from.clone() });
    };
    let node = node.as_ref().ok_or_else(not_found)?;
    let resolved = source.path_of(name);
    if !root.sight(|| resolved.clone()).is_seen() {
        return Err(not_found());
    }
    if !matches!(node.facts.kind, FileType::RegularFile | FileType::Symlink | FileType::Directory) {
        return Err(Error::NotRegular { path: from.clone() });
    }
    let expect = if node.facts.kind == FileType::RegularFile { expect } else { Expect::Absent };
    make(changes, to, expect, &mut |target, temporary| {
        let inside = format!("{resolved}/");
        if node.facts.is_folder() && format!("{}/", target.resolved).starts_with(&inside) {
            return Err(Error::IntoItself { path: to.clone() });
        }
        let c_name = |name: &str| CString::new(name).map_err(|_| not_found());
        let (old, new) = (c_name(name)?, c_name(temporary)?);
        let copier = Copier::new(root, from, interrupt, Fidelity::Seen);
        copier.onto(&resolved, &target.resolved).copy(
            Named { folder: source.folder().fd.as_fd(), name: &old },
            &resolved,
            Named { folder: target.folder().fd.as_fd(), name: &new },
        )
    })
}

/// Lets `fill` make something at a temporary name, and puts it into place.
fn make(
    changes: Changes<'_>,
    path: &VPath,
    expect: Expect<'_>,
    fill: &mut dyn FnMut(&Target<'_>, &str) -> Result<(), Error>,
) -> Result<Done, Error> {
    let root: &VRoot = changes.root;
    let fail = |errno| Error::from_errno(errno, path);
    let target = Target::find(root, path, LastLink::Keep, || match expect {
        Expect::Absent => Error::Exists { path: path.clone() },
        _ => root_itself(path),
    })?;
    let folder = target.folder();
    let _lock = root.locks().hold(folder.id, &target.name);
    let old = open_checked(root, folder, &target.name, path)?.map(|node| node.facts);
    target::check(expect, old.as_ref(), || Ok(None), path)?;
    if old.as_ref().is_some_and(|old| old.kind != FileType::RegularFile) {
        return Err(Error::Exists { path: path.clone() });
    }
    let readable = target.readable(path)?;
    let mut intent =
        Intent::record(root, folder, readable.as_fd(), target.folder_path()).map_err(fail)?;
    let temporary = intent.expect_made().to_owned();
    fill(&target, &temporary)?;
    let after = look_of(root, folder, &temporary, path)?;
    let (ledger, readable) = (changes.ledger, readable.as_fd());
    let old = old.as_ref();
    Ready { root, ledger, target: &target, readable, path, old, after }.publish(intent)
}
