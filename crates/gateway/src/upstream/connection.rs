//! A connection on which many calls are under way at once, told apart by their ids.

use std::collections::HashMap;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use mcp_wire::limits::MAX_REPLY_BYTES;
use mcp_wire::{FrameDecoder, Message, push_frame};
use tokio::io::AsyncReadExt;
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::{OwnedSemaphorePermit, mpsc, oneshot};
use tokio::task::JoinSet;

use crate::limits::SERVER_STALL;
use crate::upstream::interim::{self, Interim};

/// A living or dead connection. Its tasks end with it.
pub(super) struct Connection {
    pipe: Arc<Pipe>,
    waiters: Arc<Waiters>,
    next: AtomicU64,
    _tasks: JoinSet<()>,
}

/// The way to the server. Whoever has a message writes it at once where nothing waits to be written: handing it to a task that
/// writes costs the time until that task runs.
struct Pipe {
    writer: OwnedWriteHalf,
    /// How many messages wait or are being written by the task. Only while there are none may anybody else write.
    waiting: Mutex<usize>,
    /// Unbounded, since it is filled where nothing can wait. What a message takes is bounded by the room that it holds, and
    /// of each call there is one cancellation at the most; a server that takes nothing loses its connection.
    queue: mpsc::UnboundedSender<Outgoing>,
}

/// A message on its way to the server, with the room that it takes until it is written.
struct Outgoing {
    /// The call that it is, unless it is the cancellation of one.
    call: Option<u64>,
    frame: Vec<u8>,
    /// How much of it is written already; the rest must follow then, whatever happens.
    written: usize,
    _room: Option<OwnedSemaphorePermit>,
}

/// Who waits for which reply; `None` once the connection is dead.
struct Waiters(Mutex<Option<HashMap<u64, Waiter>>>);

/// Whoever waits for a reply, and what they want to hear before it.
struct Waiter {
    reply: oneshot::Sender<Bytes>,
    interim: Option<Interim>,
}

/// A call that is under way. Dropping it before its reply tells the server to stop, and a reply that comes all the same is
/// thrown away.
pub(super) struct Pending {
    waiters: Arc<Waiters>,
    pipe: Arc<Pipe>,
    id: u64,
    reply: oneshot::Receiver<Bytes>,
}

/// The connection is dead.
#[derive(Debug)]
pub(super) struct Dead;

impl Connection {
    pub(super) fn new(stream: UnixStream) -> Self {
        let (reader, writer) = stream.into_split();
        let (queue, queued) = mpsc::unbounded_channel();
        let pipe = Arc::new(Pipe { writer, waiting: Mutex::new(0), queue });
        let waiters = Arc::new(Waiters(Mutex::new(Some(HashMap::new()))));
        let mut tasks = JoinSet::new();
        let to_server = write(pipe.clone(), queued, waiters.clone());
        tasks.spawn(until_dead("write", waiters.clone(), to_server));
        tasks.spawn(until_dead("read", waiters.clone(), read(reader, waiters.clone())));
        Self { pipe, waiters, next: AtomicU64::new(1), _tasks: tasks }
    }

    pub(super) fn is_dead(&self) -> bool {
        self.waiters.lock().is_none()
    }

    /// Takes an id for a call and waits for its reply from here on, and for what is wanted before it.
    pub(super) fn expect(&self, interim: Option<Interim>) -> Result<Pending, Dead> {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let (sender, reply) = oneshot::channel();
        let waiter = Waiter { reply: sender, interim };
        self.waiters.lock().as_mut().ok_or(Dead)?.insert(id, waiter);
        Ok(Pending { waiters: self.waiters.clone(), pipe: self.pipe.clone(), id, reply })
    }

    /// Sends the message of a call, which is one JSON text. Where this fails, nothing of it was sent.
    pub(super) fn send(
        &self,
        pending: &Pending,
        mut message: Vec<u8>,
        room: OwnedSemaphorePermit,
    ) -> Result<(), Dead> {
        push_frame(&mut message);
        self.pipe.put(Some(pending.id), message, Some(room))
    }
}

impl Pipe {
    /// Writes a message, now or when those before it are written.
    fn put(
        &self,
        call: Option<u64>,
        frame: Vec<u8>,
        room: Option<OwnedSemaphorePermit>,
    ) -> Result<(), Dead> {
        let mut waiting = self.waiting();
        let mut written = 0;
        if *waiting == 0 {
            match self.writer.try_write(&frame) {
                Ok(all) if all == frame.len() => return Ok(()),
                Ok(some) => written = some,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(_) => return Err(Dead),
            }
        }
        *waiting += 1;
        self.queue.send(Outgoing { call, frame, written, _room: room }).map_err(|_| Dead)
    }

    /// A message has been written, or will not be.
    fn done(&self) {
        *self.waiting() -= 1;
    }

    fn waiting(&self) -> MutexGuard<'_, usize> {
        // A number is whole, whatever panics elsewhere.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Pending {
    /// The id that the call's message must have.
    pub(super) fn id(&self) -> u64 {
        self.id
    }

    /// The reply, as the server wrote it.
    pub(super) async fn reply(mut self) -> Result<Bytes, Dead> {
        (&mut self.reply).await.map_err(|_| Dead)
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        let waiter = self.waiters.lock().as_mut().and_then(|waiters| waiters.remove(&self.id));
        // Whoever has had the reply is on the list no more. A connection that has ended needs no word either.
        if waiter.is_some() {
            // A server that is gone has stopped too.
            self.pipe.put(None, cancellation(self.id), None).ok();
        }
    }
}

impl Waiters {
    /// Whether somebody still waits for the reply to this call.
    fn is_awaited(&self, id: u64) -> bool {
        self.lock().as_ref().is_some_and(|waiters| waiters.contains_key(&id))
    }

    /// What is wanted before the answer to a call.
    fn interim_of(&self, id: u64) -> Option<Interim> {
        self.lock().as_ref()?.get(&id)?.interim.clone()
    }

    fn lock(&self) -> MutexGuard<'_, Option<HashMap<u64, Waiter>>> {
        // The map is whole between any two statements, so a panic elsewhere does not spoil it.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Runs one direction; when it ends, for whatever reason, everybody who waits learns it.
async fn until_dead(
    what: &'static str,
    waiters: Arc<Waiters>,
    direction: impl Future<Output = io::Result<()>>,
) {
    let ended = direction.await;
    *waiters.lock() = None;
    match ended {
        Ok(()) => tracing::debug!(what, "a capability server closed its connection"),
        Err(error) => {
            tracing::warn!(what, %error, "the connection to a capability server was lost");
        }
    }
}

/// Writes what could not be written at once, in its turn. A message whose call was given up meanwhile is not sent, so that nothing
/// is done for a caller who has been told that it was not. A server that takes nothing is dead.
async fn write(
    pipe: Arc<Pipe>,
    mut queued: mpsc::UnboundedReceiver<Outgoing>,
    waiters: Arc<Waiters>,
) -> io::Result<()> {
    while let Some(Outgoing { call, frame, mut written, _room }) = queued.recv().await {
        let wanted = written > 0 || call.is_none_or(|call| waiters.is_awaited(call));
        while wanted && written < frame.len() {
            let ready = tokio::time::timeout(SERVER_STALL, pipe.writer.writable());
            ready.await??;
            match pipe.writer.try_write(frame.get(written..).unwrap_or_default()) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(taken) => written += taken,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
        }
        pipe.done();
    }
    Ok(())
}

/// Tells a server that a call was given up (MCP, "Cancellation").
fn cancellation(id: u64) -> Vec<u8> {
    let mut frame = format!(
        r#"{{"jsonrpc":"2.0","method":"notifications/cancelled","params":{{"requestId":{id}}}}}"#
    )
    .into_bytes();
    push_frame(&mut frame);
    frame
}

/// Hands each reply to whoever waits for its id, and passes on what is said before it. A reply that nobody waits for
/// came too late and is thrown away; what is no JSON-RPC message ends the connection, since what follows cannot be trusted
/// either.
async fn read(mut reader: OwnedReadHalf, waiters: Arc<Waiters>) -> io::Result<()> {
    let mut decoder = FrameDecoder::new(MAX_REPLY_BYTES);
    loop {
        while let Some(frame) = decoder.next_frame().map_err(io::Error::other)? {
            let Some(id) = reply_id(&frame, &waiters)? else {
                continue;
            };
            let waiter = waiters.lock().as_mut().and_then(|waiters| waiters.remove(&id));
            if waiter.is_none_or(|waiter| waiter.reply.send(frame).is_err()) {
                tracing::debug!("a reply came when nobody waited for it any more");
            }
        }
        if reader.read_buf(decoder.buffer()).await? == 0 {
            return Ok(());
        }
    }
}

/// The id of a response; `None` for a notification, which is dealt with here, and for a request, which nobody here awaits.
fn reply_id(frame: &[u8], waiters: &Waiters) -> io::Result<Option<u64>> {
    let not_json = |_| io::Error::other("a message is not UTF-8");
    let text = std::str::from_utf8(frame).map_err(not_json)?;
    match Message::parse(text).map_err(io::Error::other)? {
        Message::Response(response) => Ok(response.id.and_then(|id| id.as_str().parse().ok())),
        Message::Notification(notification) => {
            interim::pass_on(&notification, |id| waiters.interim_of(id));
            Ok(None)
        }
        Message::Request(_) => Ok(None),
    }
}
