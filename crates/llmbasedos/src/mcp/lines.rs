//! The host's messages, one a line.

use bytes::BytesMut;
use mcp_wire::limits::MAX_MESSAGE_BYTES;
use mcp_wire::{RpcError, code};
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio_util::codec::{Decoder, LinesCodec, LinesCodecError};

use crate::limits::READ_BYTES;

/// The lines of a stream.
pub(super) struct Lines<R> {
    stream: R,
    buffer: BytesMut,
    codec: LinesCodec,
    ended: bool,
}

impl<R: AsyncRead + Unpin> Lines<R> {
    /// The lines of `stream`.
    pub(super) fn new(stream: R) -> Self {
        let codec = LinesCodec::new_with_max_length(MAX_MESSAGE_BYTES);
        Self { stream, buffer: BytesMut::new(), codec, ended: false }
    }

    /// The next line that is not empty, or what to answer to one that cannot be a message; `None` at the end.
    pub(super) async fn next(&mut self) -> Option<Result<String, RpcError>> {
        loop {
            let decoded = if self.ended {
                self.codec.decode_eof(&mut self.buffer)
            } else {
                self.codec.decode(&mut self.buffer)
            };
            match decoded {
                Ok(Some(line)) if line.trim().is_empty() => {}
                Ok(Some(line)) => return Some(Ok(line)),
                Ok(None) if self.ended => return None,
                Ok(None) => {
                    self.buffer.reserve(READ_BYTES);
                    let read = self.stream.read_buf(&mut self.buffer).await;
                    // A stream that cannot be read further has ended.
                    self.ended = read.unwrap_or(0) == 0;
                }
                Err(LinesCodecError::MaxLineLengthExceeded) => {
                    let message = format!("a message is longer than {MAX_MESSAGE_BYTES} bytes");
                    return Some(Err(RpcError::new(code::INVALID_REQUEST, message)));
                }
                Err(LinesCodecError::Io(_)) => {
                    return Some(Err(RpcError::new(code::PARSE_ERROR, "a line is not UTF-8")));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn check(input: &[u8], expected: &[Result<&str, i32>]) {
        let mut lines = Lines::new(input);
        for expected in expected {
            let found = lines.next().await.expect("a line");
            assert_eq!(found.as_deref().map_err(|error| error.code), *expected);
        }
        assert!(lines.next().await.is_none());
    }

    #[tokio::test]
    async fn a_line_is_a_message() {
        check(b"", &[]).await;
        check(
            b"{}\n\r\n \n[1]\r\n{\"a\":\"\xc3\xa9\"}",
            &[Ok("{}"), Ok("[1]"), Ok("{\"a\":\"é\"}")],
        )
        .await;
        check(b"\xff\n{}\n", &[Err(code::PARSE_ERROR), Ok("{}")]).await;
    }

    #[tokio::test]
    async fn what_is_too_long_is_passed_over() {
        let line = |length: usize| [vec![b'x'; length], b"\n".to_vec()].concat();
        let input = [line(MAX_MESSAGE_BYTES + 1), b"{}\n".to_vec()].concat();
        check(&input, &[Err(code::INVALID_REQUEST), Ok("{}")]).await;
        let input = [line(3 * MAX_MESSAGE_BYTES), b"{}\n".to_vec()].concat();
        check(&input, &[Err(code::INVALID_REQUEST), Ok("{}")]).await;
        let longest = line(MAX_MESSAGE_BYTES);
        let mut lines = Lines::new(longest.as_slice());
        assert_eq!(lines.next().await.unwrap().unwrap().len(), MAX_MESSAGE_BYTES);
    }
}
