//! The folders that the gateway still needs once it is locked down.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, Mode, OFlags, openat};
use sandbox::{Confinement, LockError, Needs, Report};

/// The folders that the gateway needs, held open so that the sandbox can name them.
#[derive(Debug)]
pub struct Folders {
    caps: OwnedFd,
    followed: Vec<OwnedFd>,
    kept: OwnedFd,
}

impl Folders {
    /// That of cap files, those of the files that are read again when they change, and that of what the gateway keeps.
    ///
    /// # Errors
    ///
    /// One is not there; the message names it.
    pub fn open<'a>(
        caps: &Path,
        followed: impl IntoIterator<Item = &'a PathBuf>,
        kept: &Path,
    ) -> io::Result<Self> {
        let open = |path: &Path| {
            let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
            openat(CWD, path, flags, Mode::empty())
                .map_err(|error| io::Error::other(format!("`{}`: {error}", path.display())))
        };
        let followed = followed.into_iter().map(|path| open(path)).collect::<io::Result<_>>()?;
        Ok(Self { caps: open(caps)?, followed, kept: open(kept)? })
    }
}

/// Locks the calling process to what the gateway needs, as [`main`](crate::main()) does before it serves; a probe of the sandbox
/// calls the same. For good, and before any thread is started: see [`sandbox::lock`](sandbox::lock()).
pub fn confine(folders: &Folders, confinement: Confinement) -> Result<Report, LockError> {
    let needs = Needs::none().read(folders.caps.as_fd()).read_write(folders.kept.as_fd());
    let needs = folders.followed.iter().fold(needs, |needs, folder| needs.read(folder.as_fd()));
    sandbox::lock(&needs.tcp_accept().unix_connect(), confinement)
}
