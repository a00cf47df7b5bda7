//! Handles, and what the kernel says about the thing behind one.
//!
//! Every lookup of this crate passes through [`open_one`] or [`facts_of`]: one component, on the
//! handle of its folder, never through a link.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::{Duration, SystemTime};

use rustix::fs::{AtFlags, FileType, Mode, OFlags, ResolveFlags, StatxAttributes, StatxFlags};
use rustix::io::{Errno, retry_on_intr};

use crate::limits::MAX_OPEN_ATTEMPTS;

/// What makes an inode itself: as long as somebody holds a handle, no other inode has the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct FileId {
    device: u64,
    inode: u64,
}

impl FileId {
    pub(crate) fn inode(self) -> u64 {
        self.inode
    }
}

/// What the kernel says about an inode.
#[derive(Clone, Debug)]
pub(crate) struct Facts {
    pub(crate) id: FileId,
    pub(crate) kind: FileType,
    /// Size in bytes.
    pub(crate) size: u64,
    /// Permission bits, with set-user-id, set-group-id and sticky.
    pub(crate) mode: u32,
    pub(crate) uid: u32,
    pub(crate) gid: u32,
    /// Last change of the content, where the clock of the host can say it.
    pub(crate) modified: Option<SystemTime>,
    /// The same as seconds and nanoseconds.
    pub(crate) written: (i64, u32),
    /// Last change of the inode, as seconds and nanoseconds.
    pub(crate) changed: (i64, u32),
    /// How many names it has.
    pub(crate) links: u32,
    /// Whether something is mounted exactly here.
    pub(crate) mount_root: bool,
}

impl Facts {
    pub(crate) fn is_folder(&self) -> bool {
        self.kind == FileType::Directory
    }

    /// A tag that changes with the content, and with rights and names.
    pub(crate) fn etag(&self) -> String {
        let ((written, part), (changed, rest)) = (self.written, self.changed);
        format!("{:x}-{:x}-{written:x}.{part:x}-{changed:x}.{rest:x}", self.id.inode, self.size)
    }

    /// Whether it is the same file with the same content, as far as its times tell; another name may have been given to
    /// it, which changes the time of the inode.
    pub(crate) fn same_content(&self, earlier: &Self) -> bool {
        self.id == earlier.id && self.size == earlier.size && self.written == earlier.written
    }

    /// Whether the content is certainly as it was when `earlier` was taken.
    pub(crate) fn unchanged_since(&self, earlier: &Self) -> bool {
        self.id == earlier.id && self.size == earlier.size && self.changed == earlier.changed
    }
}

/// The handle of a folder, which only walks and holds: it reads nothing.
#[derive(Debug)]
pub(crate) struct Folder {
    pub(crate) fd: OwnedFd,
    pub(crate) id: FileId,
}

impl Folder {
    /// A handle on the same folder that can be listed and synchronised.
    ///
    /// `.` on a handle is the folder of the handle itself, wherever it was moved to meanwhile.
    pub(crate) fn readable(&self) -> Result<OwnedFd, Errno> {
        Self::readable_of(&self.fd)
    }

    /// The same for any handle of a folder.
    pub(crate) fn readable_of(folder: impl AsFd) -> Result<OwnedFd, Errno> {
        open_one(folder, ".", OFlags::RDONLY | OFlags::DIRECTORY, ResolveFlags::empty())
    }
}

/// A handle on a thing of any kind, and the facts about exactly that thing.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) fd: OwnedFd,
    pub(crate) facts: Facts,
}

impl Node {
    /// Looks up one component without opening what it names.
    pub(crate) fn open(folder: &Folder, name: &str) -> Result<Self, Errno> {
        let fd = open_one(&folder.fd, name, OFlags::PATH, ResolveFlags::empty())?;
        let facts = facts(&fd)?;
        Ok(Self { fd, facts })
    }
}

/// Opens one component beneath a folder, never through a link or into another tree.
///
/// `EAGAIN`, which a rename anywhere on the host can cause, is tried again a bounded number of
/// times.
pub(crate) fn open_one(
    folder: impl AsFd,
    name: impl rustix::path::Arg + Copy,
    flags: OFlags,
    further: ResolveFlags,
) -> Result<OwnedFd, Errno> {
    open_one_with(folder, name, flags, Mode::empty(), further)
}

/// [`open_one`] with the permission bits for a file that it makes.
pub(crate) fn open_one_with(
    folder: impl AsFd,
    name: impl rustix::path::Arg + Copy,
    flags: OFlags,
    mode: Mode,
    further: ResolveFlags,
) -> Result<OwnedFd, Errno> {
    let flags = flags | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let resolve =
        ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS | ResolveFlags::NO_SYMLINKS | further;
    some_attempts(|| rustix::fs::openat2(&folder, name, flags, mode, resolve))
}

/// Tries again what was disturbed.
fn some_attempts<T>(mut open: impl FnMut() -> Result<T, Errno>) -> Result<T, Errno> {
    let mut attempts = 1;
    loop {
        match open() {
            Err(Errno::AGAIN) if attempts < MAX_OPEN_ATTEMPTS => attempts += 1,
            Err(Errno::INTR) => {}
            other => return other,
        }
    }
}

/// Opens the entry `name` for reading or writing if it still is the one examined as `id`: `None`
/// when it was exchanged meanwhile.
///
/// `O_NONBLOCK` keeps this from waiting if a FIFO was put in its place after the examination.
pub(crate) fn open_same(
    folder: &Folder,
    name: &str,
    access: OFlags,
    id: FileId,
) -> Result<Option<OwnedFd>, Errno> {
    let flags = access | OFlags::NONBLOCK | OFlags::NOCTTY;
    match open_one(&folder.fd, name, flags, ResolveFlags::empty()) {
        Ok(fd) => Ok((facts(&fd)?.id == id).then_some(fd)),
        // Gone, or a link, socket, folder or device by this time.
        Err(
            Errno::NOENT | Errno::LOOP | Errno::NXIO | Errno::ISDIR | Errno::NOTDIR | Errno::NODEV,
        ) => Ok(None),
        Err(errno) => Err(errno),
    }
}

/// The facts about the inode behind a handle.
pub(crate) fn facts(fd: impl AsFd) -> Result<Facts, Errno> {
    statx(fd.as_fd(), "", AtFlags::EMPTY_PATH)
}

/// The facts about an entry of a folder; of a link, about the link itself.
pub(crate) fn facts_of(
    folder: impl AsFd,
    name: impl rustix::path::Arg + Copy,
) -> Result<Facts, Errno> {
    statx(folder.as_fd(), name, AtFlags::SYMLINK_NOFOLLOW | AtFlags::NO_AUTOMOUNT)
}

fn statx(
    fd: BorrowedFd<'_>,
    name: impl rustix::path::Arg + Copy,
    flags: AtFlags,
) -> Result<Facts, Errno> {
    let found = retry_on_intr(|| rustix::fs::statx(fd, name, flags, StatxFlags::BASIC_STATS))?;
    let mode = u32::from(found.stx_mode);
    Ok(Facts {
        id: FileId {
            device: rustix::fs::makedev(found.stx_dev_major, found.stx_dev_minor),
            inode: found.stx_ino,
        },
        kind: FileType::from_raw_mode(mode),
        size: found.stx_size,
        mode: mode & 0o7777,
        uid: found.stx_uid,
        gid: found.stx_gid,
        modified: time(found.stx_mtime.tv_sec, found.stx_mtime.tv_nsec),
        written: (found.stx_mtime.tv_sec, found.stx_mtime.tv_nsec),
        changed: (found.stx_ctime.tv_sec, found.stx_ctime.tv_nsec),
        links: found.stx_nlink,
        mount_root: found.stx_attributes.contains(StatxAttributes::MOUNT_ROOT),
    })
}

/// A time of the kernel, which may lie before 1970.
fn time(seconds: i64, nanoseconds: u32) -> Option<SystemTime> {
    let whole = Duration::from_secs(seconds.unsigned_abs());
    let start = if seconds < 0 {
        SystemTime::UNIX_EPOCH.checked_sub(whole)
    } else {
        SystemTime::UNIX_EPOCH.checked_add(whole)
    };
    start?.checked_add(Duration::from_nanos(u64::from(nanoseconds)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_before_1970_keep_their_nanoseconds() {
        let half = Duration::from_millis(500);
        assert_eq!(time(-1, 500_000_000), SystemTime::UNIX_EPOCH.checked_sub(half));
        assert_eq!(time(0, 500_000_000), SystemTime::UNIX_EPOCH.checked_add(half));
    }

    #[test]
    fn what_is_disturbed_is_tried_again_so_many_times() {
        let mut tried = 0;
        let disturbed = some_attempts(|| {
            tried += 1;
            Err::<(), _>(Errno::AGAIN)
        });
        assert_eq!((disturbed, tried), (Err(Errno::AGAIN), MAX_OPEN_ATTEMPTS));
        let mut answers = [Err(Errno::INTR), Err(Errno::AGAIN), Ok(7)].into_iter();
        assert_eq!(some_attempts(|| answers.next().expect("an answer")), Ok(7));
    }

    #[test]
    fn only_the_very_same_content_is_unchanged() {
        let base = tempfile::tempdir().expect("a folder");
        std::fs::write(base.path().join("one"), "").expect("a file");
        let fd = std::fs::File::open(base.path()).expect("a folder");
        let found = || facts_of(&fd, "one").expect("facts");
        let earlier = found();
        assert!(found().unchanged_since(&earlier));
        let FileId { device, inode } = earlier.id;
        let others = [
            Facts { id: FileId { device, inode: inode + 1 }, ..found() },
            Facts { size: earlier.size + 1, ..found() },
            Facts { changed: (earlier.changed.0, earlier.changed.1 + 1), ..found() },
        ];
        assert!(others.iter().all(|other| !other.unchanged_since(&earlier)));
    }

    #[test]
    fn no_link_is_followed_and_no_program_inherits() {
        let base = tempfile::tempdir().expect("a folder");
        std::fs::create_dir(base.path().join("folder")).expect("a folder");
        std::fs::write(base.path().join("folder/one"), "").expect("a file");
        std::os::unix::fs::symlink("folder", base.path().join("link")).expect("a link");
        let fd = std::fs::File::open(base.path()).expect("a folder");
        let open = |name| open_one(&fd, name, OFlags::RDONLY, ResolveFlags::empty());
        let opened = open("folder/one").expect("a file");
        let flags = rustix::io::fcntl_getfd(&opened).expect("flags");
        assert!(flags.contains(rustix::io::FdFlags::CLOEXEC));
        assert_eq!(open("link/one").map(|_| ()), Err(Errno::LOOP));
        assert_eq!(open("link").map(|_| ()), Err(Errno::LOOP));
    }

    #[test]
    fn only_the_examined_file_is_opened() {
        let base = tempfile::tempdir().expect("a folder");
        std::fs::write(base.path().join("one"), "").expect("a file");
        std::fs::write(base.path().join("other"), "").expect("a file");
        std::os::unix::fs::symlink("one", base.path().join("link")).expect("a link");
        let fd = OwnedFd::from(std::fs::File::open(base.path()).expect("a folder"));
        let folder = Folder { id: facts(&fd).expect("facts").id, fd };
        let one = facts_of(&folder.fd, "one").expect("facts");
        for (name, same) in [("one", true), ("other", false), ("link", false), ("none", false)] {
            let opened = open_same(&folder, name, OFlags::RDONLY, one.id).expect("an answer");
            assert_eq!(opened.is_some(), same, "{name}");
        }
        assert!(Node::open(&folder, "link").expect("a link").facts.kind == FileType::Symlink);
        for several in ["one/.", "../one", "/one", "./one/../one"] {
            let opened = Node::open(&folder, several);
            assert!(opened.is_err() || several.starts_with('.'), "{several}");
        }
        assert_eq!(Node::open(&folder, "..").map(|_| ()), Err(Errno::XDEV));
    }

    #[test]
    fn a_fifo_that_took_the_place_of_a_file_keeps_nobody_waiting() {
        let base = tempfile::tempdir().expect("a folder");
        let fifo = base.path().join("fifo");
        let made = std::process::Command::new("mkfifo").arg(&fifo).status().expect("mkfifo");
        assert!(made.success());
        let fd = OwnedFd::from(std::fs::File::open(base.path()).expect("a folder"));
        let folder = Folder { id: facts(&fd).expect("facts").id, fd };
        let id = folder.id;
        let (tell, told) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            let opened = open_same(&folder, "fifo", OFlags::RDONLY, id);
            tell.send(opened.map(|file| file.is_some())).expect("a listener");
        });
        let answer = told.recv_timeout(Duration::from_secs(10)).expect("an answer in time");
        assert_eq!(answer, Ok(false));
    }
}
