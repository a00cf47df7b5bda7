//! Reads the cap files of the folder.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::os::fd::AsFd;

use capfile::{CapFile, CapFileError, MAX_CAP_FILE_BYTES, NameError, ServiceName};
use rustix::fs::{Dir, FileType, Mode, OFlags, fstat, openat};
use rustix::io::Errno;
use rustix::process::geteuid;

use crate::limits::MAX_SERVERS;
use crate::registry::Folder;

/// The end of a cap file's name.
const SUFFIX: &str = ".cap.json";
/// Who may not be able to write a cap file: anybody but its owner.
const WRITABLE_BY_OTHERS: u32 = 0o022;

/// The cap files of a folder by name, each with its owner.
pub(super) type Declared = BTreeMap<ServiceName, (CapFile, u32)>;

/// Why one cap file is not taken.
#[derive(Debug, thiserror::Error)]
enum Refused {
    #[error("its name is not that of a server: {0}")]
    Name(#[from] NameError),
    #[error("it is not a regular file")]
    NotRegular,
    #[error("it belongs to user {0}, who is neither root nor the gateway's own user")]
    Owner(u32),
    #[error(
        "others than its owner can write it: take the write permission of group and others away"
    )]
    Writable,
    #[error("it cannot be read: {0}")]
    Unreadable(#[from] std::io::Error),
    #[error(transparent)]
    Content(#[from] CapFileError),
}

impl From<Errno> for Refused {
    fn from(error: Errno) -> Self {
        Self::Unreadable(error.into())
    }
}

/// Reads every cap file. One that is not right is logged and left out; it takes nothing else with it.
pub(super) fn scan(folder: &Folder) -> rustix::io::Result<Declared> {
    let mut found = Declared::new();
    for entry in Dir::read_from(&folder.handle)? {
        let entry = entry?;
        let Ok(file_name) = entry.file_name().to_str() else {
            continue;
        };
        let Some(name) = file_name.strip_suffix(SUFFIX) else {
            continue;
        };
        if found.len() == MAX_SERVERS {
            tracing::error!(max = MAX_SERVERS, "there are more cap files than are read");
            break;
        }
        match read(folder, file_name, name) {
            Ok((name, file, owner)) => {
                found.insert(name, (file, owner));
            }
            Err(error) => tracing::warn!(file = file_name, %error, "a cap file was refused"),
        }
    }
    Ok(found)
}

fn read(
    folder: &Folder,
    file_name: &str,
    name: &str,
) -> Result<(ServiceName, CapFile, u32), Refused> {
    let name = ServiceName::try_from(name)?;
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let handle = openat(folder.handle.as_fd(), file_name, flags, Mode::empty())?;
    let stat = fstat(&handle)?;
    if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
        return Err(Refused::NotRegular);
    }
    if stat.st_uid != 0 && stat.st_uid != geteuid().as_raw() {
        return Err(Refused::Owner(stat.st_uid));
    }
    if stat.st_mode & WRITABLE_BY_OTHERS != 0 {
        return Err(Refused::Writable);
    }
    let mut text = Vec::new();
    // One byte more than allowed tells a file that is too long from one that just fits.
    let bound = MAX_CAP_FILE_BYTES as u64 + 1;
    File::from(handle).take(bound).read_to_end(&mut text)?;
    let file = CapFile::parse(&name, &text)?;
    Ok((name, file, stat.st_uid))
}
