//! Reading and writing files of which some are secrets.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

use crate::error::Error;
use crate::limits::MAX_FILE_BYTES;

/// A folder for one user alone.
const FOLDER_MODE: u32 = 0o700;
/// A key.
pub(crate) const SECRET_MODE: u32 = 0o600;
/// A certificate, which is shown to everybody anyway.
pub(crate) const PUBLIC_MODE: u32 = 0o644;

/// What of a key's mode must not be: anything for others than its owner.
pub(crate) const OTHERS: u32 = 0o077;
/// The same of a key that an administrator gives to a group of daemons: reading is then the group's, too.
pub(crate) const OTHERS_BUT_READERS: u32 = 0o037;

/// Makes a folder, with those above it, where it is not.
pub(crate) fn folder(path: &Path) -> Result<(), Error> {
    DirBuilder::new().recursive(true).mode(FOLDER_MODE).create(path).map_err(Error::file(path))
}

/// The content of a file; `None` where there is none.
pub(crate) fn read(path: &Path) -> Result<Option<Vec<u8>>, Error> {
    let file = match File::open(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        opened => opened.map_err(Error::file(path))?,
    };
    Ok(Some(content(path, &file)?))
}

/// The content of a key's file, none of whose bits of `forbidden` may be set; `None` where there is none.
pub(crate) fn read_secret(path: &Path, forbidden: u32) -> Result<Option<Vec<u8>>, Error> {
    let file = match File::open(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        opened => opened.map_err(Error::file(path))?,
    };
    // Of the file that is open, so that nobody can put another in its place in between.
    let mode = file.metadata().map_err(Error::file(path))?.permissions().mode() & 0o777;
    if mode & forbidden != 0 {
        return Err(Error::Open { path: path.to_owned(), mode });
    }
    Ok(Some(content(path, &file)?))
}

fn content(path: &Path, file: &File) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    file.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes).map_err(Error::file(path))?;
    if bytes.len() as u64 > MAX_FILE_BYTES {
        return Err(Error::broken(path, format!("it has more than {MAX_FILE_BYTES} bytes")));
    }
    Ok(bytes)
}

/// Puts a file in place whole and for good, and nobody reads it who may not, whatever the mask of this process is.
pub(crate) fn put(path: &Path, mode: u32, content: &[u8]) -> Result<(), Error> {
    let at = || Error::file(path);
    let temporary = path.with_extension("new");
    match fs::remove_file(&temporary) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(at()(error)),
        _ => {}
    }
    let opened = OpenOptions::new().write(true).create_new(true).mode(SECRET_MODE).open(&temporary);
    let mut file = opened.map_err(at())?;
    file.write_all(content).map_err(at())?;
    file.set_permissions(fs::Permissions::from_mode(mode)).map_err(at())?;
    file.sync_all().map_err(at())?;
    fs::rename(&temporary, path).map_err(at())?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new("."))).and_then(|f| f.sync_all()).map_err(at())
}
