//! Parts of a file, read in little memory.

use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::ops::ControlFlow;

use capability::{ErrorKind, ToolError};

use crate::limits::{MAX_READ_BYTES, READ_CHUNK_BYTES};

/// A part of a file.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Part {
    pub(crate) bytes: Vec<u8>,
    /// Whether something comes after it.
    pub(crate) more: bool,
}

/// The bytes from `offset` on, `length` of them at most.
pub(crate) fn range(
    file: &mut (impl Read + Seek),
    offset: u64,
    length: u64,
) -> Result<Part, ToolError> {
    file.seek(SeekFrom::Start(offset)).map_err(|error| failed(&error))?;
    let mut bytes = Vec::new();
    let mut within = file.take(length.min(MAX_READ_BYTES));
    within.read_to_end(&mut bytes).map_err(|error| failed(&error))?;
    let mut next = [0];
    let more = within.into_inner().read(&mut next).map_err(|error| failed(&error))? > 0;
    Ok(Part { bytes, more })
}

/// `count` lines, the first of them after `skip` others.
pub(crate) fn lines(
    file: &mut impl Read,
    skip: u64,
    count: u64,
    interrupt: &dyn Fn() -> ControlFlow<()>,
) -> Result<Part, ToolError> {
    let mut file = BufReader::with_capacity(READ_CHUNK_BYTES, file);
    let mut skipped = 0;
    while skipped < skip {
        if interrupt().is_break() {
            return Err(ToolError::new(ErrorKind::Cancelled, "the call was stopped"));
        }
        let chunk = file.fill_buf().map_err(|error| failed(&error))?;
        if chunk.is_empty() {
            return Ok(Part { bytes: Vec::new(), more: false });
        }
        let mut used = chunk.len();
        for end in memchr::memchr_iter(b'\n', chunk) {
            skipped += 1;
            if skipped == skip {
                used = end + 1;
                break;
            }
        }
        file.consume(used);
    }
    let mut bytes = Vec::new();
    let mut within = file.by_ref().take(MAX_READ_BYTES + 1);
    for _ in 0..count {
        if within.read_until(b'\n', &mut bytes).map_err(|error| failed(&error))? == 0 {
            break;
        }
    }
    if bytes.len() as u64 > MAX_READ_BYTES {
        return Err(too_long());
    }
    let more = !file.fill_buf().map_err(|error| failed(&error))?.is_empty();
    Ok(Part { bytes, more })
}

/// The last `count` lines.
pub(crate) fn tail(file: &mut (impl Read + Seek), count: u64) -> Result<Part, ToolError> {
    let size = file.seek(SeekFrom::End(0)).map_err(|error| failed(&error))?;
    let mut bytes: Vec<u8> = Vec::new();
    let mut start = size;
    while start > 0 {
        let length = start.min(READ_CHUNK_BYTES as u64);
        start -= length;
        let mut chunk = Vec::new();
        file.seek(SeekFrom::Start(start)).map_err(|error| failed(&error))?;
        file.take(length).read_to_end(&mut chunk).map_err(|error| failed(&error))?;
        chunk.extend_from_slice(&bytes);
        bytes = chunk;
        if let Some(from) = start_of(&bytes, count) {
            bytes.drain(..from);
            start += from as u64;
            if bytes.len() as u64 > MAX_READ_BYTES {
                return Err(too_long());
            }
            return Ok(Part { bytes, more: start > 0 });
        }
        if bytes.len() as u64 > MAX_READ_BYTES {
            return Err(too_long());
        }
    }
    Ok(Part { bytes, more: false })
}

/// Where the last `count` lines begin: `None` if there are not more than these.
fn start_of(bytes: &[u8], count: u64) -> Option<usize> {
    let Ok(count) = usize::try_from(count) else { return None };
    if count == 0 {
        return Some(bytes.len());
    }
    // The end of the last line is no beginning of another.
    let last = bytes.len().checked_sub(1)?;
    let mut ends = memchr::memrchr_iter(b'\n', bytes.get(..last)?);
    ends.nth(count - 1).map(|end| end + 1)
}

/// Text of a part whose ends may lie within a character: those are left out, and the start of the text is told.
pub(crate) fn whole_characters(bytes: &[u8]) -> &[u8] {
    let start = bytes.iter().take(3).take_while(|byte| **byte & 0xC0 == 0x80).count();
    let bytes = bytes.get(start..).unwrap_or_default();
    match std::str::from_utf8(bytes) {
        Err(error) if error.error_len().is_none() => {
            bytes.get(..error.valid_up_to()).unwrap_or_default()
        }
        _ => bytes,
    }
}

fn too_long() -> ToolError {
    let text = format!(
        "these lines have more than {MAX_READ_BYTES} bytes: ask for fewer, or read a range of bytes"
    );
    ToolError::new(ErrorKind::TooLarge, text)
}

fn failed(error: &io::Error) -> ToolError {
    tracing::error!(%error, "a file cannot be read");
    ToolError::new(ErrorKind::Internal, "the file cannot be read: the disk failed")
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    fn on() -> ControlFlow<()> {
        ControlFlow::Continue(())
    }

    #[test]
    fn the_last_lines_are_those_of_the_whole_file() {
        for text in ["", "a", "a\n", "a\nb", "a\nb\n", "\n\n\n", "one\ntwo\nthree\n"] {
            let all: Vec<&str> = text.split_inclusive('\n').collect();
            for count in 0..5 {
                let from = all.len().saturating_sub(count);
                let part = tail(&mut Cursor::new(text), count as u64).unwrap();
                let expected = all[from..].concat();
                assert_eq!(part.bytes, expected.as_bytes(), "{text:?} {count}");
                assert_eq!(part.more, expected.len() < text.len(), "{text:?} {count}");
                for skip in 0..5 {
                    let part = lines(&mut text.as_bytes(), skip as u64, count as u64, &on).unwrap();
                    let expected: Vec<&str> = all.iter().skip(skip).take(count).copied().collect();
                    assert_eq!(part.bytes, expected.concat().as_bytes(), "{text:?} {skip} {count}");
                    assert_eq!(part.more, all.len() > skip + count, "{text:?} {skip} {count}");
                }
            }
        }
        let long = "line\n".repeat(READ_CHUNK_BYTES);
        let part = tail(&mut Cursor::new(&long), 50_000).unwrap();
        assert_eq!((part.bytes.len(), part.more), (250_000, true));
        let longer = long.repeat(4);
        assert!(tail(&mut Cursor::new(&longer), 1_000_000).is_err());
    }

    #[test]
    fn a_line_without_end_is_refused_in_little_memory() {
        let mut endless = io::repeat(b'x');
        assert!(lines(&mut endless, 0, 1, &on).is_err());
        let stop = || ControlFlow::Break(());
        assert!(lines(&mut endless, 1, 1, &stop).is_err());
    }

    #[test]
    fn a_range_ends_where_it_is_told_and_characters_stay_whole() {
        let part = range(&mut Cursor::new("äöü"), 2, 3).unwrap();
        assert_eq!((part.bytes.as_slice(), part.more), (&[0xC3, 0xB6, 0xC3][..], true));
        assert_eq!(whole_characters(&part.bytes), "ö".as_bytes());
        assert_eq!(whole_characters(b"\xB6\xC3\xBC"), "ü".as_bytes());
        assert_eq!(whole_characters(b"a\xff"), b"a\xff");
        let part = range(&mut Cursor::new("äöü"), 9, 3).unwrap();
        assert_eq!(part, Part { bytes: Vec::new(), more: false });
    }
}
