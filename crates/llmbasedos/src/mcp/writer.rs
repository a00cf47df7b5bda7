//! The messages for the host, one a line.

use std::io;

use mcp_wire::Framing;
use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio::sync::mpsc;

use crate::limits::WRITE_BYTES;

/// Writes each message as one line, until no more come. An error means that the host is gone.
pub(super) async fn write(
    mut stream: impl AsyncWrite + Unpin,
    mut messages: mpsc::Receiver<Vec<u8>>,
) -> io::Result<()> {
    let mut out = Vec::new();
    while let Some(first) = messages.recv().await {
        out.clear();
        let mut next = Some(first);
        while let Some(mut message) = next {
            // Raw CR and LF can only stand between tokens, where a space means the same.
            Framing::Newline.push_message(&mut message);
            out.append(&mut message);
            next = if out.len() < WRITE_BYTES { messages.try_recv().ok() } else { None };
        }
        stream.write_all(&out).await?;
        stream.flush().await?;
        // One long answer must not be paid for by the memory of all that follow.
        out.shrink_to(WRITE_BYTES);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_message_is_a_line() {
        let (sender, receiver) = mpsc::channel(4);
        for message in ["{\r\n \"a\":\n\"\\n\"}", "{}"] {
            sender.send(message.as_bytes().to_vec()).await.unwrap();
        }
        drop(sender);
        let mut written = Vec::new();
        write(&mut written, receiver).await.unwrap();
        assert_eq!(written, b"{   \"a\": \"\\n\"}\n{}\n");
    }
}
