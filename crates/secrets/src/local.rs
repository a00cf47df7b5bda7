//! Secrets that this machine alone can fetch: systemd credentials, and files of mode 0600.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, FileType, Mode, OFlags, fstat, openat};
use rustix::io::Errno;
use rustix::process::geteuid;
use zeroize::Zeroizing;

use crate::error::{Reason, SecretError};
use crate::limits::MAX_SECRET_BYTES;
use crate::reference::{Place, SecretRef};
use crate::secret::Secret;

/// Where systemd says that the credentials of this process are.
const CREDENTIALS: &str = "CREDENTIALS_DIRECTORY";

/// What a file of a secret may allow: reading and writing, to its owner.
const ALLOWED_MODE: u32 = 0o600;

/// The permission bits of a mode.
const MODE_BITS: u32 = 0o7777;

/// Fetches a `credential:` or a `file:`, at once: it needs no runtime, so that a daemon can do it before it locks
/// itself down.
pub fn resolve_local(reference: &SecretRef) -> Result<Secret, SecretError> {
    Local::of_process().resolve(reference)
}

/// The credentials of a process.
#[derive(Debug, Clone)]
pub(crate) struct Local {
    credentials: Option<PathBuf>,
}

impl Local {
    /// Those of this one.
    pub(crate) fn of_process() -> Self {
        let folder = std::env::var_os(CREDENTIALS).map(PathBuf::from);
        Self { credentials: folder.filter(|folder| folder.is_absolute()) }
    }

    pub(crate) fn resolve(&self, reference: &SecretRef) -> Result<Secret, SecretError> {
        let secret = match reference.place() {
            Place::Credential(name) => self.credential(name),
            Place::File(path) => file(path),
            Place::Vault(_) | Place::Keyring(_) => Err(Reason::NotLocal),
        };
        secret.map_err(|reason| SecretError::new(reference, reason))
    }

    /// Systemd has decrypted it, and sees to it that nobody else can read it: by an access control list on some
    /// systems, so that owner and mode would tell nothing.
    fn credential(&self, name: &str) -> Result<Secret, Reason> {
        let folder = self.credentials.as_ref().ok_or(Reason::NoCredentials)?;
        match open(&folder.join(name)) {
            Err(Reason::NoSuchFile) => Err(Reason::NoSuchCredential),
            Err(reason) => Err(reason),
            Ok(file) => read(&file),
        }
    }
}

fn file(path: &Path) -> Result<Secret, Reason> {
    let file = open(path)?;
    // Of the handle: by its name it could be another file already.
    let found = fstat(&file).map_err(|errno| Reason::Read(errno.into()))?;
    if found.st_uid != 0 && found.st_uid != geteuid().as_raw() {
        return Err(Reason::Owner { owner: found.st_uid });
    }
    let mode = found.st_mode & MODE_BITS;
    if mode & !ALLOWED_MODE != 0 {
        return Err(Reason::Mode { mode });
    }
    read(&file)
}

/// Opens a regular file, and nothing that only looks like one: a link could lead to what its owner may not read.
fn open(path: &Path) -> Result<File, Reason> {
    // A pipe would make the open wait for its writer.
    let flags =
        OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
    let path = OsStr::from_bytes(path.as_os_str().as_bytes());
    let file = openat(CWD, path, flags, Mode::empty()).map_err(|errno| match errno {
        Errno::NOENT | Errno::NOTDIR => Reason::NoSuchFile,
        // A link, and a socket.
        Errno::LOOP | Errno::NXIO => Reason::NotRegular,
        errno => Reason::Read(errno.into()),
    })?;
    let found = fstat(&file).map_err(|errno| Reason::Read(errno.into()))?;
    if FileType::from_raw_mode(found.st_mode) == FileType::RegularFile {
        Ok(file.into())
    } else {
        Err(Reason::NotRegular)
    }
}

/// Reads a file that must not be larger than a secret and its newline.
pub(crate) fn read(file: &File) -> Result<Secret, Reason> {
    let bytes = read_at_most(file, MAX_SECRET_BYTES + 1).map_err(Reason::Read)?;
    Secret::new(bytes.ok_or(Reason::TooLarge)?)
}

/// Reads a file of at most `most` bytes; `None` if there are more.
pub(crate) fn read_at_most(file: &File, most: usize) -> io::Result<Option<Zeroizing<Vec<u8>>>> {
    // Never larger: a buffer that grows leaves what it held behind it in memory.
    let mut buffer = Zeroizing::new(Vec::with_capacity(most + 1));
    file.take(most as u64 + 1).read_to_end(&mut buffer)?;
    // Of the length that is needed, since the buffer is much longer.
    Ok((buffer.len() <= most).then(|| Zeroizing::new(buffer.to_vec())))
}

#[cfg(test)]
#[path = "local_tests.rs"]
mod tests;
