//! The moment of a change: what is replaced is kept, the ledger knows, and one rename makes it.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};

use crate::changes::Done;
use crate::error::Error;
use crate::handle::{Facts, facts_of};
use crate::keep::Keeping;
use crate::ledger::{Act, Ledger, Look, Step, Witness};
use crate::mutate::{self, Onto};
use crate::pending::Intent;
use crate::root::VRoot;
use crate::target::Target;
use crate::vpath::VPath;

/// A step that the ledger knows. One that is not ended stays open, for the next start to decide.
pub(crate) struct Begun<'a>(Option<(&'a dyn Ledger, i64)>);

impl<'a> Begun<'a> {
    pub(crate) fn begin(
        ledger: Option<&'a dyn Ledger>,
        step: &Step,
        path: &VPath,
    ) -> Result<Self, Error> {
        let Some(ledger) = ledger else { return Ok(Self(None)) };
        let unrecorded = |source| Error::Unrecorded { path: path.clone(), source };
        ledger.begin(step).map(|entry| Self(Some((ledger, entry)))).map_err(unrecorded)
    }

    pub(crate) fn entry(&self) -> Option<i64> {
        self.0.map(|(_, entry)| entry)
    }

    /// Tells how it ended. After an error nothing may be removed that the step's witness is about.
    pub(crate) fn end(&self, made: bool) -> io::Result<()> {
        self.0.map_or(Ok(()), |(ledger, entry)| ledger.end(entry, made))
    }
}

/// A temporary file, link or folder that is ready to take its place.
pub(crate) struct Ready<'a> {
    pub(crate) root: &'a VRoot,
    pub(crate) ledger: Option<&'a dyn Ledger>,
    pub(crate) target: &'a Target<'a>,
    pub(crate) readable: BorrowedFd<'a>,
    pub(crate) path: &'a VPath,
    /// What it replaces.
    pub(crate) old: Option<&'a Facts>,
    /// What it is itself.
    pub(crate) after: Look,
}

impl Ready<'_> {
    /// Renames it onto the target.
    pub(crate) fn publish(&self, intent: Intent<'_>) -> Result<Done, Error> {
        let (target, path) = (self.target, self.path);
        let folder = &target.folder().fd;
        let keeping = match (self.ledger, self.old) {
            (Some(ledger), Some(old)) => {
                Keeping::of_file(self.root, ledger.room(), target, old, path)?
            }
            _ => Keeping::nothing(self.root),
        };
        // Keeping it takes time, and gives it one more name.
        let same = match (facts_of(folder, target.name.as_str()), self.old) {
            (Ok(found), Some(old)) => found.same_content(old),
            _ => false,
        };
        if keeping.kept().is_some() && !same {
            return Err(Error::Busy { path: path.clone() });
        }
        let step = Step {
            act: if self.old.is_some() { Act::Replace } else { Act::Make },
            path: self.root.virtual_path(&target.resolved),
            to: None,
            kept: keeping.kept().cloned(),
            lost: keeping.is_lost(),
            after: Some(self.after),
            witness: Witness::TemporaryGone {
                folder: target.folder_path(),
                name: intent.name().to_owned(),
            },
        };
        let begun = Begun::begin(self.ledger, &step, path)?;
        let onto = if self.old.is_some() { Onto::OldFile } else { Onto::FreeName };
        if let Err(errno) = mutate::rename((folder, intent.name()), (folder, &target.name), onto) {
            if begun.end(false).is_err() {
                // The next start sees the temporary file, and knows by it that nothing was changed.
                intent.leave();
                keeping.leave();
            }
            return Err(match errno {
                rustix::io::Errno::EXIST
                | rustix::io::Errno::ISDIR
                | rustix::io::Errno::NOTEMPTY => Error::Busy { path: path.clone() },
                other => Error::from_errno(other, path),
            });
        }
        let synced = mutate::sync_folder(self.readable.as_fd());
        keeping.settle();
        let told = begun.end(true);
        synced
            .map_err(io::Error::from)
            .and(told)
            .map_err(|source| Error::Unconfirmed { path: path.clone(), source })?;
        intent.finish();
        let etag = facts_of(folder, target.name.as_str()).ok().filter(|new| !new.is_folder());
        Ok(Done { entry: begun.entry(), etag: etag.map(|new| new.etag()) })
    }
}
