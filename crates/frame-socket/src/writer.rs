//! The side that writes.

use std::io::{self, ErrorKind, Write as _};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::sync::Notify;
use tokio::sync::mpsc::{
    UnboundedReceiver, UnboundedSender, WeakUnboundedSender, unbounded_channel,
};

use crate::watched;

/// A way to the peer of a socket.
#[derive(Debug)]
pub struct FrameWriter<T> {
    shared: Arc<Shared>,
    queue: UnboundedSender<Waiting<T>>,
}

/// The same without keeping the [`Queue`] open.
#[derive(Debug)]
pub struct WeakFrameWriter<T> {
    shared: Arc<Shared>,
    queue: WeakUnboundedSender<Waiting<T>>,
}

/// What could not be written at once. Nothing of it is written but by [`Queue::write`]; when that ends, the peer is told that nothing
/// more comes.
#[derive(Debug)]
pub struct Queue<T> {
    shared: Arc<Shared>,
    queue: UnboundedReceiver<Waiting<T>>,
}

/// The peer is gone, or nobody writes what waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Closed;

#[derive(Debug)]
struct Shared {
    stream: Arc<UnixStream>,
    /// How many frames wait or are being written by [`Queue::write`]. Only while there are none may anybody else write.
    waiting: Mutex<usize>,
    /// Told whenever there are fewer.
    fewer: Notify,
}

#[derive(Debug)]
struct Waiting<T> {
    frame: Vec<u8>,
    /// How much of it is written already.
    written: usize,
    tag: T,
}

/// A writer, and the queue that somebody must write. The stream must not block.
pub(crate) fn new<T>(stream: Arc<UnixStream>) -> (FrameWriter<T>, Queue<T>) {
    let shared = Arc::new(Shared { stream, waiting: Mutex::new(0), fewer: Notify::new() });
    let (queue, waiting) = unbounded_channel();
    (FrameWriter { shared: shared.clone(), queue }, Queue { shared, queue: waiting })
}

impl<T> FrameWriter<T> {
    /// Writes a frame, now or in its turn; the tag is dropped when it is written.
    ///
    /// # Errors
    ///
    /// The peer does not get the frame, and nothing after it.
    pub fn put(&self, frame: Vec<u8>, tag: T) -> Result<(), Closed> {
        let mut waiting = self.shared.waiting();
        let mut written = 0;
        if *waiting == 0 {
            match self.shared.write(&frame) {
                Ok(all) if all == frame.len() => return Ok(()),
                Ok(some) => written = some,
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(_) => return Err(Closed),
            }
        }
        if self.queue.send(Waiting { frame, written, tag }).is_err() {
            // Nobody writes the rest, so nothing may follow what is written of it.
            self.shared.end();
            return Err(Closed);
        }
        *waiting += 1;
        Ok(())
    }

    /// How many frames wait to be written.
    pub fn waiting(&self) -> usize {
        *self.shared.waiting()
    }

    /// Waits until fewer than `limit` frames wait to be written.
    pub async fn room(&self, limit: usize) {
        loop {
            let fewer = self.shared.fewer.notified();
            if self.waiting() < limit {
                return;
            }
            fewer.await;
        }
    }

    /// The same without keeping the queue open.
    pub fn downgrade(&self) -> WeakFrameWriter<T> {
        WeakFrameWriter { shared: self.shared.clone(), queue: self.queue.downgrade() }
    }
}

impl<T> Clone for FrameWriter<T> {
    fn clone(&self) -> Self {
        Self { shared: self.shared.clone(), queue: self.queue.clone() }
    }
}

impl<T> Clone for WeakFrameWriter<T> {
    fn clone(&self) -> Self {
        Self { shared: self.shared.clone(), queue: self.queue.clone() }
    }
}

impl<T> WeakFrameWriter<T> {
    /// The writer, as long as somebody has it.
    pub fn upgrade(&self) -> Option<FrameWriter<T>> {
        Some(FrameWriter { shared: self.shared.clone(), queue: self.queue.upgrade()? })
    }
}

impl<T> Queue<T> {
    /// Writes what waits, until the last [`FrameWriter`] is gone and all is written. A frame that nobody wants any more, by its
    /// tag, is left out, unless a part of it is written already.
    ///
    /// # Errors
    ///
    /// Those of the socket, and [`ErrorKind::TimedOut`] where the peer takes nothing for as long as `patience` says.
    pub async fn write(
        mut self,
        patience: Option<Duration>,
        wanted: impl Fn(&T) -> bool,
    ) -> io::Result<()> {
        while let Some(first) = self.queue.recv().await {
            // Watched for as long as something waits, and under a descriptor of its own, since the reader's is watched already.
            let stream = self.shared.stream.try_clone()?;
            let watched = watched(Arc::new(stream), Interest::WRITABLE)?;
            let mut next = Some(first);
            while let Some(Waiting { frame, written, tag }) = next {
                if written > 0 || wanted(&tag) {
                    let rest = frame.get(written..).unwrap_or_default();
                    write_all(&watched, rest, patience).await?;
                }
                drop(tag);
                *self.shared.waiting() -= 1;
                self.shared.fewer.notify_waiters();
                next = self.queue.try_recv().ok();
            }
        }
        Ok(())
    }
}

async fn write_all(
    stream: &AsyncFd<Arc<UnixStream>>,
    mut bytes: &[u8],
    patience: Option<Duration>,
) -> io::Result<()> {
    while !bytes.is_empty() {
        let mut ready = match patience {
            Some(patience) => tokio::time::timeout(patience, stream.writable()).await??,
            None => stream.writable().await?,
        };
        match ready.try_io(|stream| stream.get_ref().as_ref().write(bytes)) {
            Ok(Ok(0)) => return Err(ErrorKind::WriteZero.into()),
            Ok(Ok(written)) => bytes = bytes.get(written..).unwrap_or_default(),
            Ok(Err(error)) if error.kind() == ErrorKind::Interrupted => {}
            Ok(Err(error)) => return Err(error),
            // The kernel took nothing after all.
            Err(_) => {}
        }
    }
    Ok(())
}

impl Shared {
    fn write(&self, bytes: &[u8]) -> io::Result<usize> {
        loop {
            match self.stream.as_ref().write(bytes) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                written => return written,
            }
        }
    }

    fn end(&self) {
        // A peer that is gone needs no word.
        self.stream.shutdown(Shutdown::Write).ok();
    }

    fn waiting(&self) -> MutexGuard<'_, usize> {
        // A number is whole, whatever panics elsewhere.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Drop for Queue<T> {
    /// Nobody writes what waits any more: the peer is told that nothing more comes. The reader may go on.
    fn drop(&mut self) {
        self.shared.end();
    }
}
