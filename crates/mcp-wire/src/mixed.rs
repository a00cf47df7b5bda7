//! Framing of `gateway.sock`, whose clients end a message with NUL or with a newline.
//!
//! The first message's end decides for the connection:
//!
//! * **Until then** NUL ends the message, and so does a newline outside of any array, object or string. Clients
//!   that end with NUL may lay their JSON out over many lines, so a newline within it says nothing.
//! * **[`Framing::Newline`]**: every newline ends a message, and so does NUL, which JSON never holds. Brackets are
//!   not looked at any more: after a line that is not JSON, the next line must have its chance.
//! * **[`Framing::Nul`]**: NUL alone ends a message.
//!
//! White space and ends before a message are passed over, and so is one CR before a newline that ends one.
//! None of these bytes counts for the bound.

use bytes::{Buf, Bytes, BytesMut};

use crate::frame::{FrameTooLong, READ_ROOM, push_frame};

/// How messages are told apart on a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Framing {
    /// A message ends with NUL.
    Nul,
    /// A message ends with a newline.
    Newline,
}

impl Framing {
    /// Ends the message in `out`, which must be one JSON text and nothing before it.
    ///
    /// Where newlines end messages, each raw CR and LF of the text becomes a space: JSON strings cannot hold a raw
    /// one, so they stand between tokens, and the text means the same.
    pub fn push_message(self, out: &mut Vec<u8>) {
        match self {
            Self::Nul => push_frame(out),
            Self::Newline => {
                for byte in &mut *out {
                    if matches!(byte, b'\r' | b'\n') {
                        *byte = b' ';
                    }
                }
                out.push(b'\n');
            }
        }
    }
}

/// Collects the bytes of a stream and hands out whole messages, whichever way the peer ends them.
///
/// Read into [`MixedDecoder::buffer`], then call [`MixedDecoder::next_frame`] until it has none.
#[derive(Debug)]
pub struct MixedDecoder {
    buffer: BytesMut,
    /// How far the buffer is known to hold no end, so that each byte is looked at once only.
    searched: usize,
    max: usize,
    framing: Option<Framing>,
    /// Where in the JSON of the first message `searched` is.
    place: Place,
}

/// What the bytes of a JSON text so far leave open. The text need not be valid.
#[derive(Debug, Default)]
struct Place {
    depth: usize,
    in_string: bool,
    escaped: bool,
}

impl Place {
    /// Whether `byte`, which comes next, ends the message; if not, it is taken into account.
    fn ends_at(&mut self, byte: u8) -> bool {
        match byte {
            0 => return true,
            _ if self.escaped => self.escaped = false,
            b'\\' if self.in_string => self.escaped = true,
            b'"' => self.in_string = !self.in_string,
            _ if self.in_string => {}
            b'\n' => return self.depth == 0,
            b'[' | b'{' => self.depth += 1,
            b']' | b'}' => self.depth = self.depth.saturating_sub(1),
            _ => {}
        }
        false
    }
}

impl MixedDecoder {
    /// A decoder for messages of at most `max` bytes, white space around them and their ends not counted.
    pub fn new(max: usize) -> Self {
        let (buffer, place) = (BytesMut::new(), Place::default());
        Self { buffer, searched: 0, max, framing: None, place }
    }

    /// Where the next bytes of the stream are to be appended.
    pub fn buffer(&mut self) -> &mut BytesMut {
        self.buffer.reserve(READ_ROOM);
        &mut self.buffer
    }

    /// How the peer ends messages, and so how replies must end; `None` until its first message has ended.
    pub fn framing(&self) -> Option<Framing> {
        self.framing
    }

    /// The next whole message without its end, or `None` until more bytes come.
    pub fn next_frame(&mut self) -> Result<Option<Bytes>, FrameTooLong> {
        if self.searched == 0 {
            let between = self.buffer.iter().take_while(|byte| is_between(**byte)).count();
            self.buffer.advance(between);
        }
        let end = self.find_end();
        self.searched = end.unwrap_or(self.buffer.len());
        // What was searched, without the CR that belongs to an end, or will if a newline comes next.
        let message = self.buffer.get(..self.searched).unwrap_or_default();
        let next = end.and_then(|at| self.buffer.get(at)).copied();
        let may_end_with_cr = match next {
            Some(end) => end == b'\n',
            None => self.framing != Some(Framing::Nul),
        };
        let len = match message.strip_suffix(b"\r") {
            Some(shorter) if may_end_with_cr => shorter.len(),
            _ => message.len(),
        };
        if len > self.max {
            return Err(FrameTooLong { max: self.max });
        }
        let Some(next) = next else {
            return Ok(None);
        };
        self.framing.get_or_insert(if next == 0 { Framing::Nul } else { Framing::Newline });
        let mut frame = self.buffer.split_to(self.searched + 1);
        frame.truncate(len);
        self.searched = 0;
        // What is left would keep the memory of the message for as long as the connection is idle.
        if self.buffer.is_empty() {
            self.buffer = BytesMut::new();
        }
        Ok(Some(frame.freeze()))
    }

    /// Whether the stream may end here: nothing of an unfinished message is held.
    pub fn is_empty(&self) -> bool {
        self.buffer.is_empty()
    }

    /// Where in the buffer the byte is that ends the message.
    fn find_end(&mut self) -> Option<usize> {
        let unseen = self.buffer.get(self.searched..).unwrap_or_default();
        let found = match self.framing {
            Some(Framing::Nul) => memchr::memchr(0, unseen),
            Some(Framing::Newline) => memchr::memchr2(0, b'\n', unseen),
            None => unseen.iter().position(|byte| self.place.ends_at(*byte)),
        };
        found.map(|at| self.searched + at)
    }
}

/// Whether a byte may stand before a message without being part of it.
fn is_between(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n' | 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The messages of a stream that comes whole, and the framing that was found.
    fn check(stream: &str, messages: &[&str], framing: Option<Framing>) {
        let mut decoder = MixedDecoder::new(64);
        decoder.buffer().extend_from_slice(stream.as_bytes());
        let found: Vec<Bytes> = std::iter::from_fn(|| decoder.next_frame().unwrap()).collect();
        assert_eq!(found, messages, "{stream:?}");
        assert_eq!(decoder.framing(), framing, "{stream:?}");
    }

    #[test]
    fn the_first_end_decides() {
        check("{}\0{\n}\0{}\n", &["{}", "{\n}"], Some(Framing::Nul));
        check("{}\n{}\0{\n}\n", &["{}", "{}", "{", "}"], Some(Framing::Newline));
        check("{}", &[], None);
        check("", &[], None);
    }

    #[test]
    fn json_over_many_lines_may_end_with_nul() {
        check("{\n  \"a\": [\n1\n]\n}\0", &["{\n  \"a\": [\n1\n]\n}"], Some(Framing::Nul));
        check("[\n]\n[]\n", &["[\n]", "[]"], Some(Framing::Newline));
    }

    #[test]
    fn what_stands_in_a_string_opens_and_closes_nothing() {
        check("{\"a\":\"}\n\"}\n", &["{\"a\":\"}\n\"}"], Some(Framing::Newline));
        check(r#"{"a":"\"}"#, &[], None);
        check("\"\\\\\"\n7\n", &[r#""\\""#, "7"], Some(Framing::Newline));
    }

    #[test]
    fn what_is_not_json_ends_too() {
        check("hello\n]]\n[\n", &["hello", "]]", "["], Some(Framing::Newline));
        check("]\n[\n", &["]", "["], Some(Framing::Newline));
        check("\"[\0\"\0", &["\"[", "\""], Some(Framing::Nul));
    }

    #[test]
    fn nothing_between_messages_is_a_message() {
        check(" \r\n\0\t{}\r\n\r\n \n{}\0\0", &["{}", "{}"], Some(Framing::Newline));
        check("\n\0\n{}\r\0 \n{} \0\n", &["{}\r", "{} "], Some(Framing::Nul));
        check("\n\0", &[], None);
    }

    /// Whether all of a stream passes, however large the pieces are that it comes in.
    #[track_caller]
    fn bound(stream: &str, max: usize, passes: bool) {
        for size in 1..=stream.len() {
            let mut decoder = MixedDecoder::new(max);
            let all = stream.as_bytes().chunks(size).all(|piece| {
                decoder.buffer().extend_from_slice(piece);
                std::iter::from_fn(|| decoder.next_frame().transpose()).all(|frame| frame.is_ok())
            });
            assert_eq!(all, passes, "{stream:?} in pieces of {size}");
        }
    }

    #[test]
    fn the_bound_is_exact() {
        for end in ["\0", "\n", "\r\n"] {
            for (len, passes) in [(3, true), (4, true), (5, false)] {
                bound(&format!("  {}{end}", "1".repeat(len)), 4, passes);
                bound(&format!("1{end}\n{}{end}", "1".repeat(len)), 4, passes);
            }
        }
        bound("1234", 4, true);
        bound("1234\r", 4, true);
        bound("12345", 4, false);
        bound("1234\r\0", 4, false);
        bound("1234\r\r\n", 4, false);
        bound("1\0 1234\r", 4, false);
    }

    #[test]
    fn a_reply_ends_as_the_requests_do() {
        let ended = |framing: Framing| {
            let mut out = b"{\r\n\"a\\n\":1}".to_vec();
            framing.push_message(&mut out);
            out
        };
        assert_eq!(ended(Framing::Nul), b"{\r\n\"a\\n\":1}\0");
        assert_eq!(ended(Framing::Newline), b"{  \"a\\n\":1}\n");
    }
}
