//! Reading a file.

use std::fs::File;
use std::io::Read as _;
use std::os::fd::OwnedFd;

use rustix::fs::{FileType, OFlags};

use crate::error::Error;
use crate::handle::open_same;
use crate::limits::MAX_RACE_ATTEMPTS;
use crate::root::VRoot;
use crate::vpath::VPath;
use crate::walk::{LastLink, Leaf, walk};

pub(crate) fn read(root: &VRoot, path: &VPath, max: u64) -> Result<Vec<u8>, Error> {
    for _ in 0..MAX_RACE_ATTEMPTS {
        if let Some((file, size)) = open(root, path)? {
            return read_at_most(file, size, max, path);
        }
    }
    Err(Error::Busy { path: path.clone() })
}

/// Opens the file and tells its size: `None` when it was exchanged at the wrong moment.
fn open(root: &VRoot, path: &VPath) -> Result<Option<(OwnedFd, u64)>, Error> {
    let place = walk(root, path, LastLink::Follow)?;
    let Leaf::Entry { name, node } = &place.leaf else {
        return Err(Error::IsADirectory { path: path.clone() });
    };
    let node = node.as_ref().ok_or_else(|| Error::NotFound { path: path.clone() })?;
    match node.facts.kind {
        FileType::RegularFile => {}
        FileType::Directory => return Err(Error::IsADirectory { path: path.clone() }),
        _ => return Err(Error::NotRegular { path: path.clone() }),
    }
    let file = open_same(place.folder(), name, OFlags::RDONLY, node.facts.id)
        .map_err(|errno| Error::from_errno(errno, path))?;
    Ok(file.map(|file| (file, node.facts.size)))
}

fn read_at_most(file: OwnedFd, size: u64, max: u64, path: &VPath) -> Result<Vec<u8>, Error> {
    let too_large = |size| Error::TooLarge { path: path.clone(), size, limit: max };
    if size > max {
        return Err(too_large(size));
    }
    // One byte more than allowed shows that the file grew meanwhile.
    let bound = max.saturating_add(1);
    let mut content = Vec::with_capacity(usize::try_from(size).unwrap_or(0));
    File::from(file).take(bound).read_to_end(&mut content).map_err(|error| {
        rustix::io::Errno::from_io_error(&error).map_or_else(
            || Error::Io { path: path.clone(), source: error },
            |errno| Error::from_errno(errno, path),
        )
    })?;
    let read = content.len() as u64;
    if read > max { Err(too_large(read)) } else { Ok(content) }
}
