//! NUL framing: one JSON text, then one NUL byte.
//!
//! JSON has no NUL outside an escape, so a NUL can only be an end: no body, however it is laid out, can
//! smuggle a second message to a peer that splits on NUL.

use bytes::{Bytes, BytesMut};

/// The room, in bytes, that there is at least for what a stream gives next: most messages come with one read.
pub(crate) const READ_ROOM: usize = 4096;

/// Collects the bytes of a stream and hands out whole frames.
///
/// Read into [`FrameDecoder::buffer`], then call [`FrameDecoder::next_frame`] until it has none.
#[derive(Debug)]
pub struct FrameDecoder {
    buffer: BytesMut,
    /// How far the buffer is known to hold no NUL, so that a long frame is searched once only.
    searched: usize,
    max: usize,
}

/// A frame is longer than the reader allows; the stream cannot be read further.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a message is longer than {max} bytes")]
pub struct FrameTooLong {
    /// The most bytes that a frame may have, its NUL not counted.
    pub max: usize,
}

impl FrameDecoder {
    /// A decoder for frames of at most `max` bytes, the NUL not counted.
    pub fn new(max: usize) -> Self {
        Self { buffer: BytesMut::new(), searched: 0, max }
    }

    /// Where the next bytes of the stream are to be appended.
    pub fn buffer(&mut self) -> &mut BytesMut {
        self.buffer.reserve(READ_ROOM);
        &mut self.buffer
    }

    /// The next whole frame without its NUL, or `None` until more bytes come. Empty frames are passed over.
    pub fn next_frame(&mut self) -> Result<Option<Bytes>, FrameTooLong> {
        loop {
            let unseen = self.buffer.get(self.searched..).unwrap_or_default();
            let Some(at) = memchr::memchr(0, unseen) else {
                self.searched = self.buffer.len();
                return if self.searched > self.max { Err(self.too_long()) } else { Ok(None) };
            };
            let end = self.searched + at;
            self.searched = 0;
            if end > self.max {
                return Err(self.too_long());
            }
            let mut frame = self.buffer.split_to(end + 1);
            frame.truncate(end);
            // What is left would keep the memory of the message for as long as the connection is idle.
            if self.buffer.is_empty() {
                self.buffer = BytesMut::new();
            }
            if !frame.is_empty() {
                return Ok(Some(frame.freeze()));
            }
        }
    }

    /// Whether the stream may end here: nothing of an unfinished frame is held.
    pub fn is_empty(&self) -> bool {
        self.buffer.is_empty()
    }

    fn too_long(&self) -> FrameTooLong {
        FrameTooLong { max: self.max }
    }
}

/// Ends the message in `out` as one frame. What stands in it must be JSON, which has no NUL.
pub fn push_frame(out: &mut Vec<u8>) {
    debug_assert!(memchr::memchr(0, out).is_none(), "a message holds a NUL");
    out.push(0);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Feeds `stream` in the given pieces and collects the frames.
    fn frames(stream: &[u8], pieces: &[usize], max: usize) -> Result<Vec<Bytes>, FrameTooLong> {
        let mut decoder = FrameDecoder::new(max);
        let mut found = Vec::new();
        let mut rest = stream;
        let mut pieces = pieces.iter().copied().cycle();
        while !rest.is_empty() {
            let take = pieces.next().unwrap_or(rest.len()).clamp(1, rest.len());
            let (piece, tail) = rest.split_at(take);
            decoder.buffer().extend_from_slice(piece);
            rest = tail;
            while let Some(frame) = decoder.next_frame()? {
                found.push(frame);
            }
        }
        Ok(found)
    }

    #[test]
    fn the_bound_is_exact() {
        assert_eq!(frames(b"1234\0", &[], 4).unwrap(), ["1234"]);
        assert_eq!(frames(b"12345\0", &[], 4), Err(FrameTooLong { max: 4 }));
        assert_eq!(frames(b"12345", &[1], 4), Err(FrameTooLong { max: 4 }));
    }

    #[test]
    fn newlines_do_not_end_a_frame() {
        assert_eq!(frames(b"{\n}\n\0\0{}\0", &[2], 9).unwrap(), ["{\n}\n", "{}"]);
    }

    proptest! {
        #[test]
        fn any_split_of_the_bytes_gives_the_same_frames(
            texts in proptest::collection::vec("[^\0]{1,40}", 0..8),
            pieces in proptest::collection::vec(1_usize..50, 1..10),
        ) {
            let mut stream = Vec::new();
            for text in &texts {
                stream.extend_from_slice(text.as_bytes());
                stream.push(0);
            }
            prop_assert_eq!(frames(&stream, &pieces, 1024).unwrap(), texts);
        }
    }
}
