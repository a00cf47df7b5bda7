//! A UNIX socket of frames, written at once where that can be, else in their turn.
//!
//! The usual way, a queue and a task that writes what is in it, costs every frame the time until that task runs: about as long
//! as all the rest of a call. Here whoever has a frame writes it, as long as nothing waits to be written; only what the
//! socket does not take is left to a task. For the same reason the kernel is asked to tell when the socket can be written only
//! while something waits: else it wakes us each time that the peer has read.
//!
//! # Invariants
//! - Frames are never mixed: of one that is written in part, the rest comes before anything else.
//! - [`FrameWriter::put`] never waits, so it may be called from any thread, and where nothing can wait.
//! - The queue has no bound of its own: each frame has a tag, and whoever puts frames bounds them by what the tag holds, or by
//!   [`FrameWriter::room`].

mod reader;
mod writer;

use std::io;
use std::os::unix::net::UnixStream as StdStream;
use std::sync::Arc;

use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::net::UnixStream;

pub use reader::FrameReader;
pub use writer::{Closed, FrameWriter, Queue, WeakFrameWriter};

/// Takes a socket apart: what reads, what writes, and the queue that somebody must write. The reader and the queue belong to the
/// runtime that this is called on; anybody may write.
///
/// # Errors
///
/// The kernel does not let the socket be watched.
pub fn split<T>(stream: UnixStream) -> io::Result<(FrameReader, FrameWriter<T>, Queue<T>)> {
    let stream = Arc::new(stream.into_std()?);
    let reader = watched(stream.clone(), Interest::READABLE)?;
    let (writer, queue) = writer::new(stream);
    Ok((FrameReader(reader), writer, queue))
}

/// The socket, watched by the runtime that this is called on.
#[expect(
    deprecated,
    reason = "what took its place is unsafe, for types whose descriptor may change: that of a `UnixStream` does not"
)]
fn watched(stream: Arc<StdStream>, interest: Interest) -> io::Result<AsyncFd<Arc<StdStream>>> {
    AsyncFd::with_interest(stream, interest)
}
