//! Files and folders of the state, with the modes that they must have.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::process::geteuid;
use settings::Access;

use crate::error::Error;

/// The mode of every folder: nobody else may enter.
const FOLDER_MODE: u32 = 0o700;
/// The file that is held while the daemons run, and by which a state folder is known.
const LOCK: &str = "lock";
/// The mode of files that may hold a secret.
pub(crate) const SECRET_MODE: u32 = 0o600;

/// Makes a folder if it is not there, and sees to it that it is ours and that nobody else can enter.
pub(crate) fn private_folder(path: &Path) -> Result<(), Error> {
    DirBuilder::new().recursive(true).mode(FOLDER_MODE).create(path).map_err(Error::file(path))?;
    let metadata = fs::metadata(path).map_err(Error::file(path))?;
    if metadata.uid() != geteuid().as_raw() {
        return Err(Error::NotOurs(path.to_owned()));
    }
    if metadata.mode() & 0o777 != FOLDER_MODE {
        fs::set_permissions(path, fs::Permissions::from_mode(FOLDER_MODE))
            .map_err(Error::file(path))?;
    }
    Ok(())
}

/// Makes a folder that a person named if it is not there, as an absolute path. One that is there is left as it is, and
/// refused if others can enter: it is not ours to close.
pub(crate) fn closed_folder(path: &Path) -> Result<PathBuf, Error> {
    let path = std::path::absolute(path).map_err(Error::file(path))?;
    DirBuilder::new()
        .recursive(true)
        .mode(FOLDER_MODE)
        .create(&path)
        .map_err(Error::file(&path))?;
    let metadata = fs::metadata(&path).map_err(Error::file(&path))?;
    if metadata.uid() != geteuid().as_raw() || metadata.mode() & 0o077 != 0 {
        return Err(Error::NotClosed(path));
    }
    Ok(path)
}

/// Puts a file of this user's in place whole.
pub(crate) fn put(path: &Path, mode: u32, content: &[u8]) -> Result<(), Error> {
    settings::put(path, Access::mode(mode), content).map_err(Error::file(path))
}

/// Makes the state folder, or takes one that is there: an empty one, or one that was a state folder before. Any other
/// holds something of somebody's, which is not ours to close or to write over.
pub(crate) fn claim(state: &Path) -> Result<(), Error> {
    match fs::read_dir(state) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(Error::file(state)(error)),
        Ok(mut entries) => {
            let known = state.join(LOCK).symlink_metadata().is_ok();
            if !known && entries.next().is_some() {
                return Err(Error::NotState(state.to_owned()));
            }
        }
    }
    private_folder(state)
}

/// Takes the lock of a state folder. It is held until the file is dropped, or the process ends.
pub(crate) fn lock(state: &Path) -> Result<File, Error> {
    let path = state.join(LOCK);
    let file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .mode(SECRET_MODE)
        .open(&path)
        .map_err(Error::file(&path))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(fs::TryLockError::WouldBlock) => Err(Error::InUse(state.to_owned())),
        Err(fs::TryLockError::Error(source)) => Err(Error::File { path, source }),
    }
}
