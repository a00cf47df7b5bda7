//! Reading a file.

use std::fs::File;
use std::io::Read as _;

use crate::error::Error;
use crate::open::{self, Opened};
use crate::root::VRoot;
use crate::vpath::VPath;

pub(crate) fn read(root: &VRoot, path: &VPath, max: u64) -> Result<Vec<u8>, Error> {
    let Opened { file, stat } = open::open(root, path)?;
    read_at_most(file, stat.size, max, path)
}

fn read_at_most(file: File, size: u64, max: u64, path: &VPath) -> Result<Vec<u8>, Error> {
    let too_large = |size| Error::TooLarge { path: path.clone(), size, limit: max };
    if size > max {
        return Err(too_large(size));
    }
    // One byte more than allowed shows that the file grew meanwhile.
    let bound = max.saturating_add(1);
    let mut content = Vec::with_capacity(usize::try_from(size).unwrap_or(0));
    file.take(bound).read_to_end(&mut content).map_err(|error| {
        rustix::io::Errno::from_io_error(&error).map_or_else(
            || Error::Io { path: path.clone(), source: error },
            |errno| Error::from_errno(errno, path),
        )
    })?;
    let read = content.len() as u64;
    if read > max { Err(too_large(read)) } else { Ok(content) }
}
