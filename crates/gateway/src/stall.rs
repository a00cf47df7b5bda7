//! Writing to a peer that may take nothing.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncWrite, AsyncWriteExt};

/// Writes all of `bytes`, as long as the peer takes some of them within `patience`, again and again: a slow reader gets its
/// answer, and one that reads nothing does not hold it for ever.
pub(crate) async fn write_all(
    writer: &mut (impl AsyncWrite + Unpin),
    mut bytes: &[u8],
    patience: Duration,
) -> io::Result<()> {
    while !bytes.is_empty() {
        match tokio::time::timeout(patience, writer.write(bytes)).await?? {
            0 => return Err(io::ErrorKind::WriteZero.into()),
            taken => bytes = bytes.get(taken..).unwrap_or_default(),
        }
    }
    Ok(())
}
