//! Taking an archive apart, into a folder that nobody sees before it is whole.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom, Write};

use capability::{Call, ErrorKind, ToolError};
use flate2::read::MultiGzDecoder;
use vroot::Stage;
use zip::ZipArchive;

use super::Format;
use super::guard::{Bounded, Guard};
use crate::error::{invalid, refused_or_stopped};
use crate::limits::{MAX_ARCHIVE_INDEX_BYTES, READ_CHUNK_BYTES};

/// What was taken out.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Unpacked {
    pub(crate) entries: usize,
    pub(crate) bytes: u64,
}

/// Puts what is in an archive of `size` bytes into `stage`: files and folders. An archive that holds anything else, or a
/// path that leads out of it, is refused.
pub(crate) fn unpack(
    call: &Call,
    mut file: File,
    size: u64,
    format: Format,
    stage: &mut Stage<'_>,
) -> Result<Unpacked, ToolError> {
    let mut unpacking = Unpacking { call, stage, guard: Guard::new(size) };
    match format {
        Format::Zip => {
            // The list of entries is read here, and once more by who reads the entries.
            let list = ZipArchive::new(Bounded::new(&file, MAX_ARCHIVE_INDEX_BYTES));
            list.map_err(|error| damaged(&error.into())).map(drop)?;
            file.seek(SeekFrom::Start(0)).map_err(|error| damaged(&error))?;
            unpacking.zip(BufReader::with_capacity(READ_CHUNK_BYTES, file))?;
        }
        Format::Tar => unpacking.tar(BufReader::with_capacity(READ_CHUNK_BYTES, file))?,
        Format::Tgz => {
            unpacking.tar(MultiGzDecoder::new(BufReader::with_capacity(READ_CHUNK_BYTES, file)))?;
        }
    }
    let (entries, bytes) = unpacking.guard.counted();
    Ok(Unpacked { entries, bytes })
}

struct Unpacking<'a, 's> {
    call: &'a Call,
    stage: &'a mut Stage<'s>,
    guard: Guard,
}

impl Unpacking<'_, '_> {
    fn zip(&mut self, file: impl Read + Seek) -> Result<(), ToolError> {
        let mut archive = ZipArchive::new(file).map_err(|error| damaged(&error.into()))?;
        Guard::may_hold(archive.len())?;
        for at in 0..archive.len() {
            self.guard.entry()?;
            let mut entry = archive.by_index(at).map_err(|error| damaged(&error.into()))?;
            let name = text(entry.name_raw())?;
            if entry.is_dir() {
                self.folder(&name)?;
            } else if entry.is_file() {
                let mode = entry.unix_mode().unwrap_or(0o644);
                self.file(&name, mode, &mut entry)?;
            } else {
                return Err(not_a_file());
            }
        }
        Ok(())
    }

    fn tar(&mut self, file: impl Read) -> Result<(), ToolError> {
        let call = self.call;
        let mut archive = tar::Archive::new(Stoppable { file, call });
        for entry in archive.entries().map_err(|error| damaged(&error))? {
            self.guard.entry()?;
            let mut entry = entry.map_err(|error| self.why(&error))?;
            let name = text(&entry.path_bytes())?;
            let kind = entry.header().entry_type();
            if kind.is_dir() {
                self.folder(&name)?;
            } else if kind.is_file() || kind.is_contiguous() {
                let mode = entry.header().mode().unwrap_or(0o644);
                self.file(&name, mode, &mut entry)?;
            } else if !kind.is_pax_global_extensions() {
                return Err(not_a_file());
            }
        }
        Ok(())
    }

    fn folder(&mut self, name: &str) -> Result<(), ToolError> {
        self.stage.folder(name).map_err(|error| refused_or_stopped(self.call, &error))
    }

    fn file(&mut self, name: &str, mode: u32, content: &mut dyn Read) -> Result<(), ToolError> {
        let refused = |error: vroot::Error| refused_or_stopped(self.call, &error);
        // Whoever extracts it must be able to read and change it.
        let mut file = self.stage.file(name, mode | 0o600).map_err(refused)?;
        let mut chunk = vec![0; READ_CHUNK_BYTES];
        loop {
            self.call.check()?;
            let read = content.read(&mut chunk).map_err(|error| self.why(&error))?;
            if read == 0 {
                break;
            }
            self.guard.bytes(read)?;
            file.write_all(chunk.get(..read).unwrap_or_default()).map_err(|error| {
                match error.kind() {
                    io::ErrorKind::StorageFull => ToolError::new(
                        ErrorKind::NoSpace,
                        "no space is left to extract the archive",
                    ),
                    _ => ToolError::new(ErrorKind::Internal, "a file cannot be written"),
                }
            })?;
        }
        self.stage.close(&file).map_err(|error| refused_or_stopped(self.call, &error))
    }

    /// Why reading stopped: nobody waits, or the archive is damaged.
    fn why(&self, error: &io::Error) -> ToolError {
        self.call.check().err().unwrap_or_else(|| damaged(error))
    }
}

/// A tar whose reading ends with an error once nobody waits any more: what is skipped in it can be long.
struct Stoppable<'a, R> {
    file: R,
    call: &'a Call,
}

impl<R: Read> Read for Stoppable<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.call.check().map_err(io::Error::other)?;
        self.file.read(buffer)
    }
}

/// A name, which must be text and a path that stays in the archive.
fn text(name: &[u8]) -> Result<String, ToolError> {
    let name = std::str::from_utf8(name)
        .map_err(|_| invalid("the archive holds a name that is not Unicode"))?;
    // Some programs write them so.
    let name = name.replace('\\', "/");
    if name.starts_with('/') || name.split('/').any(|part| part == "..") {
        return Err(invalid(
            "the archive holds a path that leads out of it: nothing was extracted",
        ));
    }
    Ok(name)
}

/// It does not name the entry: whoever made the archive may have put anything into the name.
fn not_a_file() -> ToolError {
    invalid("the archive holds a link or a device: nothing was extracted")
}

fn damaged(error: &io::Error) -> ToolError {
    tracing::debug!(%error, "an archive cannot be read");
    invalid("the archive is damaged, or not of the kind that its name says")
}
