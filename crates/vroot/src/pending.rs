//! Records of unfinished changes.
//!
//! A temporary file lies in the folder of its target, where nobody would look for it after a
//! crash. So before it is made, a record that names it is made durable in a folder of our own.

use std::fs::File;
use std::io::Read as _;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::{Mode, OFlags, ResolveFlags};
use rustix::io::Errno;
use serde::{Deserialize, Serialize};

use crate::handle::{Folder, facts_of, open_one};
use crate::limits::MAX_RECORD_BYTES;
use crate::mutate;
use crate::root::VRoot;
use crate::temp_name;
use crate::tree::Tree;

/// Where a temporary file is about to be made.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Record {
    /// The virtual path of the folder, as walked, without links.
    pub(crate) folder: String,
    /// The name of the temporary file.
    pub(crate) name: String,
}

impl Record {
    /// Reads a record: `None` if it is not whole, as after a crash in the middle of its making,
    /// when the file that it would name was not made yet.
    pub(crate) fn load(pending: BorrowedFd<'_>, file: &str) -> Result<Option<Self>, Errno> {
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY;
        let opened = open_one(pending, file, flags, ResolveFlags::empty())?;
        let mut text = Vec::new();
        let read = File::from(opened).take(MAX_RECORD_BYTES).read_to_end(&mut text);
        read.map_err(|error| Errno::from_io_error(&error).unwrap_or(Errno::IO))?;
        let record = serde_json::from_slice::<Self>(&text).ok();
        Ok(record.filter(|record| temp_name::is_exact(&record.name)))
    }

    /// Makes the record durable in the pending folder.
    fn store(&self, pending: BorrowedFd<'_>) -> Result<(), Errno> {
        let text = serde_json::to_vec(self).map_err(|_| Errno::INVAL)?;
        let file = mutate::create(pending, &self.name, Mode::RUSR | Mode::WUSR)?;
        mutate::write(&file, &text)?;
        mutate::sync_file(&file)?;
        mutate::sync_folder(pending)
    }
}

/// A temporary file and its record. Both are removed when this is dropped before
/// [`finish`](Self::finish).
#[derive(Debug)]
pub(crate) struct Intent<'a> {
    root: &'a VRoot,
    folder: &'a Folder,
    readable: BorrowedFd<'a>,
    name: String,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// The record may exist, the file does not.
    Recorded,
    /// The file may exist.
    Made,
    /// Neither is left.
    Finished,
}

impl<'a> Intent<'a> {
    /// Records durably that a temporary file will be made in `folder`, whose path is `path` and
    /// which `readable` can synchronise.
    pub(crate) fn record(
        root: &'a VRoot,
        folder: &'a Folder,
        readable: BorrowedFd<'a>,
        path: String,
    ) -> Result<Self, Errno> {
        let name = temp_name::fresh().map_err(|_| Errno::IO)?;
        let record = Record { folder: path, name: name.clone() };
        // Built first, so that a record which could be made only in part is removed again.
        let intent = Self { root, folder, readable, name, state: State::Recorded };
        record.store(root.pending())?;
        Ok(intent)
    }

    /// Makes the temporary file.
    pub(crate) fn create(&mut self, mode: Mode) -> Result<OwnedFd, Errno> {
        mutate::create(&self.folder.fd, self.expect_made(), mode)
    }

    /// The name for a temporary file, link or folder that is about to be made there.
    pub(crate) fn expect_made(&mut self) -> &str {
        self.state = State::Made;
        &self.name
    }

    /// The name of the temporary file.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Removes the record, once the temporary file has become the target.
    ///
    /// A record that stays is removed by the next recovery, which then finds no temporary file.
    pub(crate) fn finish(mut self) {
        self.state = State::Finished;
        discard(mutate::unlink(self.root.pending(), self.name.as_str()));
    }

    /// Leaves both, for the next recovery.
    pub(crate) fn leave(mut self) {
        self.state = State::Finished;
    }

    /// Removes what is there; the record last, and only when the file is durably gone.
    fn undo(&self) -> Result<(), Errno> {
        if self.state == State::Made {
            remove_durably(self.root, &self.folder.fd, self.readable, &self.name)?;
        }
        mutate::unlink(self.root.pending(), self.name.as_str())
    }
}

impl Drop for Intent<'_> {
    fn drop(&mut self) {
        if self.state != State::Finished {
            // What cannot be removed here keeps its record, and so the next recovery removes it.
            discard(self.undo());
        }
    }
}

/// Removes a temporary file, link or folder, if it exists, so that it is gone after a power cut too.
pub(crate) fn remove_durably(
    root: &VRoot,
    folder: impl AsFd,
    readable: impl AsFd,
    name: &str,
) -> Result<Removed, Errno> {
    match remove_whole(root, folder, name)? {
        Removed::Yes => mutate::sync_folder(readable).map(|()| Removed::Yes),
        Removed::WasAbsent => Ok(Removed::WasAbsent),
    }
}

/// Removes an entry of ours with all beneath it, if it exists.
pub(crate) fn remove_whole(root: &VRoot, folder: impl AsFd, name: &str) -> Result<Removed, Errno> {
    let errno = match mutate::unlink(&folder, name) {
        Ok(()) => return Ok(Removed::Yes),
        Err(errno) => errno,
    };
    // A folder that cannot be written refuses first, whether the file exists or not.
    match facts_of(&folder, name) {
        Err(Errno::NOENT) => Ok(Removed::WasAbsent),
        Ok(found) if found.is_folder() => {
            Tree::of_ours(root).clear_named(&folder, name)?;
            mutate::remove_folder(&folder, name).map(|()| Removed::Yes)
        }
        _ => Err(errno),
    }
}

/// Whether [`remove_durably`] found a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Removed {
    Yes,
    WasAbsent,
}

/// Takes a result that changes nothing for the caller: a record that stays is harmless.
fn discard(_result: Result<(), Errno>) {}
