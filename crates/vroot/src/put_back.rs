//! Putting back what was kept.

use std::ffi::CString;
use std::os::fd::AsFd as _;

use rustix::io::Errno;

use crate::changes::{Changes, Done};
use crate::copy::{Copier, Fidelity, Named};
use crate::error::Error;
use crate::handle::{Folder, facts_of};
use crate::interrupt::Interrupt;
use crate::ledger::{Act, Expect, Kept, Look, Step, Witness};
use crate::mutate::{self, Onto};
use crate::pending::Intent;
use crate::publish::{Begun, Ready};
use crate::remove::{Recursion, remove, root_itself};
use crate::rename::rename;
use crate::root::VRoot;
use crate::target::{self, Target};
use crate::tree::Tree;
use crate::vpath::VPath;
use crate::walk::{LastLink, open_checked};

/// What is at a path: `None` if nothing is.
pub(crate) fn look(
    root: &VRoot,
    path: &VPath,
    interrupt: Interrupt<'_>,
) -> Result<Option<Look>, Error> {
    let target = Target::find(root, path, LastLink::Keep, || root_itself(path))?;
    let Some(node) = open_checked(root, target.folder(), &target.name, path)? else {
        return Ok(None);
    };
    if !node.facts.is_folder() {
        return Ok(Some(Look::of(&node.facts)));
    }
    Tree::new(root, path, interrupt).at(&target.resolved).scan(&node.fd).map(Some)
}

pub(crate) fn put_back(
    changes: Changes<'_>,
    kept: &Kept,
    path: &VPath,
    expect: Expect<'_>,
    interrupt: Interrupt<'_>,
) -> Result<Done, Error> {
    let root = changes.root;
    let fail = |errno| Error::from_errno(errno, path);
    let target = Target::find(root, path, LastLink::Keep, || root_itself(path))?;
    let (folder, name) = (target.folder(), target.name.as_str());
    let _lock = root.locks().hold(folder.id, name);
    let store = root.kept().ok_or_else(|| fail(Errno::NOENT))?;
    let found = facts_of(&store.fd, kept.name.as_str()).map_err(fail)?;
    let old = open_checked(root, folder, name, path)?.map(|node| node.facts);
    // A folder never stands where something is put back: that would be in the way of the change too.
    if old.as_ref().is_some_and(|old| old.is_folder() || found.is_folder()) {
        return Err(Error::Exists { path: path.clone() });
    }
    target::check(expect, old.as_ref(), || Ok(old.as_ref().map(Look::of)), path)?;
    let readable = target.readable(path)?;
    if found.is_folder() {
        let back = Back { changes, kept, target: &target, store, path };
        match back.renamed(&readable) {
            Err(Errno::XDEV) => {}
            Err(errno) => return Err(fail(errno)),
            Ok(done) => return done,
        }
    }
    let mut intent =
        Intent::record(root, folder, readable.as_fd(), target.folder_path()).map_err(fail)?;
    let temporary = intent.expect_made().to_owned();
    // It stays among the kept things until the ledger knows that it is back.
    let linked = !found.is_folder()
        && mutate::link((&store.fd, &kept.name), (&folder.fd, &temporary)).is_ok();
    if !linked {
        let c_name = |name: &str| CString::new(name).map_err(|_| fail(Errno::INVAL));
        let (from, to) = (c_name(&kept.name)?, c_name(&temporary)?);
        Copier::new(root, path, interrupt, Fidelity::Exact).copy(
            Named { folder: store.fd.as_fd(), name: &from },
            &target.resolved,
            Named { folder: folder.fd.as_fd(), name: &to },
        )?;
    }
    let after = look_of(root, folder, &temporary, path)?;
    let (ledger, readable) = (changes.ledger, readable.as_fd());
    let old = old.as_ref();
    Ready { root, ledger, target: &target, readable, path, old, after }.publish(intent)
}

/// Makes undone what `step` did, if things still are as it left them.
pub(crate) fn undo(
    changes: Changes<'_>,
    step: &Step,
    interrupt: Interrupt<'_>,
) -> Result<Done, Error> {
    let root = changes.root;
    let place = |text: &str| {
        let parsed = VPath::parse(text)?;
        let missing = Error::NotFound { path: parsed.clone() };
        root.at_mount(&parsed).ok_or(missing)
    };
    let path = place(&step.path)?;
    let left = step.after.map_or(Expect::Absent, Expect::Look);
    match (step.act, &step.to, &step.kept) {
        (Act::Move, Some(to), _) => rename(changes, &place(to)?, &path, left, interrupt),
        (Act::Make, _, _) => remove(changes, &path, Recursion::Whole, left, interrupt),
        (_, _, Some(kept)) => put_back(changes, kept, &path, left, interrupt),
        // What was lost on purpose, or has become too old.
        _ => Err(Error::Forgotten { path }),
    }
}

/// What something of ours is.
pub(crate) fn look_of(
    root: &VRoot,
    folder: &Folder,
    name: &str,
    path: &VPath,
) -> Result<Look, Error> {
    let fail = |errno| Error::from_errno(errno, path);
    let node = crate::handle::Node::open(folder, name).map_err(fail)?;
    if node.facts.is_folder() {
        return Tree::of_ours(root).scan(&node.fd);
    }
    Ok(Look::of(&node.facts))
}

/// A tree that goes back as a whole.
struct Back<'a> {
    changes: Changes<'a>,
    kept: &'a Kept,
    target: &'a Target<'a>,
    store: &'a Folder,
    path: &'a VPath,
}

impl Back<'_> {
    /// Renames it back; an outer error means that nothing was done.
    fn renamed(&self, readable: &std::os::fd::OwnedFd) -> Result<Result<Done, Error>, Errno> {
        let root = self.changes.root;
        let after = look_of(root, self.store, &self.kept.name, self.path);
        let after = match after {
            Ok(after) => after,
            Err(error) => return Ok(Err(error)),
        };
        let step = Step {
            act: Act::Make,
            path: root.virtual_path(&self.target.resolved),
            to: None,
            kept: None,
            lost: false,
            after: Some(after),
            witness: Witness::KeptGone { name: self.kept.name.clone() },
        };
        let begun = match Begun::begin(self.changes.ledger, &step, self.path) {
            Ok(begun) => begun,
            Err(error) => return Ok(Err(error)),
        };
        let from = (&self.store.fd, self.kept.name.as_str());
        let to = (&self.target.folder().fd, self.target.name.as_str());
        let unconfirmed = |source| Error::Unconfirmed { path: self.path.clone(), source };
        if let Err(errno) = mutate::rename(from, to, Onto::FreeName) {
            return match begun.end(false) {
                Ok(()) => Err(errno),
                Err(source) => Ok(Err(unconfirmed(source))),
            };
        }
        let ended = mutate::sync_folder(readable)
            .and_then(|()| mutate::sync_folder(&self.store.fd))
            .map_err(std::io::Error::from)
            .and(begun.end(true))
            .map_err(unconfirmed);
        Ok(ended.map(|()| Done { entry: begun.entry(), etag: None }))
    }
}
