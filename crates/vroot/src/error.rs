//! What an operation can answer instead of its result.
//!
//! A client may see every message: it names virtual paths only, with control characters escaped,
//! and never a host path.

use std::fmt;

use rustix::io::Errno;

use crate::limits::{MAX_LINKS, MAX_NAME_BYTES, MAX_PATH_BYTES};
use crate::shown::{Shown, Stopped};
use crate::temp_name::TEMP_PREFIX;
use crate::vpath::VPath;

/// Why an operation was refused or failed. `path` is always the path as the client gave it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Nothing that a client may know of is at the path, or at a folder on the way to it.
    #[error("{} does not exist", Shown(path))]
    NotFound {
        /// The path asked for.
        path: VPath,
    },
    /// The path, or a component before the last, is not a folder.
    #[error("{} is not a folder or leads through something that is not one", Shown(path))]
    NotADirectory {
        /// The path asked for.
        path: VPath,
    },
    /// The operation wants a file.
    #[error("{} is a folder, not a file", Shown(path))]
    IsADirectory {
        /// The path asked for.
        path: VPath,
    },
    /// A folder with entries is removed only on request.
    #[error("{} is not empty: ask for a recursive removal to remove its entries too", Shown(path))]
    NotEmpty {
        /// The path asked for.
        path: VPath,
    },
    /// The path, or a link on it, leads out of the exposed folder.
    #[error("{} leads outside of the exposed folder", Shown(path))]
    Escape {
        /// The path asked for.
        path: VPath,
    },
    /// The place must stay as it is.
    #[error("{} {protection}", Shown(path))]
    Protected {
        /// The path asked for.
        path: VPath,
        /// What protects it.
        protection: Protection,
    },
    /// The rights of the host do not allow it.
    #[error("{} {denial}", Shown(path))]
    Denied {
        /// The path asked for.
        path: VPath,
        /// What is missing.
        denial: Denial,
    },
    /// A FIFO, device or socket, or a link where a file is needed.
    #[error("{} is not a regular file", Shown(path))]
    NotRegular {
        /// The path asked for.
        path: VPath,
    },
    /// The file has, or would get, more bytes than allowed.
    #[error("{} has {size} bytes or more, and the limit is {limit}", Shown(path))]
    TooLarge {
        /// The path asked for.
        path: VPath,
        /// Its size in bytes, or as much of it as was seen.
        size: u64,
        /// The limit in bytes.
        limit: u64,
    },
    /// The folder holds more entries than one operation handles.
    #[error("{} has more than {limit} entries: use its subfolders", Shown(path))]
    TooMany {
        /// The path asked for.
        path: VPath,
        /// The limit in entries.
        limit: usize,
    },
    /// The path, or the tree below it, is too deep.
    #[error("{} goes deeper than {limit} levels or steps", Shown(path))]
    TooDeep {
        /// The path asked for.
        path: VPath,
        /// The limit that was met.
        limit: usize,
    },
    /// Links lead to links too often.
    #[error("{} leads through more than {MAX_LINKS} links", Shown(path))]
    LinkLoop {
        /// The path asked for.
        path: VPath,
    },
    /// The text is not a path.
    #[error("{fault}")]
    InvalidPath {
        /// What is wrong with it.
        fault: PathFault,
    },
    /// Something is there that must not be.
    #[error("{} exists already: choose another name, or remove it first", Shown(path))]
    Exists {
        /// The path.
        path: VPath,
    },
    /// It is not what the caller expects.
    #[error(
        "{} is not as it was when you read it: read it again before you change it",
        Shown(path)
    )]
    Changed {
        /// The path.
        path: VPath,
    },
    /// What a change replaces is too large to be kept.
    #[error(
        "{} holds {size} bytes, and undo keeps at most {limit} of one change: it was not made; take a smaller part, or ask the owner for a larger history",
        Shown(path)
    )]
    NotKept {
        /// The path.
        path: VPath,
        /// How large it is.
        size: u64,
        /// How much one change may keep.
        limit: u64,
    },
    /// What a change replaced is not kept any more.
    #[error("what was at {} before is not kept any more, so it cannot be put back", Shown(path))]
    Forgotten {
        /// The path.
        path: VPath,
    },
    /// The record of changes cannot be written, so nothing was changed.
    #[error("{} was not changed, because the history of changes cannot be written", Shown(path))]
    Unrecorded {
        /// The path.
        path: VPath,
        /// What the ledger said.
        source: std::io::Error,
    },
    /// Whoever makes the content gave up, and nothing was changed.
    #[error("{} was not changed, because its new content could not be made", Shown(path))]
    Aborted {
        /// The path.
        path: VPath,
    },
    /// A folder cannot be moved or copied into itself.
    #[error("{} cannot be moved or copied into itself", Shown(path))]
    IntoItself {
        /// The path.
        path: VPath,
    },
    /// Somebody else changed the place at the same time; nothing was done.
    #[error("{} was changed by somebody else at the same time: try again", Shown(path))]
    Busy {
        /// The path asked for.
        path: VPath,
    },
    /// The disk or the quota is full; the file is as before.
    #[error("no space is left to write {}", Shown(path))]
    NoSpace {
        /// The path asked for.
        path: VPath,
    },
    /// The file system cannot be written.
    #[error("{} is on a read-only file system", Shown(path))]
    ReadOnly {
        /// The path asked for.
        path: VPath,
    },
    /// The change was made, but the disk did not confirm that it would survive a power cut.
    #[error(
        "{} was changed, but the disk did not confirm it: check it before relying on it",
        Shown(path)
    )]
    Unconfirmed {
        /// The path asked for.
        path: VPath,
        /// What the host said.
        source: std::io::Error,
    },
    /// The caller stopped the operation.
    #[error("{}", Stopped(path, *removed))]
    Interrupted {
        /// The path asked for.
        path: VPath,
        /// How many entries of the tree were removed by then; the others are in place.
        removed: usize,
    },
    /// Anything else that the host answers.
    #[error("the host failed on {}", Shown(path))]
    Io {
        /// The path asked for.
        path: VPath,
        /// What the host said.
        source: std::io::Error,
    },
}

/// [`Error`] without its data, to choose an answer by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[expect(missing_docs, reason = "each is documented at the variant of `Error` of the same name")]
pub enum ErrorKind {
    NotFound,
    NotADirectory,
    IsADirectory,
    NotEmpty,
    Escape,
    Protected,
    Denied,
    NotRegular,
    TooLarge,
    TooMany,
    TooDeep,
    LinkLoop,
    InvalidPath,
    Exists,
    Changed,
    NotKept,
    Forgotten,
    Aborted,
    IntoItself,
    Busy,
    NoSpace,
    ReadOnly,
    Interrupted,
    /// [`Error::Io`] and [`Error::Unconfirmed`].
    Io,
}

/// What is wrong with the text of a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PathFault {
    /// It does not start with `/`.
    NotAbsolute,
    /// It has more than [`MAX_PATH_BYTES`] bytes.
    TooLong,
    /// A component has more than [`MAX_NAME_BYTES`] bytes.
    NameTooLong,
    /// It holds a NUL.
    Nul,
    /// A component starts with the prefix of temporary files.
    Reserved,
    /// It ends with `..`, which names no entry to write or remove.
    EndsWithParent,
    /// A link on it names something that is not valid UTF-8.
    LinkNotText,
}

impl fmt::Display for PathFault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAbsolute => formatter.write_str("the path must start with `/`"),
            Self::TooLong => write!(formatter, "the path has more than {MAX_PATH_BYTES} bytes"),
            Self::NameTooLong => {
                write!(formatter, "a component of the path has more than {MAX_NAME_BYTES} bytes")
            }
            Self::Nul => formatter.write_str("the path holds a NUL character"),
            Self::Reserved => {
                write!(formatter, "names that start with `{TEMP_PREFIX}` are reserved")
            }
            Self::EndsWithParent => {
                formatter.write_str("the path must end with the name of an entry, not with `..`")
            }
            Self::LinkNotText => {
                formatter.write_str("a link on the path names something that is not valid UTF-8")
            }
        }
    }
}

/// Which right is missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Denial {
    /// The host refuses, without more to tell.
    Rights,
    /// The file itself may not be written.
    FileReadOnly,
    /// The file belongs to another user or group, to whom a new version could not be given.
    Owner,
    /// An access list or extended attribute of the file could not be kept.
    Attributes,
    /// The folder may not be read, so that no change in it could be made durable.
    FolderUnreadable,
}

impl fmt::Display for Denial {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Rights => "may not be used like this: ask its owner for the right",
            Self::FileReadOnly => "may not be written: ask its owner for the right",
            Self::Owner => {
                "cannot be replaced because its owner or group cannot be kept: ask its owner"
            }
            Self::Attributes => {
                "cannot be replaced because its access list or attributes cannot be kept"
            }
            Self::FolderUnreadable => {
                "is in a folder that may not be read, which a durable change needs"
            }
        })
    }
}

/// Why a place must stay as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Protection {
    /// It is the exposed folder itself.
    Root,
    /// It is, or holds, a folder that may not be removed: one of the appliance's own, or a mount
    /// point. The message does not say which.
    Fixed,
    /// It is, or holds, what the caller may read and not change.
    ReadOnly,
    /// It is an interface of the kernel such as `/proc`, whose files are not data.
    Kernel,
}

impl fmt::Display for Protection {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Root => "is the exposed folder itself and cannot be removed",
            Self::Fixed => {
                "is or contains a protected folder: nothing was removed, remove the other entries one by one"
            }
            Self::ReadOnly => {
                "is, or holds, what you may read and not change: only a person changes it, so leave that to one or use another place"
            }
            Self::Kernel => "is an interface of the kernel and holds no files",
        })
    }
}

impl Error {
    /// The kind of the error, without its data.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::NotFound { .. } => ErrorKind::NotFound,
            Self::NotADirectory { .. } => ErrorKind::NotADirectory,
            Self::IsADirectory { .. } => ErrorKind::IsADirectory,
            Self::NotEmpty { .. } => ErrorKind::NotEmpty,
            Self::Escape { .. } => ErrorKind::Escape,
            Self::Protected { .. } => ErrorKind::Protected,
            Self::Denied { .. } => ErrorKind::Denied,
            Self::NotRegular { .. } => ErrorKind::NotRegular,
            Self::TooLarge { .. } => ErrorKind::TooLarge,
            Self::TooMany { .. } => ErrorKind::TooMany,
            Self::TooDeep { .. } => ErrorKind::TooDeep,
            Self::LinkLoop { .. } => ErrorKind::LinkLoop,
            Self::InvalidPath { .. } => ErrorKind::InvalidPath,
            Self::Exists { .. } => ErrorKind::Exists,
            Self::Changed { .. } => ErrorKind::Changed,
            Self::NotKept { .. } => ErrorKind::NotKept,
            Self::Forgotten { .. } => ErrorKind::Forgotten,
            Self::Aborted { .. } => ErrorKind::Aborted,
            Self::IntoItself { .. } => ErrorKind::IntoItself,
            Self::Busy { .. } => ErrorKind::Busy,
            Self::NoSpace { .. } => ErrorKind::NoSpace,
            Self::ReadOnly { .. } => ErrorKind::ReadOnly,
            Self::Interrupted { .. } => ErrorKind::Interrupted,
            Self::Io { .. } | Self::Unconfirmed { .. } | Self::Unrecorded { .. } => ErrorKind::Io,
        }
    }

    /// The error that an answer of the kernel means where the operation knows nothing better.
    pub(crate) fn from_errno(errno: Errno, path: &VPath) -> Self {
        let path = path.clone();
        match errno {
            Errno::NOENT => Self::NotFound { path },
            Errno::NOTDIR => Self::NotADirectory { path },
            Errno::ISDIR => Self::IsADirectory { path },
            Errno::NOTEMPTY => Self::NotEmpty { path },
            Errno::EXIST => Self::Exists { path },
            Errno::XDEV => Self::Escape { path },
            Errno::ACCESS | Errno::PERM => Self::Denied { path, denial: Denial::Rights },
            Errno::NAMETOOLONG => Self::InvalidPath { fault: PathFault::NameTooLong },
            Errno::AGAIN | Errno::BUSY | Errno::STALE | Errno::TXTBSY => Self::Busy { path },
            Errno::NOSPC | Errno::DQUOT | Errno::FBIG => Self::NoSpace { path },
            Errno::ROFS => Self::ReadOnly { path },
            other => Self::Io { path, source: other.into() },
        }
    }
}
