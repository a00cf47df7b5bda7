//! The messages that wait to be sent: in order, and bounded by the memory that they take.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

use crate::error::Closed;
use crate::limits::MAX_QUEUED_KIB;

/// Where messages are put in.
#[derive(Debug, Clone)]
pub(crate) struct Sender {
    messages: mpsc::UnboundedSender<Queued>,
    room: Arc<Semaphore>,
}

/// Where they come out.
#[derive(Debug)]
pub(crate) struct Receiver {
    messages: mpsc::UnboundedReceiver<Queued>,
    room: Arc<Semaphore>,
}

/// A message, and the room that it takes until it is dropped.
#[derive(Debug)]
pub(crate) struct Queued {
    pub(crate) text: String,
    _room: Option<OwnedSemaphorePermit>,
}

/// An empty queue.
pub(crate) fn queue() -> (Sender, Receiver) {
    let (sender, receiver) = mpsc::unbounded_channel();
    let room = Arc::new(Semaphore::new(MAX_QUEUED_KIB));
    let sender = Sender { messages: sender, room: room.clone() };
    (sender, Receiver { messages: receiver, room })
}

impl Sender {
    /// Puts a message in, and waits for room first.
    pub(crate) async fn send(&self, text: String) -> Result<(), Closed> {
        // What is longer than the whole queue goes through it alone.
        let kib = text.len().div_ceil(1024).clamp(1, MAX_QUEUED_KIB);
        let kib = u32::try_from(kib).unwrap_or(u32::MAX);
        let room = self.room.clone().acquire_many_owned(kib).await.map_err(|_| Closed)?;
        self.messages.send(Queued { text, _room: Some(room) }).map_err(|_| Closed)
    }

    /// Puts a short message in at once. Only for what is bounded otherwise: one for each request that was sent.
    pub(crate) fn send_now(&self, text: String) -> Result<(), Closed> {
        self.messages.send(Queued { text, _room: None }).map_err(|_| Closed)
    }

    /// Puts a message in if there is room for it at once. What finds none is left out.
    pub(crate) fn offer(&self, text: String) {
        let kib = u32::try_from(text.len().div_ceil(1024).max(1)).unwrap_or(u32::MAX);
        if let Ok(room) = self.room.clone().try_acquire_many_owned(kib) {
            // A queue whose other end is gone needs no more.
            self.messages.send(Queued { text, _room: Some(room) }).ok();
        }
    }

    /// Waits until nothing can be put in any more.
    pub(crate) async fn closed(&self) {
        self.messages.closed().await;
    }

    /// Whether nothing can be put in any more.
    pub(crate) fn is_closed(&self) -> bool {
        self.messages.is_closed()
    }
}

impl Receiver {
    /// The next message; `None` once all senders are gone.
    pub(crate) async fn next(&mut self) -> Option<Queued> {
        self.messages.recv().await
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        // Whoever waits for room is told.
        self.room.close();
    }
}
