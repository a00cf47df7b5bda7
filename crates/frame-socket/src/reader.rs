//! The side that reads.

use std::io::{self, ErrorKind, Read as _};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::sync::Arc;

use bytes::BytesMut;
use tokio::io::unix::AsyncFd;

/// What is read at once, in bytes: more than a socket holds by default. The room is cleared before it is read into, which for that of a
/// long frame would be much work for a peer that sends a byte at a time.
const MAX_READ_BYTES: usize = 256 * 1024;

/// Where the frames of the peer come from.
#[derive(Debug)]
pub struct FrameReader(pub(crate) AsyncFd<Arc<UnixStream>>);

impl FrameReader {
    /// Reads what there is into the free room of `buffer`, which must have some, and gives how many bytes that were: none at
    /// the end. Dropping the future loses nothing.
    ///
    /// # Errors
    ///
    /// Those of the socket.
    pub async fn read(&mut self, buffer: &mut BytesMut) -> io::Result<usize> {
        loop {
            let mut ready = self.0.readable().await?;
            match ready.try_io(|stream| read(stream.get_ref(), buffer)) {
                Ok(Err(error)) if error.kind() == ErrorKind::Interrupted => {}
                Ok(read) => return read,
                // There was nothing after all.
                Err(_) => {}
            }
        }
    }
}

fn read(mut stream: &UnixStream, buffer: &mut BytesMut) -> io::Result<usize> {
    let before = buffer.len();
    buffer.resize(buffer.capacity().min(before + MAX_READ_BYTES), 0);
    let read = stream.read(buffer.get_mut(before..).unwrap_or_default());
    buffer.truncate(before + read.as_ref().copied().unwrap_or(0));
    read
}

impl AsFd for FrameReader {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.get_ref().as_fd()
    }
}
