//! The bounds of what is taken out of an archive.

use std::io::{self, Read, Seek, SeekFrom};

use capability::{ErrorKind, ToolError};

use crate::limits::{
    ALWAYS_EXTRACTED_BYTES, MAX_ARCHIVE_ENTRIES, MAX_EXTRACTED_BYTES, MAX_EXTRACTED_RATIO,
};

/// Counts what is taken out.
#[derive(Debug)]
pub(super) struct Guard {
    entries: usize,
    bytes: u64,
    most: u64,
}

impl Guard {
    /// For an archive of so many bytes.
    pub(super) fn new(size: u64) -> Self {
        let most = size.saturating_mul(MAX_EXTRACTED_RATIO).max(ALWAYS_EXTRACTED_BYTES);
        Self { entries: 0, bytes: 0, most: most.min(MAX_EXTRACTED_BYTES) }
    }

    /// One more entry.
    pub(super) fn entry(&mut self) -> Result<(), ToolError> {
        self.entries += 1;
        Self::may_hold(self.entries)
    }

    /// Refuses an archive of too many entries, where their number is known at once.
    pub(super) fn may_hold(entries: usize) -> Result<(), ToolError> {
        if entries > MAX_ARCHIVE_ENTRIES {
            let text = format!("the archive has more than {MAX_ARCHIVE_ENTRIES} entries");
            return Err(ToolError::new(ErrorKind::TooLarge, text));
        }
        Ok(())
    }

    /// So many bytes more, counted as they come, whatever the archive says of itself.
    pub(super) fn bytes(&mut self, more: usize) -> Result<(), ToolError> {
        self.bytes = self.bytes.saturating_add(more as u64);
        if self.bytes > self.most {
            let text = format!(
                "the archive holds more than {} bytes, which is more than an archive of its size may: nothing was extracted",
                self.most
            );
            return Err(ToolError::new(ErrorKind::TooLarge, text));
        }
        Ok(())
    }

    pub(super) fn counted(&self) -> (usize, u64) {
        (self.entries, self.bytes)
    }
}

/// A file of which only so much is read, for a reader that holds what it reads in memory.
pub(super) struct Bounded<R> {
    inner: R,
    left: u64,
}

impl<R> Bounded<R> {
    pub(super) fn new(inner: R, left: u64) -> Self {
        Self { inner, left }
    }
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.left = self
            .left
            .checked_sub(read as u64)
            .ok_or_else(|| io::Error::other("the list of entries is too long"))?;
        Ok(read)
    }
}

impl<R: Seek> Seek for Bounded<R> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.inner.seek(to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_are_exact() {
        let mut guard = Guard::new(0);
        guard.bytes(usize::try_from(ALWAYS_EXTRACTED_BYTES).unwrap()).unwrap();
        guard.bytes(1).unwrap_err();
        assert_eq!(Guard::new(MAX_EXTRACTED_BYTES).most, MAX_EXTRACTED_BYTES);
        let size = ALWAYS_EXTRACTED_BYTES;
        assert_eq!(Guard::new(size).most, size * MAX_EXTRACTED_RATIO);
        for _ in 0..MAX_ARCHIVE_ENTRIES {
            guard.entry().unwrap();
        }
        guard.entry().unwrap_err();
    }

    #[test]
    fn no_more_is_read_than_allowed() {
        let mut read = Vec::new();
        Bounded::new(&b"abc"[..], 3).read_to_end(&mut read).unwrap();
        Bounded::new(&b"abc"[..], 2).read_to_end(&mut read).unwrap_err();
    }
}
