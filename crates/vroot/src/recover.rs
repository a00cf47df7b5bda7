//! Cleaning up after a crash.

use std::os::fd::AsFd;

use rustix::fs::Dir;
use rustix::io::Errno;

use crate::error::{Error, ErrorKind};
use crate::handle::{Folder, facts_of};
use crate::ledger::{Step, Witness};
use crate::limits::MAX_PENDING_RECORDS;
use crate::list::is_dots;
use crate::mutate;
use crate::pending::{Record, Removed, remove_durably};
use crate::root::VRoot;
use crate::vpath::VPath;
use crate::walk::{LastLink, Leaf, walk};

/// What a recovery did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Recovered {
    /// Temporary files that were removed.
    pub files: usize,
    /// Records that were removed: of those files, of writes that had ended, and damaged ones.
    pub records: usize,
    /// Records that are still there, for the next recovery: their folder or file could not be
    /// reached or changed, or there were more than
    /// [`MAX_PENDING_RECORDS`].
    pub kept: usize,
}

pub(crate) fn recover(root: &VRoot) -> Result<Recovered, Error> {
    // Without running writes, every record is one that a crash left.
    let _locks = root.locks().hold_all();
    // The pending folder has no virtual path, so its errors are told at the root.
    let fail = |errno| Error::from_errno(errno, &VPath::root());
    let mut done = Recovered::default();
    for name in records(root, &mut done).map_err(fail)? {
        let settled = Record::load(root.pending(), &name).and_then(|record| match record {
            Some(record) => settle(root, &record),
            None => Ok(Removed::WasAbsent),
        });
        let Ok(removed) = settled else {
            done.kept += 1;
            continue;
        };
        done.files += usize::from(removed == Removed::Yes);
        match mutate::unlink(root.pending(), name.as_str()) {
            Ok(()) | Err(Errno::NOENT) => done.records += 1,
            Err(_) => done.kept += 1,
        }
    }
    mutate::sync_folder(root.pending()).map_err(fail)?;
    Ok(done)
}

/// The names of the records, at most so many as one recovery handles.
fn records(root: &VRoot, done: &mut Recovered) -> Result<Vec<String>, Errno> {
    let mut names = Vec::new();
    for found in Dir::new(Folder::readable_of(root.pending())?)? {
        let found = found?;
        let Ok(name) = found.file_name().to_str() else {
            continue;
        };
        if is_dots(found.file_name()) {
            continue;
        }
        if names.len() < MAX_PENDING_RECORDS {
            names.push(name.to_owned());
        } else {
            done.kept += 1;
        }
    }
    Ok(names)
}

/// Removes the temporary file of a record, if both it and its folder are still there.
fn settle(root: &VRoot, record: &Record) -> Result<Removed, Errno> {
    let Ok(path) = VPath::parse(&record.folder) else {
        return Ok(Removed::WasAbsent);
    };
    let place = match walk(root, &path, LastLink::Keep) {
        Ok(place) => place,
        Err(error) => {
            return match error.kind() {
                ErrorKind::Denied | ErrorKind::Busy | ErrorKind::Io => Err(Errno::ACCESS),
                // The folder is gone, or the path has come to mean something else.
                _ => Ok(Removed::WasAbsent),
            };
        }
    };
    let folder = match &place.leaf {
        Leaf::Here => &place.folder().fd,
        Leaf::Entry { node: Some(node), .. } if node.facts.is_folder() => &node.fd,
        Leaf::Entry { .. } => return Ok(Removed::WasAbsent),
    };
    remove_durably(root, folder, Folder::readable_of(folder)?, &record.name)
}

/// Whether a step was made that a process left open.
pub(crate) fn was_made(root: &VRoot, step: &Step) -> bool {
    let kept = |name: &str| {
        let store = root.kept().ok_or(Errno::NOENT)?;
        inode_at(&store.fd, name)
    };
    let told = match &step.witness {
        Witness::TemporaryGone { folder, name } => at(root, folder, name).map(|at| at.is_none()),
        Witness::TemporaryThere { folder, name } => at(root, folder, name).map(|at| at.is_some()),
        Witness::KeptThere { name } => kept(name).map(|at| at.is_some()),
        Witness::KeptGone { name } => kept(name).map(|at| at.is_none()),
        Witness::At { folder, name, inode } => at(root, folder, name).map(|at| at == Some(*inode)),
        Witness::Gone { folder, name, inode } => {
            at(root, folder, name).map(|at| at != Some(*inode))
        }
    };
    told.unwrap_or(true)
}

/// The inode at a name of a folder of the root.
fn at(root: &VRoot, folder: &str, name: &str) -> Result<Option<u64>, Errno> {
    let path = VPath::parse(folder).map_err(|_| Errno::INVAL)?;
    let place = walk(root, &path, LastLink::Keep).map_err(|_| Errno::IO)?;
    match &place.leaf {
        Leaf::Here => inode_at(&place.folder().fd, name),
        Leaf::Entry { node: Some(node), .. } => inode_at(&node.fd, name),
        Leaf::Entry { node: None, .. } => Err(Errno::NOENT),
    }
}

fn inode_at(folder: impl AsFd, name: &str) -> Result<Option<u64>, Errno> {
    match facts_of(folder, name) {
        Ok(found) => Ok(Some(found.id.inode())),
        Err(Errno::NOENT) => Ok(None),
        Err(errno) => Err(errno),
    }
}
