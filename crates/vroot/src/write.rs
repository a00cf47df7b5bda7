//! Making, replacing and extending a file.
//!
//! The new version is written beside the old one and renamed onto it. Before the temporary file
//! is made, a record of it is durable; before it is renamed, its content and attributes are; and
//! before the record is removed, the rename is. So a crash at any moment leaves the old or the new
//! file, and at most a temporary file that [`recover`](crate::VRoot::recover) finds.

use std::fs::File;
use std::os::fd::{AsFd, OwnedFd};

use rustix::fs::{Access, AtFlags, FileType, Mode, OFlags};
use rustix::io::{Errno, retry_on_intr};

use crate::attributes;
use crate::changes::{Changes, Done};
use crate::error::{Denial, Error};
use crate::handle::{Facts, Folder, Node, facts, facts_of, open_same};
use crate::ledger::{Expect, Look};
use crate::limits::{APPEND_MAX_BYTES, COPY_BUFFER_BYTES};
use crate::mutate;
use crate::pending::Intent;
use crate::publish::Ready;
use crate::root::VRoot;
use crate::target::{self, Target};
use crate::vpath::VPath;
use crate::walk::{LastLink, open_checked};

/// What a write does to the content.
pub(crate) enum Change<'a> {
    /// These bytes are the whole content.
    Replace(&'a [u8]),
    /// These bytes come after the content there is.
    Append(&'a [u8]),
    /// What this writes is the whole content.
    Fill(&'a mut dyn FnMut(&mut File) -> std::io::Result<()>),
}

/// The file that is there before the write.
#[derive(Debug)]
struct Old {
    /// Keeps the inode number from being used again before the target is examined a second time.
    node: Node,
    /// Reads content and attributes.
    source: OwnedFd,
}

impl Old {
    fn facts(&self) -> &Facts {
        &self.node.facts
    }
}

pub(crate) fn write(
    changes: Changes<'_>,
    path: &VPath,
    change: &mut Change<'_>,
    expect: Expect<'_>,
) -> Result<Done, Error> {
    let fail = |errno| Error::from_errno(errno, path);
    let root = changes.root;
    let target = Target::find(root, path, LastLink::Follow, || fail(Errno::ISDIR))?;
    let (folder, name) = (target.folder(), target.name.as_str());
    let _lock = root.locks().hold(folder.id, name);
    // Only what is there while the lock is held counts: another append may just have ended.
    let old = examine(root, folder, name, change, path)?;
    let found = old.as_ref().map(Old::facts);
    target::check(expect, found, || Ok(found.map(Look::of)), path)?;
    let readable = target.readable(path)?;

    let mut intent =
        Intent::record(root, folder, readable.as_fd(), target.folder_path()).map_err(|errno| {
            match errno {
                Errno::NOSPC | Errno::DQUOT => fail(errno),
                // The folder of records is ours, so nothing is wrong with the path of the client.
                other => Error::Io { path: path.clone(), source: other.into() },
            }
        })?;
    // Nobody else may read the new version of a file before it has the rights of the old one.
    let mode = if old.is_some() { 0o600 } else { 0o666 };
    let new = intent.create(Mode::from_raw_mode(mode)).map_err(fail)?;
    let new = fill(new, old.as_ref(), change, path)?;
    if let Some(old) = &old {
        attributes::carry(&old.source, old.facts(), &new, path)?;
    }
    mutate::sync_file(&new).map_err(fail)?;
    check_unchanged(folder, name, old.as_ref(), change, path)?;
    let after = Look::of(&facts(&new).map_err(fail)?);
    let (ledger, readable) = (changes.ledger, readable.as_fd());
    let ready = Ready { root, ledger, target: &target, readable, path, old: found, after };
    ready.publish(intent)
}

/// Looks at the target, and refuses what must not be replaced.
fn examine(
    root: &VRoot,
    folder: &Folder,
    name: &str,
    change: &Change<'_>,
    path: &VPath,
) -> Result<Option<Old>, Error> {
    let fail = |errno| Error::from_errno(errno, path);
    let Some(node) = open_checked(root, folder, name, path)? else {
        if let Change::Append(content) = change {
            check_size(0, content, path)?;
        }
        return Ok(None);
    };
    match node.facts.kind {
        FileType::RegularFile => {}
        FileType::Directory => return Err(fail(Errno::ISDIR)),
        // The walk followed links, so this one was put here since.
        FileType::Symlink => return Err(fail(Errno::BUSY)),
        _ => return Err(Error::NotRegular { path: path.clone() }),
    }
    let flags = AtFlags::EACCESS | AtFlags::SYMLINK_NOFOLLOW;
    retry_on_intr(|| rustix::fs::accessat(&folder.fd, name, Access::WRITE_OK, flags)).map_err(
        |errno| match errno {
            Errno::ACCESS | Errno::PERM => {
                Error::Denied { path: path.clone(), denial: Denial::FileReadOnly }
            }
            Errno::NOENT | Errno::LOOP => fail(Errno::BUSY),
            other => fail(other),
        },
    )?;
    if let Change::Append(content) = change {
        check_size(node.facts.size, content, path)?;
    }
    let source = match open_same(folder, name, OFlags::RDONLY, node.facts.id) {
        // The attributes of a file that may be written but not read are read in this way.
        Err(Errno::ACCESS) if !matches!(change, Change::Append(_)) => {
            open_same(folder, name, OFlags::WRONLY, node.facts.id)
        }
        other => other,
    };
    let source = source.map_err(fail)?.ok_or_else(|| fail(Errno::BUSY))?;
    Ok(Some(Old { node, source }))
}

/// Refuses an append that would make too large a file.
fn check_size(old: u64, content: &[u8], path: &VPath) -> Result<(), Error> {
    let size = old.saturating_add(content.len() as u64);
    if size > APPEND_MAX_BYTES {
        return Err(Error::TooLarge { path: path.clone(), size, limit: APPEND_MAX_BYTES });
    }
    Ok(())
}

/// Writes the content of the new version.
fn fill(
    new: OwnedFd,
    old: Option<&Old>,
    change: &mut Change<'_>,
    path: &VPath,
) -> Result<OwnedFd, Error> {
    let fail = |errno| Error::from_errno(errno, path);
    match change {
        Change::Replace(content) => mutate::write(&new, content).map_err(fail)?,
        Change::Append(content) => {
            if let Some(old) = old {
                copy(old, &new).map_err(fail)?;
            }
            mutate::write(&new, content).map_err(fail)?;
        }
        Change::Fill(writer) => {
            let mut file = File::from(new);
            writer(&mut file).map_err(|source| match Errno::from_io_error(&source) {
                Some(errno) => fail(errno),
                None => Error::Aborted { path: path.clone() },
            })?;
            return Ok(file.into());
        }
    }
    Ok(new)
}

/// Copies the old content, as much as there was when it was examined: a file that grows meanwhile
/// is noticed before the rename.
fn copy(old: &Old, new: &OwnedFd) -> Result<(), Errno> {
    let mut buffer = vec![0; COPY_BUFFER_BYTES];
    let mut left = old.facts().size;
    while left > 0 {
        let bound = usize::try_from(left).unwrap_or(usize::MAX).min(buffer.len());
        let part = buffer.get_mut(..bound).unwrap_or_default();
        let read = retry_on_intr(|| rustix::io::read(&old.source, &mut *part))?;
        if read == 0 {
            return Err(Errno::BUSY);
        }
        mutate::write(new, part.get(..read).unwrap_or_default())?;
        left = left.saturating_sub(read as u64);
    }
    Ok(())
}

/// Makes sure, right before the rename, that nobody else changed the target.
fn check_unchanged(
    folder: &Folder,
    name: &str,
    old: Option<&Old>,
    change: &Change<'_>,
    path: &VPath,
) -> Result<(), Error> {
    let same = match (facts_of(&folder.fd, name), old) {
        (Err(Errno::NOENT), None) => true,
        (Ok(found), Some(old)) => match change {
            Change::Replace(_) | Change::Fill(_) => found.id == old.facts().id,
            Change::Append(_) => found.unchanged_since(old.facts()),
        },
        (Err(errno), _) if errno != Errno::NOENT => return Err(Error::from_errno(errno, path)),
        _ => false,
    };
    if same { Ok(()) } else { Err(Error::Busy { path: path.clone() }) }
}
