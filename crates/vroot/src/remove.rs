//! Removing an entry or a tree.
//!
//! What is kept is renamed away as a whole, into the folder of kept things or, where that lies on another file system,
//! to the name of a temporary file once a copy of it is kept. What is not kept is removed entry by entry.

use std::os::fd::OwnedFd;

use rustix::io::Errno;

use crate::changes::{Changes, Done};
use crate::error::{Error, Protection};
use crate::handle::{Folder, Node, facts_of};
use crate::interrupt::Interrupt;
use crate::keep::Keeping;
use crate::ledger::{Act, Expect, Kept, Ledger, Look, Step, Witness};
use crate::mutate::{self, Onto};
use crate::pending::Intent;
use crate::publish::Begun;
use crate::root::VRoot;
use crate::target::{self, Target};
use crate::tree::Tree;
use crate::vpath::VPath;
use crate::walk::{LastLink, open_checked};

/// What to do with a folder that is not empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recursion {
    /// Leave it, and answer [`Error::NotEmpty`].
    Refuse,
    /// Remove it with all that is below it. Where it is not kept, a failure or an interruption in the middle leaves the
    /// rest in place.
    Whole,
}

pub(crate) fn remove(
    changes: Changes<'_>,
    path: &VPath,
    recursion: Recursion,
    expect: Expect<'_>,
    interrupt: Interrupt<'_>,
) -> Result<Done, Error> {
    let root = changes.root;
    let fail = |errno| Error::from_errno(errno, path);
    let target = Target::find(root, path, LastLink::Keep, || root_itself(path))?;
    let folder = target.folder();
    // A write to the same name ends before or starts after.
    let _lock = root.locks().hold(folder.id, &target.name);
    let node = open_checked(root, folder, &target.name, path)?.ok_or_else(|| fail(Errno::NOENT))?;
    if node.facts.mount_root {
        return Err(Error::Protected { path: path.clone(), protection: Protection::Fixed });
    }
    let readable = target.readable(path)?;
    let removal = Removal { root, target: &target, node: &node, readable, path, interrupt };
    let look = match (node.facts.is_folder(), recursion, changes.ledger) {
        (true, Recursion::Whole, _) | (true, Recursion::Refuse, Some(_)) => {
            removal.tree().scan(&node.fd)?
        }
        _ => Look::of(&node.facts),
    };
    target::check(expect, Some(&node.facts), || Ok(Some(look)), path)?;
    let Some(ledger) = changes.ledger else {
        removal.for_good(recursion)?;
        return Ok(Done { entry: None, etag: None });
    };
    if recursion == Recursion::Refuse && look.entries > 1 {
        return Err(fail(Errno::NOTEMPTY));
    }
    let entry = if let Some(kept) = Keeping::name(root, ledger.room(), look, path)? {
        removal.away(ledger, kept)?
    } else {
        let step = Step { lost: true, ..removal.step(None, removal.gone()) };
        let begun = Begun::begin(Some(ledger), &step, path)?;
        let removed = removal.for_good(recursion);
        let told = begun.end(removed.is_ok()).map_err(|source| removal.unconfirmed(source));
        removed.and(told)?;
        begun.entry()
    };
    Ok(Done { entry, etag: None })
}

/// Why the exposed folder itself cannot be removed.
pub(crate) fn root_itself(path: &VPath) -> Error {
    Error::Protected { path: path.clone(), protection: Protection::Root }
}

struct Removal<'a> {
    root: &'a VRoot,
    target: &'a Target<'a>,
    node: &'a Node,
    readable: OwnedFd,
    path: &'a VPath,
    interrupt: Interrupt<'a>,
}

impl Removal<'_> {
    fn tree(&self) -> Tree<'_> {
        Tree::new(self.root, self.path, self.interrupt).at(&self.target.resolved)
    }

    fn fail(&self, errno: Errno) -> Error {
        Error::from_errno(errno, self.path)
    }

    fn unconfirmed(&self, source: std::io::Error) -> Error {
        Error::Unconfirmed { path: self.path.clone(), source }
    }

    fn step(&self, kept: Option<Kept>, witness: Witness) -> Step {
        Step {
            act: Act::Remove,
            path: self.root.virtual_path(&self.target.resolved),
            to: None,
            kept,
            lost: false,
            after: None,
            witness,
        }
    }

    fn gone(&self) -> Witness {
        Witness::Gone {
            folder: self.target.folder_path(),
            name: self.target.name.clone(),
            inode: self.node.facts.id.inode(),
        }
    }

    /// Renames it into the folder of kept things.
    fn away(&self, ledger: &dyn Ledger, kept: Kept) -> Result<Option<i64>, Error> {
        let (folder, name) = (self.target.folder(), self.target.name.as_str());
        let Some(store) = self.root.kept() else { return Err(self.fail(Errno::NOENT)) };
        let new_name = kept.name.clone();
        let step = self.step(Some(kept.clone()), Witness::KeptThere { name: new_name.clone() });
        let begun = Begun::begin(Some(ledger), &step, self.path)?;
        let from = (&folder.fd, name);
        let to = (&store.fd, new_name.as_str());
        if let Err(errno) = mutate::rename(from, to, Onto::FreeName) {
            begun.end(false).map_err(|source| self.unconfirmed(source))?;
            return match errno {
                // Another file system, or another mount of the same.
                Errno::XDEV => self.aside(ledger, kept),
                other => Err(self.fail(other)),
            };
        }
        let moved = facts_of(&store.fd, new_name.as_str());
        if moved.is_ok_and(|moved| moved.id != self.node.facts.id) {
            // Somebody put another thing there since it was examined, which must stay.
            mutate::rename(to, from, Onto::FreeName).map_err(|errno| self.fail(errno))?;
            begun.end(false).map_err(|source| self.unconfirmed(source))?;
            return Err(self.fail(Errno::BUSY));
        }
        mutate::sync_folder(&store.fd)
            .and_then(|()| mutate::sync_folder(&self.readable))
            .map_err(std::io::Error::from)
            .and(begun.end(true))
            .map_err(|source| self.unconfirmed(source))?;
        Ok(begun.entry())
    }

    /// Keeps a copy, renames the entry aside, and removes it there.
    fn aside(&self, ledger: &dyn Ledger, kept: Kept) -> Result<Option<i64>, Error> {
        let (root, path) = (self.root, self.path);
        let (folder, name) = (self.target.folder(), self.target.name.as_str());
        let facts = &self.node.facts;
        let keeping = Keeping::keep(root, kept, self.target, facts, path, self.interrupt)?;
        let folder_path = self.target.folder_path();
        let readable = std::os::fd::AsFd::as_fd(&self.readable);
        let mut intent = Intent::record(root, folder, readable, folder_path.clone())
            .map_err(|errno| self.fail(errno))?;
        let aside = intent.name().to_owned();
        let witness = Witness::TemporaryThere { folder: folder_path, name: aside.clone() };
        let step = self.step(keeping.kept().cloned(), witness);
        let begun = Begun::begin(Some(ledger), &step, path)?;
        let (from, to) = ((&folder.fd, name), (&folder.fd, aside.as_str()));
        if let Err(errno) = mutate::rename(from, to, Onto::FreeName) {
            if begun.end(false).is_err() {
                keeping.leave();
            }
            return Err(self.fail(errno));
        }
        if facts_of(&folder.fd, aside.as_str()).is_ok_and(|moved| moved.id != facts.id) {
            mutate::rename(to, from, Onto::FreeName).map_err(|errno| self.fail(errno))?;
            if begun.end(false).is_err() {
                keeping.leave();
            }
            return Err(self.fail(Errno::BUSY));
        }
        let synced = mutate::sync_folder(&self.readable).map_err(std::io::Error::from);
        keeping.settle();
        if let Err(source) = synced.and(begun.end(true)) {
            // By the file that stays aside the next start knows that it was removed.
            intent.leave();
            return Err(self.unconfirmed(source));
        }
        // The drop removes it there, and the record of it.
        intent.expect_made();
        drop(intent);
        Ok(begun.entry())
    }

    /// Removes it, entry by entry.
    fn for_good(&self, recursion: Recursion) -> Result<(), Error> {
        let (folder, name) = (self.target.folder(), self.target.name.as_str());
        if self.node.facts.is_folder() {
            if recursion == Recursion::Whole {
                self.tree().clear(&self.node.fd)?;
            }
            self.folder_itself(folder, name)?;
        } else {
            mutate::unlink(&folder.fd, name).map_err(|errno| match errno {
                Errno::ISDIR => self.fail(Errno::BUSY),
                other => self.fail(other),
            })?;
        }
        mutate::sync_folder(&self.readable).map_err(|errno| self.unconfirmed(errno.into()))
    }

    fn folder_itself(&self, folder: &Folder, name: &str) -> Result<(), Error> {
        mutate::remove_folder(&folder.fd, name).map_err(|errno| match errno {
            // POSIX lets a file system say either.
            Errno::EXIST => self.fail(Errno::NOTEMPTY),
            Errno::NOTDIR => self.fail(Errno::BUSY),
            other => self.fail(other),
        })
    }
}
