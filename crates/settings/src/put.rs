//! Files that are put in place whole.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

use rustix::fs::{Gid, Mode, OFlags, Uid};
use serde::Serialize;

use crate::limits::SECRET_MAX_BYTES;

/// Who may do what with a file that is put in place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Access {
    /// The permission bits.
    pub mode: u32,
    /// User and group; without them, those of this process and of the folder.
    pub owner: Option<(u32, u32)>,
}

impl Access {
    /// These permission bits, for whoever owns what this process makes.
    pub fn mode(mode: u32) -> Self {
        Self { mode, owner: None }
    }

    /// As the file at `path` has it, else `otherwise`. A link is no file: its permissions are always all, and what it leads to
    /// may be meant for others.
    pub fn like(path: &Path, otherwise: Self) -> Self {
        let found = fs::symlink_metadata(path).ok().filter(fs::Metadata::is_file);
        found.map_or(otherwise, |found| Self {
            mode: found.mode() & 0o7777,
            owner: Some((found.uid(), found.gid())),
        })
    }
}

/// Puts a file in place whole and for good: a power cut leaves the old one there or the new one, and nobody reads it
/// meanwhile who may not. A link at `path` is replaced and not followed.
///
/// # Errors
///
/// Those of the file system.
pub fn put(path: &Path, access: Access, content: &[u8]) -> io::Result<()> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".new");
    let temporary = path.with_file_name(name);
    match fs::remove_file(&temporary) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&temporary)?;
    file.write_all(content)?;
    // Before the owner, since a file of somebody else's is not ours to change; and whatever the mask of this process is.
    rustix::fs::fchmod(&file, Mode::from_raw_mode(access.mode))?;
    if let Some((user, group)) = access.owner {
        rustix::fs::fchown(&file, Some(Uid::from_raw(user)), Some(Gid::from_raw(group)))?;
    }
    file.sync_all()?;
    fs::rename(&temporary, path)?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}

/// Opens a file that holds a secret, and that nobody but its owner may read or change.
///
/// # Errors
///
/// Those of the file system; it is a link or no file; or others may do something with it.
pub fn open_private(path: &Path) -> io::Result<File> {
    // A pipe would make the open wait for its writer.
    let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed();
    let file = OpenOptions::new().read(true).custom_flags(flags).open(path)?;
    // Of what is open: by its name it could be another file already.
    let found = file.metadata()?;
    if !found.is_file() {
        return Err(io::Error::other("it is no regular file: put a file in its place"));
    }
    if found.mode() & OTHERS != 0 {
        return Err(io::Error::other("others may read it: take that from them with `chmod 600`"));
    }
    Ok(file)
}

/// Reads a file that holds a secret, and that nobody but its owner may read.
///
/// # Errors
///
/// Those of [`open_private`]; or it is longer than a secret is.
pub fn private(path: &Path) -> io::Result<String> {
    let file = open_private(path)?;
    let mut text = String::new();
    if file.take(SECRET_MAX_BYTES).read_to_string(&mut text)? as u64 == SECRET_MAX_BYTES {
        return Err(io::Error::other("it is longer than a secret is"));
    }
    Ok(text)
}

/// The permissions of group and others.
const OTHERS: u32 = 0o077;

/// Puts a value in place as a YAML file, below a `heading` of comment lines.
///
/// # Errors
///
/// Those of [`put`], and what YAML cannot hold.
pub fn save<T: Serialize>(path: &Path, access: Access, heading: &str, value: &T) -> io::Result<()> {
    put(path, access, yaml(heading, value)?.as_bytes())
}

/// A value as YAML, below a `heading` of comment lines.
///
/// # Errors
///
/// What YAML cannot hold.
pub fn yaml<T: Serialize>(heading: &str, value: &T) -> io::Result<String> {
    let yaml = serde_saphyr::to_string(value).map_err(io::Error::other)?;
    Ok(format!("{heading}{yaml}"))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    #[test]
    fn a_file_is_replaced_whole_and_a_link_is_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        let (path, other) = (folder.path().join("a.yaml"), folder.path().join("other"));
        fs::write(&other, "kept").unwrap();
        symlink(&other, &path).unwrap();
        fs::write(folder.path().join("a.yaml.new"), "of a power cut").unwrap();
        put(&path, Access::mode(0o640), b"new").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "new");
        assert_eq!(fs::read_to_string(&other).unwrap(), "kept");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o640);
        let names = fs::read_dir(folder.path()).unwrap().count();
        assert_eq!(names, 2, "nothing is left behind");
    }

    #[test]
    fn who_may_read_a_file_stays_so() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.yaml");
        let otherwise = Access::mode(0o600);
        assert_eq!(Access::like(&path, otherwise), otherwise);
        // The permissions of a link are always all, and nobody's wish.
        symlink("elsewhere", &path).unwrap();
        assert_eq!(Access::like(&path, otherwise), otherwise);
        put(&path, Access::mode(0o640), b"").unwrap();
        save(&path, Access::like(&path, otherwise), "# Heading\n", &["a", "b"]).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o640);
        assert_eq!(crate::load::<Vec<String>>(&path).unwrap(), ["a", "b"]);
    }
}
