//! Making an archive.

use std::fs::File;
use std::io::{self, BufWriter, Read, Write};

use capability::{Call, ErrorKind, ToolError};
use flate2::Compression;
use flate2::write::GzEncoder;
use vroot::{Browse, Kind, Opened, VPath};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::Format;
use crate::access::View;
use crate::limits::{MAX_ARCHIVE_ENTRIES, READ_CHUNK_BYTES};

/// A writer of archives.
trait Packer {
    fn folder(&mut self, name: &str) -> io::Result<()>;
    fn file(&mut self, name: &str, opened: &mut Opened, call: &Call) -> io::Result<()>;
    fn finish(self: Box<Self>) -> io::Result<()>;
}

/// Writes an archive of `sources` into `file`. Links and what may not be seen are left out. Gives the number of entries.
pub(crate) fn pack(
    view: &View<'_>,
    call: &Call,
    sources: &[VPath],
    format: Format,
    file: &mut File,
) -> Result<usize, ToolError> {
    let file = BufWriter::with_capacity(READ_CHUNK_BYTES, file);
    let mut packer: Box<dyn Packer + '_> = match format {
        Format::Zip => Box::new(Zip(ZipWriter::new(file))),
        Format::Tar => Box::new(Tar(tar::Builder::new(Plain(file)))),
        Format::Tgz => {
            Box::new(Tar(tar::Builder::new(GzEncoder::new(file, Compression::default()))))
        }
    };
    let mut packing = Packing { packer: packer.as_mut(), call, entries: 0, failed: None };
    for source in sources {
        let stat = view.stat(source)?;
        let name = source.as_str().rsplit('/').next().unwrap_or_default().to_owned();
        if stat.kind == Kind::Directory {
            let prefix = if name.is_empty() { String::new() } else { format!("{name}/") };
            if !name.is_empty() {
                packing.add(|packer, _| packer.folder(&name));
            }
            view.browse(call, source, &mut |found| {
                let name = format!("{prefix}{}", found.relative);
                match found.kind() {
                    Kind::Directory => packing.add(|packer, _| packer.folder(&name)),
                    Kind::File => {
                        if let Some(mut opened) = found.open().filter(|_| found.is_open) {
                            packing.add(|packer, call| packer.file(&name, &mut opened, call));
                        }
                    }
                    _ => {}
                }
                if packing.failed.is_some() { Browse::Stop } else { Browse::Enter }
            })?;
        } else {
            let mut opened = view.open(source)?;
            packing.add(|packer, call| packer.file(&name, &mut opened, call));
        }
        if let Some(error) = packing.failed.take() {
            return Err(error);
        }
    }
    let entries = packing.entries;
    packer.finish().map_err(|error| failed(&error))?;
    Ok(entries)
}

struct Packing<'a> {
    packer: &'a mut dyn Packer,
    call: &'a Call,
    entries: usize,
    failed: Option<ToolError>,
}

impl Packing<'_> {
    fn add(&mut self, add: impl FnOnce(&mut dyn Packer, &Call) -> io::Result<()>) {
        if self.failed.is_some() {
            return;
        }
        self.entries += 1;
        if self.entries > MAX_ARCHIVE_ENTRIES {
            let text =
                format!("these are more than {MAX_ARCHIVE_ENTRIES} entries: make several archives");
            self.failed = Some(ToolError::new(ErrorKind::TooLarge, text));
        } else if let Err(error) = add(self.packer, self.call) {
            self.failed = Some(self.call.check().err().unwrap_or_else(|| failed(&error)));
        }
    }
}

fn failed(error: &io::Error) -> ToolError {
    if error.kind() == io::ErrorKind::StorageFull {
        return ToolError::new(ErrorKind::NoSpace, "no space is left to write the archive");
    }
    tracing::error!(%error, "an archive cannot be written");
    ToolError::new(ErrorKind::Internal, "the archive cannot be written: the disk failed")
}

/// Copies at most as much as the file had when it was opened.
fn copy(opened: &mut Opened, to: &mut dyn Write, call: &Call) -> io::Result<u64> {
    let mut chunk = vec![0; READ_CHUNK_BYTES];
    let mut from = (&mut opened.file).take(opened.stat.size);
    let mut copied = 0;
    loop {
        call.check().map_err(io::Error::other)?;
        let read = from.read(&mut chunk)?;
        if read == 0 {
            return Ok(copied);
        }
        copied += read as u64;
        to.write_all(chunk.get(..read).unwrap_or_default())?;
    }
}

struct Zip<'a>(ZipWriter<BufWriter<&'a mut File>>);

impl Packer for Zip<'_> {
    fn folder(&mut self, name: &str) -> io::Result<()> {
        Ok(self.0.add_directory(name, SimpleFileOptions::default())?)
    }

    fn file(&mut self, name: &str, opened: &mut Opened, call: &Call) -> io::Result<()> {
        let large = opened.stat.size > u64::from(u32::MAX) / 2;
        let options = SimpleFileOptions::default()
            .large_file(large)
            .unix_permissions(opened.stat.mode & 0o777);
        self.0.start_file(name, options)?;
        copy(opened, &mut self.0, call).map(drop)
    }

    fn finish(self: Box<Self>) -> io::Result<()> {
        self.0.finish()?.flush()
    }
}

/// What a tar is written into, and how that ends.
trait Sink: Write {
    fn end(self) -> io::Result<()>;
}

struct Plain<'a>(BufWriter<&'a mut File>);

impl Write for Plain<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

impl Sink for Plain<'_> {
    fn end(mut self) -> io::Result<()> {
        self.0.flush()
    }
}

impl Sink for GzEncoder<BufWriter<&mut File>> {
    fn end(self) -> io::Result<()> {
        self.finish()?.flush()
    }
}

struct Tar<W: Sink>(tar::Builder<W>);

impl<W: Sink> Packer for Tar<W> {
    fn folder(&mut self, name: &str) -> io::Result<()> {
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(tar::EntryType::Directory);
        header.set_mode(0o755);
        header.set_size(0);
        self.0.append_data(&mut header, format!("{name}/"), io::empty())
    }

    fn file(&mut self, name: &str, opened: &mut Opened, call: &Call) -> io::Result<()> {
        let mut header = tar::Header::new_gnu();
        header.set_mode(opened.stat.mode & 0o777);
        header.set_size(opened.stat.size);
        let modified = opened
            .stat
            .modified
            .and_then(|time| time.duration_since(std::time::SystemTime::UNIX_EPOCH).ok());
        header.set_mtime(modified.map_or(0, |since| since.as_secs()));
        // A tar says the size first, so a file that shrinks meanwhile is filled up.
        let size = opened.stat.size;
        let file = (&mut opened.file).chain(io::repeat(0)).take(size);
        self.0.append_data(&mut header, name, Stoppable { file, call })
    }

    fn finish(self: Box<Self>) -> io::Result<()> {
        self.0.into_inner()?.end()
    }
}

/// A file that ends with an error once nobody waits any more.
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
