//! Giving an entry another name.

use std::io;

use rustix::io::Errno;

use crate::changes::{Changes, Done};
use crate::error::{Error, Protection};
use crate::handle::facts_of;
use crate::interrupt::Interrupt;
use crate::ledger::{Act, Expect, Look, Step, Witness};
use crate::mutate::{self, Onto};
use crate::publish::Begun;
use crate::remove::root_itself;
use crate::target::{self, Target};
use crate::tree::Tree;
use crate::vpath::VPath;
use crate::walk::{LastLink, open_checked};

pub(crate) fn rename(
    changes: Changes<'_>,
    from_path: &VPath,
    to_path: &VPath,
    expect: Expect<'_>,
    interrupt: Interrupt<'_>,
) -> Result<Done, Error> {
    let root = changes.root;
    let from = Target::find(root, from_path, LastLink::Keep, || root_itself(from_path))?;
    let exists = || Error::Exists { path: to_path.clone() };
    let to = Target::find(root, to_path, LastLink::Keep, exists)?;
    // In the order of the locks, so that two moves in opposite directions do not wait for each other.
    let _locks = root.locks().hold_two((from.folder().id, &from.name), (to.folder().id, &to.name));
    let node = open_checked(root, from.folder(), &from.name, from_path)?
        .ok_or_else(|| Error::NotFound { path: from_path.clone() })?;
    if node.facts.mount_root {
        let protection = Protection::Fixed;
        return Err(Error::Protected { path: from_path.clone(), protection });
    }
    // Nothing may get out of where it is hidden, nor to where it may not be, and nobody may move what he cannot see.
    let look = if node.facts.is_folder() {
        let tree = Tree::new(root, from_path, interrupt);
        tree.at(&from.resolved).at(&to.resolved).scan(&node.fd)?
    } else {
        Look::of(&node.facts)
    };
    target::check(expect, Some(&node.facts), || Ok(Some(look)), from_path)?;
    if open_checked(root, to.folder(), &to.name, to_path)?.is_some() {
        return Err(exists());
    }
    let (old_folder, new_folder) = (from.readable(from_path)?, to.readable(to_path)?);
    let inode = node.facts.id.inode();
    let step = Step {
        act: Act::Move,
        path: root.virtual_path(&from.resolved),
        to: Some(root.virtual_path(&to.resolved)),
        kept: None,
        lost: false,
        after: Some(look),
        witness: Witness::At { folder: to.folder_path(), name: to.name.clone(), inode },
    };
    let begun = Begun::begin(changes.ledger, &step, from_path)?;
    let unconfirmed = |source| Error::Unconfirmed { path: from_path.clone(), source };
    let (old, new) = ((&from.folder().fd, from.name.as_str()), (&to.folder().fd, to.name.as_str()));
    if let Err(errno) = mutate::rename(old, new, Onto::FreeName) {
        begun.end(false).map_err(unconfirmed)?;
        return Err(match errno {
            Errno::EXIST | Errno::NOTEMPTY => exists(),
            Errno::INVAL => Error::IntoItself { path: from_path.clone() },
            other => Error::from_errno(other, from_path),
        });
    }
    if facts_of(new.0, new.1).is_ok_and(|moved| moved.id != node.facts.id) {
        // Somebody put another thing there since it was examined, which must stay.
        mutate::rename(new, old, Onto::FreeName)
            .map_err(|errno| Error::from_errno(errno, from_path))?;
        begun.end(false).map_err(unconfirmed)?;
        return Err(Error::Busy { path: from_path.clone() });
    }
    mutate::sync_folder(&new_folder)
        .and_then(|()| mutate::sync_folder(&old_folder))
        .map_err(io::Error::from)
        .and(begun.end(true))
        .map_err(unconfirmed)?;
    let moved = facts_of(new.0, new.1).ok().filter(|moved| !moved.is_folder());
    Ok(Done { entry: begun.entry(), etag: moved.map(|moved| moved.etag()) })
}
