//! What a new version of a file takes over from the old one.

use std::ffi::{CStr, CString};
use std::os::fd::AsFd;

use rustix::fs::{Gid, Mode, Uid};
use rustix::io::{Errno, retry_on_intr};

use crate::error::{Denial, Error};
use crate::handle::{Facts, facts};
use crate::limits::MAX_XATTR_BYTES;
use crate::mutate;
use crate::vpath::VPath;

/// Permission bits that a write keeps. The kernel takes the set-user-id and set-group-id bits away
/// from a file that is written, or else whoever may write a program could become its owner.
const KEPT_MODE: u32 = 0o1777;

/// The attribute that holds the capabilities of a program; the kernel removes it on any write, for
/// the same reason.
const CAPABILITY: &CStr = c"security.capability";

/// Gives `new` the owner, group, attributes and permission bits of the file `old`, in this order:
/// a change of owner takes rights away, and an access list changes the permission bits.
pub(crate) fn carry(
    old: impl AsFd,
    old_facts: &Facts,
    new: impl AsFd,
    path: &VPath,
) -> Result<(), Error> {
    let deny = |denial| move |errno| refused(errno, denial, path);
    let start = facts(&new).map_err(|errno| Error::from_errno(errno, path))?;
    if (start.uid, start.gid) != (old_facts.uid, old_facts.gid) {
        let owner = (start.uid != old_facts.uid).then(|| Uid::from_raw(old_facts.uid));
        let group = (start.gid != old_facts.gid).then(|| Gid::from_raw(old_facts.gid));
        mutate::set_owner(&new, owner, group).map_err(deny(Denial::Owner))?;
    }
    carry_attributes(old, &new).map_err(deny(Denial::Attributes))?;
    let mode = Mode::from_raw_mode(old_facts.mode & KEPT_MODE);
    mutate::set_mode(&new, mode).map_err(deny(Denial::Owner))
}

fn refused(errno: Errno, denial: Denial, path: &VPath) -> Error {
    match errno {
        Errno::PERM | Errno::ACCESS | Errno::NOTSUP | Errno::INVAL => {
            Error::Denied { path: path.clone(), denial }
        }
        other => Error::from_errno(other, path),
    }
}

/// Makes the extended attributes of `new`, the access list among them, those of `old`.
fn carry_attributes(old: impl AsFd, new: impl AsFd) -> Result<(), Errno> {
    let wanted = names(&old)?;
    // A folder can have a default access list, which a file made in it starts with.
    for name in names(&new)? {
        if !wanted.contains(&name) {
            unless_privileged(&name, mutate::remove_attribute(&new, &name))?;
        }
    }
    for name in wanted.iter().filter(|name| name.as_c_str() != CAPABILITY) {
        let carried = value(&old, name).and_then(|value| match value {
            Some(value) => mutate::set_attribute(&new, name, &value),
            None => Ok(()),
        });
        unless_privileged(name, carried)?;
    }
    Ok(())
}

/// Forgives what the kernel reserves for privileged processes: labels that it gave to the new file
/// by its own rules.
fn unless_privileged(name: &CStr, result: Result<(), Errno>) -> Result<(), Errno> {
    let name = name.to_bytes();
    let reserved = name.starts_with(b"security.") || name.starts_with(b"trusted.");
    match result {
        Err(Errno::PERM | Errno::ACCESS) if reserved => Ok(()),
        other => other,
    }
}

fn names(file: impl AsFd) -> Result<Vec<CString>, Errno> {
    let mut list = vec![0; MAX_XATTR_BYTES];
    let length = match retry_on_intr(|| rustix::fs::flistxattr(&file, list.as_mut_slice())) {
        Ok(length) => length,
        Err(Errno::NOTSUP) => 0,
        Err(errno) => return Err(errno),
    };
    list.truncate(length);
    Ok(list
        .split(|byte| *byte == 0)
        .filter(|name| !name.is_empty())
        .filter_map(|name| CString::new(name).ok())
        .collect())
}

/// The value of an attribute: `None` if it went away.
fn value(file: impl AsFd, name: &CStr) -> Result<Option<Vec<u8>>, Errno> {
    let mut value = vec![0; MAX_XATTR_BYTES];
    match retry_on_intr(|| rustix::fs::fgetxattr(&file, name, value.as_mut_slice())) {
        Ok(length) => {
            value.truncate(length);
            Ok(Some(value))
        }
        Err(Errno::NODATA) => Ok(None),
        Err(errno) => Err(errno),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_the_kernel_reserves_is_forgiven() {
        for errno in [Errno::PERM, Errno::ACCESS] {
            for name in [c"security.selinux", c"trusted.overlay"] {
                assert_eq!(unless_privileged(name, Err(errno)), Ok(()));
                assert_eq!(unless_privileged(name, Err(Errno::NOSPC)), Err(Errno::NOSPC));
            }
            for name in [c"user.comment", c"system.posix_acl_access", c"user.security.x"] {
                assert_eq!(unless_privileged(name, Err(errno)), Err(errno));
            }
        }
    }
}
