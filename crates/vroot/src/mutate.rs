//! The calls that change something on disk, all of them.
//!
//! They are kept together because each is a point at which the power can fail or the disk can
//! refuse: a test makes the n-th of them fail, for every n.

use std::ffi::CStr;
use std::os::fd::{AsFd, OwnedFd};

use rustix::fs::{
    AtFlags, Gid, Mode, OFlags, RenameFlags, ResolveFlags, Timespec, Timestamps, UTIME_OMIT, Uid,
    XattrFlags,
};
use rustix::io::{Errno, retry_on_intr};
use rustix::path::Arg;

use crate::fault::{Call, point};
use crate::handle::{facts_of, open_one_with};

/// Makes a file that must not exist yet, and opens it for writing.
pub(crate) fn create(
    folder: impl AsFd,
    name: impl Arg + Copy,
    mode: Mode,
) -> Result<OwnedFd, Errno> {
    point(Call::Create)?;
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL;
    open_one_with(folder, name, flags, mode, ResolveFlags::empty())
}

/// Writes all bytes.
pub(crate) fn write(file: impl AsFd, content: &[u8]) -> Result<(), Errno> {
    // Two calls, so that a test can stop in the middle of a content.
    let (first, second) = content.split_at(content.len() / 2);
    for mut rest in [first, second] {
        point(Call::Write)?;
        while !rest.is_empty() {
            let written = retry_on_intr(|| rustix::io::write(&file, rest))?;
            if written == 0 {
                return Err(Errno::IO);
            }
            rest = rest.get(written..).unwrap_or_default();
        }
    }
    Ok(())
}

/// Gives a file to another user or group.
pub(crate) fn set_owner(
    file: impl AsFd,
    owner: Option<Uid>,
    group: Option<Gid>,
) -> Result<(), Errno> {
    point(Call::SetOwner)?;
    retry_on_intr(|| rustix::fs::fchown(&file, owner, group))
}

/// Sets the permission bits.
pub(crate) fn set_mode(file: impl AsFd, mode: Mode) -> Result<(), Errno> {
    point(Call::SetMode)?;
    retry_on_intr(|| rustix::fs::fchmod(&file, mode))
}

/// Sets an extended attribute.
pub(crate) fn set_attribute(file: impl AsFd, name: &CStr, value: &[u8]) -> Result<(), Errno> {
    point(Call::SetAttribute)?;
    retry_on_intr(|| rustix::fs::fsetxattr(&file, name, value, XattrFlags::empty()))
}

/// Removes an extended attribute.
pub(crate) fn remove_attribute(file: impl AsFd, name: &CStr) -> Result<(), Errno> {
    point(Call::RemoveAttribute)?;
    retry_on_intr(|| rustix::fs::fremovexattr(&file, name))
}

/// Waits until the content and attributes of a file are on the disk.
pub(crate) fn sync_file(file: impl AsFd) -> Result<(), Errno> {
    point(Call::SyncFile)?;
    retry_on_intr(|| rustix::fs::fsync(&file))
}

/// Waits until the entries of a folder are on the disk.
pub(crate) fn sync_folder(folder: impl AsFd) -> Result<(), Errno> {
    point(Call::SyncFolder)?;
    match retry_on_intr(|| rustix::fs::fsync(&folder)) {
        // Some file systems, such as those of a network, have nothing to synchronise in a folder.
        Err(Errno::INVAL) => Ok(()),
        other => other,
    }
}

/// Renames, also from one folder into another.
pub(crate) fn rename<F: AsFd, T: AsFd>(
    (from, old): (F, &str),
    (to, new): (T, &str),
    onto: Onto,
) -> Result<(), Errno> {
    point(Call::Rename)?;
    let flags = match onto {
        Onto::FreeName => RenameFlags::NOREPLACE,
        Onto::OldFile => RenameFlags::empty(),
    };
    match retry_on_intr(|| rustix::fs::renameat_with(&from, old, &to, new, flags)) {
        // The file system cannot promise a free name; the caller looked a moment ago.
        Err(Errno::INVAL) if onto == Onto::FreeName && facts_of(&to, new).is_err() => {
            retry_on_intr(|| rustix::fs::renameat(&from, old, &to, new))
        }
        other => other,
    }
}

/// Gives a file or link one more name.
pub(crate) fn link<F: AsFd, T: AsFd>(
    (from, old): (F, &str),
    (to, new): (T, &str),
) -> Result<(), Errno> {
    point(Call::Link)?;
    retry_on_intr(|| rustix::fs::linkat(&from, old, &to, new, AtFlags::empty()))
}

/// Makes a folder.
pub(crate) fn make_folder(
    folder: impl AsFd,
    name: impl Arg + Copy,
    mode: Mode,
) -> Result<(), Errno> {
    point(Call::MakeFolder)?;
    retry_on_intr(|| rustix::fs::mkdirat(&folder, name, mode))
}

/// Makes a symbolic link.
pub(crate) fn make_link(
    target: impl Arg + Copy,
    folder: impl AsFd,
    name: impl Arg + Copy,
) -> Result<(), Errno> {
    point(Call::MakeLink)?;
    retry_on_intr(|| rustix::fs::symlinkat(target, &folder, name))
}

/// Sets the time of the last change of the content of a file or folder.
pub(crate) fn set_times(file: impl AsFd, written: (i64, u32)) -> Result<(), Errno> {
    point(Call::SetTimes)?;
    retry_on_intr(|| rustix::fs::futimens(&file, &times(written)))
}

/// The same for a link.
pub(crate) fn set_link_times(
    folder: impl AsFd,
    name: impl Arg + Copy,
    written: (i64, u32),
) -> Result<(), Errno> {
    point(Call::SetTimes)?;
    let flags = AtFlags::SYMLINK_NOFOLLOW;
    retry_on_intr(|| rustix::fs::utimensat(&folder, name, &times(written), flags))
}

fn times((tv_sec, nanoseconds): (i64, u32)) -> Timestamps {
    let written = Timespec { tv_sec, tv_nsec: nanoseconds.into() };
    Timestamps {
        last_access: Timespec { tv_sec: 0, tv_nsec: UTIME_OMIT },
        last_modification: written,
    }
}

/// Lets a new file share the blocks of another until one is written to; `EOPNOTSUPP` and the like where the file system
/// cannot.
pub(crate) fn share(new: impl AsFd, old: impl AsFd) -> Result<(), Errno> {
    point(Call::Write)?;
    rustix::fs::ioctl_ficlone(new, old)
}

/// What [`rename`] expects at the new name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Onto {
    /// Nothing: an entry that appeared meanwhile is an error.
    FreeName,
    /// A file, which is replaced.
    OldFile,
}

/// Removes an entry that is not a folder.
pub(crate) fn unlink(folder: impl AsFd, name: impl Arg + Copy) -> Result<(), Errno> {
    point(Call::Unlink)?;
    retry_on_intr(|| rustix::fs::unlinkat(&folder, name, AtFlags::empty()))
}

/// Removes an empty folder.
pub(crate) fn remove_folder(folder: impl AsFd, name: impl Arg + Copy) -> Result<(), Errno> {
    point(Call::RemoveFolder)?;
    retry_on_intr(|| rustix::fs::unlinkat(&folder, name, AtFlags::REMOVEDIR))
}
