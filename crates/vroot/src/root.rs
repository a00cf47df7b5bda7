//! The root: one exposed folder, what is kept out of reach, and the operations on it.

use std::os::fd::{AsFd, BorrowedFd};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::fs::{CWD, FlockOperation, Mode, OFlags};
use rustix::io::Errno;

use crate::browse::{self, Browse, Visited};
use crate::changes::Changes;
use crate::error::{Error, Protection};
use crate::gate::{Gate, Sight};
use crate::handle::{FileId, Folder, facts};
use crate::interrupt::Interrupt;
use crate::keep;
use crate::kernel_fs;
use crate::ledger::{Expect, Ledger, Step};
use crate::list::{self, Page};
use crate::lock::Stripes;
use crate::open::{self, Opened, Stat};
use crate::open_error::{OpenError, Role};
use crate::read;
use crate::recover::{self, Recovered};
use crate::remove::Recursion;
use crate::vpath::VPath;

/// One exposed folder of the host. No path given to it leads out of the folder, or into one of the
/// excluded folders, whatever other processes do to the tree meanwhile.
///
/// All operations block, may run at the same time from many threads, and hold at most about 260
/// file handles each, for the deepest trees; a usual one holds five to ten.
///
/// ```
/// use vroot::{VPath, VRoot};
///
/// # let host = tempfile::tempdir()?;
/// # let (files, pending) = (host.path().join("files"), host.path().join("pending"));
/// # std::fs::create_dir(&files)?;
/// # std::fs::create_dir(&pending)?;
/// let root = VRoot::open(&files, &pending, &[])?;
/// root.recover()?;
/// let path = VPath::parse("/hello.txt")?;
/// root.write(&path, b"hello")?;
/// root.append(&path, b", world")?;
/// assert_eq!(root.read(&path, 1024)?, b"hello, world");
/// assert!(root.read(&VPath::parse("/../etc/passwd")?, 1024).is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct VRoot {
    base: Arc<Base>,
    gate: Option<Gate>,
}

#[derive(Debug)]
struct Base {
    folder: Folder,
    pending: Folder,
    kept: Option<Folder>,
    excluded: Vec<Folder>,
    locks: Stripes,
    options: RootOptions,
}

/// How a folder is exposed.
#[derive(Clone, Debug, Default)]
pub struct RootOptions {
    /// A folder of our own for what changes replace; without one, nothing is kept. It must be used by no other open root
    /// and be writable by us alone, and is out of reach. On the file system of the root it costs no copies.
    pub kept: Option<PathBuf>,
    /// The virtual path at which the root stands, such as `/photos`, where there are several.
    pub mount: String,
    /// Whether every change is refused.
    pub read_only: bool,
}

impl VRoot {
    /// [`open_with`](Self::open_with) without options.
    pub fn open(root: &Path, pending: &Path, excluded: &[PathBuf]) -> Result<Self, OpenError> {
        Self::open_with(root, pending, excluded, RootOptions::default())
    }

    /// Opens the folder `root` of the host to be exposed.
    ///
    /// `pending` is a folder of our own for the records of unfinished writes. It must be used by
    /// no other open root, on pain of [`OpenError::PendingInUse`], be writable by us alone, and is
    /// out of reach like the folders in `excluded`.
    ///
    /// `excluded` folders, and all below, are never reached. They may lie anywhere inside of the
    /// root or around it, and are recognised by inode, so each must exist and must not be replaced
    /// by a new folder while the root is open. A folder *below* an excluded one which is mounted a
    /// second time somewhere inside of the root is not recognised.
    ///
    /// These are the last paths of the host that the root looks up: links on them are followed,
    /// and everything later starts at the handles.
    pub fn open_with(
        root: &Path,
        pending: &Path,
        excluded: &[PathBuf],
        options: RootOptions,
    ) -> Result<Self, OpenError> {
        let folder = open_folder(root, Role::Root, OFlags::PATH)?;
        let records = open_folder(pending, Role::Pending, OFlags::RDONLY)?;
        match rustix::fs::flock(&records.fd, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(Errno::WOULDBLOCK) => {
                return Err(OpenError::PendingInUse { path: pending.to_owned() });
            }
            Err(errno) => return Err(failed(pending, Role::Pending, errno)),
        }
        let kept = match &options.kept {
            Some(path) => Some(open_folder(path, Role::Kept, OFlags::RDONLY)?),
            None => None,
        };
        let mut out_of_reach = Vec::with_capacity(excluded.len());
        for path in excluded {
            // The handle stays open, so no other folder can get the same inode number.
            out_of_reach.push(open_folder(path, Role::Excluded, OFlags::PATH)?);
        }
        let ours = [Some(&records), kept.as_ref()].into_iter().flatten();
        if out_of_reach.iter().chain(ours).any(|other| other.id == folder.id) {
            return Err(OpenError::RootExcluded { path: root.to_owned() });
        }
        if kernel_fs::holds(&folder.fd).map_err(|errno| failed(root, Role::Root, errno))? {
            return Err(OpenError::RootOfKernel { path: root.to_owned() });
        }
        match folder.readable() {
            Err(Errno::NOSYS) => return Err(OpenError::Unsupported),
            // A folder that cannot be listed can still be walked through.
            Ok(_) | Err(Errno::ACCESS) => {}
            Err(errno) => return Err(failed(root, Role::Root, errno)),
        }
        let locks = Stripes::default();
        let base = Base { folder, pending: records, kept, excluded: out_of_reach, locks, options };
        Ok(Self { base: Arc::new(base), gate: None })
    }

    /// The same root as somebody sees it who may not see all: every operation asks `gate`.
    #[must_use]
    pub fn seen_through(&self, gate: Gate) -> Self {
        Self { base: self.base.clone(), gate: Some(gate) }
    }

    /// The handle of the exposed folder, and those of the folders of our own: a sandbox must allow
    /// reading, writing, making and removing of files and folders beneath all of them, of the first only reading where
    /// the root is read-only, and nothing else.
    ///
    /// The first is an `O_PATH` handle.
    pub fn handles(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        let kept = self.base.kept.as_ref().map(|kept| kept.fd.as_fd());
        [self.base.folder.fd.as_fd(), self.base.pending.fd.as_fd()].into_iter().chain(kept)
    }

    /// Whether every change is refused.
    pub fn is_read_only(&self) -> bool {
        self.base.options.read_only
    }

    /// Finishes after a crash: removes the temporary files that the pending records name, and the
    /// records.
    ///
    /// To be called before the first operation; later it waits for the writes that run, and does
    /// no harm. It can be repeated at will. A record whose folder is gone or was moved is dropped,
    /// and the temporary file then stays, unseen by clients; a record whose folder cannot be
    /// reached for another reason is kept for the next time.
    pub fn recover(&self) -> Result<Recovered, Error> {
        recover::recover(self)
    }

    /// Lists the entries of a folder: at most `limit` of them, sorted by the bytes of the names,
    /// beginning strictly after the name `after`.
    ///
    /// Links are listed as such and not followed, except on the way to the folder and by the last
    /// component of the path. Excluded folders and temporary files are left out. A name that is
    /// not valid UTF-8 is shown with replacement characters, and names which then look the same
    /// are shown once.
    ///
    /// Folders with more than [`MAX_LIST_SCAN`](crate::limits::MAX_LIST_SCAN) entries are refused
    /// with [`Error::TooMany`]. `interrupt` can stop it.
    pub fn list(
        &self,
        path: &VPath,
        after: Option<&str>,
        limit: usize,
        interrupt: Interrupt<'_>,
    ) -> Result<Page, Error> {
        list::list(self, path, after, limit, interrupt)
    }

    /// Reads a regular file of at most `max` bytes, following links inside of the root.
    ///
    /// A larger one is [`Error::TooLarge`], also if it grows while it is read; anything that is not
    /// a regular file is refused without being opened.
    pub fn read(&self, path: &VPath, max: u64) -> Result<Vec<u8>, Error> {
        read::read(self, path, max)
    }

    /// Makes a file, or replaces the content of one, following links inside of the root.
    ///
    /// The folder must exist. Readers and crashes see either the old file or the new one, and when
    /// this returns the new one survives a power cut. A file that is replaced keeps its permission
    /// bits, owner, group, access list and extended attributes; where one cannot be kept the write
    /// is refused with [`Error::Denied`] and the old file stays. Not kept are, as with any write
    /// by an ordinary program, the set-user-id and set-group-id bits and file capabilities;
    /// further attributes of the `security.` and `trusted.` families that the kernel lets only a
    /// privileged process set; the flags of `chattr`; and the inode itself: another hard link
    /// to the file keeps the old content.
    ///
    /// A file that is not writable for us is refused, although the folder would allow to replace
    /// it. Somebody else's change at the same moment makes this [`Error::Busy`].
    pub fn write(&self, path: &VPath, content: &[u8]) -> Result<(), Error> {
        Changes { root: self, ledger: None }.write(path, content, Expect::Anything).map(drop)
    }

    /// Makes a file, or appends to one, in the same way as [`write`](Self::write): the file is
    /// copied, so it may have at most [`APPEND_MAX_BYTES`](crate::limits::APPEND_MAX_BYTES) in the
    /// end, or else this is [`Error::TooLarge`]. Appends of this root to one file never lose one
    /// another.
    pub fn append(&self, path: &VPath, content: &[u8]) -> Result<(), Error> {
        Changes { root: self, ledger: None }.append(path, content, Expect::Anything).map(drop)
    }

    /// Removes an entry; of a link, the link itself.
    ///
    /// A whole tree is scanned before anything of it is removed, and refused if it holds a mount
    /// point or an excluded folder ([`Error::Protected`]), more than
    /// [`MAX_TREE_ENTRIES`](crate::limits::MAX_TREE_ENTRIES) or goes deeper than
    /// [`MAX_TREE_DEPTH`](crate::limits::MAX_TREE_DEPTH).
    ///
    /// `interrupt` can stop it: during the scan nothing has been removed, and later the error says how much.
    pub fn remove(
        &self,
        path: &VPath,
        recursion: Recursion,
        interrupt: Interrupt<'_>,
    ) -> Result<(), Error> {
        let changes = Changes { root: self, ledger: None };
        changes.remove(path, recursion, Expect::Anything, interrupt).map(drop)
    }

    /// Tells the size, the times and the tag of an entry, following links inside of the root.
    pub fn stat(&self, path: &VPath) -> Result<Stat, Error> {
        open::stat(self, path)
    }

    /// Opens a regular file for reading, following links inside of the root.
    pub fn open_file(&self, path: &VPath) -> Result<Opened, Error> {
        open::open(self, path)
    }

    /// Goes through a folder and all beneath it: see [`Browse`].
    pub fn browse(
        &self,
        path: &VPath,
        interrupt: Interrupt<'_>,
        visit: &mut dyn FnMut(&Visited<'_>) -> Browse,
    ) -> Result<(), Error> {
        browse::browse(self, path, interrupt, visit)
    }

    /// The same with the root itself as the first entry, whose name is the last of its mount. `false`: it was stopped.
    pub fn browse_itself(
        &self,
        interrupt: Interrupt<'_>,
        visit: &mut dyn FnMut(&Visited<'_>) -> Browse,
    ) -> Result<bool, Error> {
        browse::browse_itself(self, interrupt, visit)
    }

    /// Changes of this root, each told to `ledger`, which keep what they replace.
    pub fn changes<'a>(&'a self, ledger: &'a dyn Ledger) -> Changes<'a> {
        Changes { root: self, ledger: Some(ledger) }
    }

    /// What a process that ended left open in the ledger: whether a step was made. Ask before [`VRoot::recover`]. Where
    /// it cannot be told, the answer is that it was, since then nothing is thrown away.
    pub fn was_made(&self, step: &Step) -> bool {
        recover::was_made(self, step)
    }

    /// Removes a kept thing for good, and with it the way back.
    pub fn forget(&self, kept: &str) -> Result<(), Error> {
        keep::forget(self, kept)
    }

    /// The names of all kept things.
    pub fn kept_names(&self) -> Result<Vec<String>, Error> {
        keep::names(self)
    }

    pub(crate) fn folder(&self) -> &Folder {
        &self.base.folder
    }

    pub(crate) fn pending(&self) -> BorrowedFd<'_> {
        self.base.pending.fd.as_fd()
    }

    pub(crate) fn kept(&self) -> Option<&Folder> {
        self.base.kept.as_ref()
    }

    pub(crate) fn locks(&self) -> &Stripes {
        &self.base.locks
    }

    /// A virtual path as one of this root: `None` if it is none.
    pub(crate) fn at_mount(&self, path: &VPath) -> Option<VPath> {
        path.within(&self.base.options.mount)
    }

    /// The whole virtual path of a path in this root.
    pub(crate) fn virtual_path(&self, resolved: &str) -> String {
        match (self.base.options.mount.as_str(), resolved) {
            ("", path) => path.to_owned(),
            (mount, "/") => mount.to_owned(),
            (mount, path) => format!("{mount}{path}"),
        }
    }

    /// How much of the entry at a path may be seen, as really walked; the path is made only where somebody asks.
    pub(crate) fn sight(&self, resolved: impl FnOnce() -> String) -> Sight {
        self.gate.as_ref().map_or(Sight::Open, |gate| gate.ask(&self.virtual_path(&resolved())))
    }

    /// Refuses what may not be changed, as really walked.
    pub(crate) fn may_change(&self, resolved: impl FnOnce() -> String) -> Result<(), Protection> {
        match self.sight(resolved) {
            Sight::Open => Ok(()),
            Sight::ReadOnly => Err(Protection::ReadOnly),
            Sight::Passage | Sight::Closed => Err(Protection::Fixed),
        }
    }

    /// Whether an inode is that of a folder that no client may reach.
    pub(crate) fn excludes(&self, id: FileId) -> bool {
        let kept = self.base.kept.as_ref();
        self.base.pending.id == id
            || kept.is_some_and(|kept| kept.id == id)
            || self.base.excluded.iter().any(|folder| folder.id == id)
    }
}

impl Drop for Base {
    /// Frees the pending folder at once: a child process that is just being started can hold a
    /// copy of the handle for a moment, and the lock with it.
    fn drop(&mut self) {
        // If it fails, the lock ends with the last handle.
        rustix::fs::flock(&self.pending.fd, FlockOperation::Unlock).unwrap_or_default();
    }
}

fn open_folder(path: &Path, role: Role, access: OFlags) -> Result<Folder, OpenError> {
    let flags = access | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let fd = rustix::fs::openat(CWD, path, flags, Mode::empty())
        .map_err(|errno| failed(path, role, errno))?;
    let id = facts(&fd).map_err(|errno| failed(path, role, errno))?.id;
    Ok(Folder { fd, id })
}

fn failed(path: &Path, role: Role, errno: Errno) -> OpenError {
    OpenError::Folder { role, path: path.to_owned(), source: errno.into() }
}
