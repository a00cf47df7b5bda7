//! Keeping what a change replaces, in a folder of our own.
//!
//! On the file system of the root this costs no copy: a file that is replaced gets one more name, and what is removed is
//! renamed away. A file that has other names already is copied, since a program that writes to one of them would change
//! what is kept; so is everything where the folder of kept things lies on another file system. Where the file system can
//! do it, such a copy shares its blocks.

use std::ffi::CString;
use std::os::fd::AsFd as _;

use rustix::fs::{Dir, FileType};
use rustix::io::Errno;

use crate::copy::{Copier, Fidelity, Named};
use crate::error::Error;
use crate::handle::{Facts, Folder, facts_of};
use crate::interrupt::{Interrupt, uninterrupted};
use crate::ledger::{Beyond, Kept, Look, Room};
use crate::mutate;
use crate::pending::remove_whole;
use crate::root::VRoot;
use crate::target::Target;
use crate::temp_name;
use crate::vpath::VPath;

/// Something that is kept for a change which is not made yet. It is removed when this is dropped before
/// [`settle`](Self::settle).
pub(crate) struct Keeping<'a> {
    root: &'a VRoot,
    kept: Option<Kept>,
    lost: bool,
    settled: bool,
}

impl<'a> Keeping<'a> {
    /// Where nothing is replaced, or nobody wants it kept.
    pub(crate) fn nothing(root: &'a VRoot) -> Self {
        Self { root, kept: None, lost: false, settled: true }
    }

    /// Where something is replaced that is not kept.
    fn lost(root: &'a VRoot) -> Self {
        Self { root, kept: None, lost: true, settled: true }
    }

    /// A free name for what is about to be renamed away; `None` where there is no room for it and it may be lost.
    pub(crate) fn name(
        root: &VRoot,
        budget: Room,
        look: Look,
        path: &VPath,
    ) -> Result<Option<Kept>, Error> {
        let limit = if root.kept().is_some() { budget.bytes } else { 0 };
        if look.bytes > limit || root.kept().is_none() {
            return match budget.beyond {
                Beyond::Forget => Ok(None),
                Beyond::Refuse => {
                    Err(Error::NotKept { path: path.clone(), size: look.bytes, limit })
                }
            };
        }
        let name = temp_name::fresh().map_err(|source| Error::Io { path: path.clone(), source })?;
        Ok(Some(Kept { name, look }))
    }

    /// Keeps the file or link that is at the target.
    pub(crate) fn of_file(
        root: &'a VRoot,
        budget: Room,
        target: &Target<'_>,
        old: &Facts,
        path: &VPath,
    ) -> Result<Self, Error> {
        let Some(kept) = Self::name(root, budget, Look::of(old), path)? else {
            return Ok(Self::lost(root));
        };
        Self::keep(root, kept, target, old, path, &uninterrupted)
    }

    /// Keeps what is at the target, as a second name or a copy, under the name chosen for it.
    pub(crate) fn keep(
        root: &'a VRoot,
        kept: Kept,
        target: &Target<'_>,
        old: &Facts,
        path: &VPath,
        interrupt: Interrupt<'_>,
    ) -> Result<Self, Error> {
        let fail = |errno| Error::from_errno(errno, path);
        let Some(store) = root.kept() else { return Ok(Self::lost(root)) };
        let folder = target.folder();
        let name = kept.name.clone();
        // Built first, so that what is kept only in part is removed again.
        let keeping = Self { root, kept: Some(kept), lost: false, settled: false };
        if !linked(folder, &target.name, store, &name, old).map_err(fail)? {
            let c_name = |name: &str| CString::new(name).map_err(|_| fail(Errno::INVAL));
            let (from, to) = (c_name(&target.name)?, c_name(&name)?);
            Copier::new(root, path, interrupt, Fidelity::Exact).copy(
                Named { folder: folder.fd.as_fd(), name: &from },
                &target.resolved,
                Named { folder: store.fd.as_fd(), name: &to },
            )?;
        }
        mutate::sync_folder(&store.fd).map_err(fail)?;
        Ok(keeping)
    }

    pub(crate) fn kept(&self) -> Option<&Kept> {
        self.kept.as_ref()
    }

    pub(crate) fn is_lost(&self) -> bool {
        self.lost
    }

    /// The change is made: what is kept stays.
    pub(crate) fn settle(mut self) {
        self.settled = true;
    }

    /// It is not known whether the change counts: what is kept stays for the next start.
    pub(crate) fn leave(self) {
        self.settle();
    }
}

impl Drop for Keeping<'_> {
    fn drop(&mut self) {
        if let (false, Some(kept)) = (self.settled, &self.kept) {
            // What cannot be removed is found by the next start, since no change names it.
            forget(self.root, &kept.name).unwrap_or_default();
        }
    }
}

/// Gives a file or link one more name, if that is as good as a copy and can be done.
fn linked(
    folder: &Folder,
    name: &str,
    store: &Folder,
    new_name: &str,
    old: &Facts,
) -> Result<bool, Errno> {
    let alone = old.kind == FileType::RegularFile && old.links == 1;
    if !alone && old.kind != FileType::Symlink {
        return Ok(false);
    }
    match mutate::link((&folder.fd, name), (&store.fd, new_name)) {
        Ok(()) => {}
        Err(Errno::XDEV | Errno::PERM | Errno::ACCESS | Errno::MLINK | Errno::NOTSUP) => {
            return Ok(false);
        }
        Err(errno) => return Err(errno),
    }
    // Somebody can have put another file there since it was examined.
    if facts_of(&store.fd, new_name)?.id == old.id { Ok(true) } else { Err(Errno::BUSY) }
}

/// Removes a kept thing, if it is there.
pub(crate) fn forget(root: &VRoot, name: &str) -> Result<(), Error> {
    let path = VPath::root();
    let fail = |errno| Error::from_errno(errno, &path);
    match root.kept() {
        Some(store) if temp_name::is_exact(name) => {
            remove_whole(root, &store.fd, name).map_err(fail)?;
            mutate::sync_folder(&store.fd).map_err(fail)
        }
        _ => Ok(()),
    }
}

/// The names of all kept things.
pub(crate) fn names(root: &VRoot) -> Result<Vec<String>, Error> {
    let Some(store) = root.kept() else { return Ok(Vec::new()) };
    let list = || -> Result<Vec<String>, Errno> {
        let mut names = Vec::new();
        for found in Dir::new(store.readable()?)? {
            let found = found?;
            let name = found.file_name().to_str().unwrap_or_default();
            if temp_name::is_exact(name) {
                names.push(name.to_owned());
            }
        }
        Ok(names)
    };
    list().map_err(|errno| Error::from_errno(errno, &VPath::root()))
}
