//! A connection on which many calls are under way at once, told apart by their ids.

use std::collections::HashMap;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use frame_socket::{Closed, FrameReader, FrameWriter, split};
use mcp_wire::limits::MAX_REPLY_BYTES;
use mcp_wire::{FrameDecoder, Message, push_frame};
use tokio::net::UnixStream;
use tokio::sync::{OwnedSemaphorePermit, oneshot};
use tokio::task::JoinSet;

use crate::limits::SERVER_STALL;
use crate::upstream::interim::{self, Interim};

/// A living or dead connection. Its tasks end with it.
pub(super) struct Connection {
    writer: FrameWriter<Tag>,
    waiters: Arc<Waiters>,
    next: AtomicU64,
    _tasks: JoinSet<()>,
}

/// What a message on its way to the server holds until it is written.
struct Tag {
    /// The call that it is, unless it is the cancellation of one, of which each call that was sent has one at the most.
    call: Option<u64>,
    /// The room that it takes.
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
    writer: FrameWriter<Tag>,
    id: u64,
    /// Whether the server may hear of the call, and so has to hear of its end.
    sent: bool,
    reply: oneshot::Receiver<Bytes>,
}

/// The connection is dead.
#[derive(Debug)]
pub(super) struct Dead;

impl Connection {
    pub(super) fn new(stream: UnixStream) -> io::Result<Self> {
        let (reader, writer, queue) = split(stream)?;
        let waiters = Arc::new(Waiters(Mutex::new(Some(HashMap::new()))));
        let mut tasks = JoinSet::new();
        let awaited = waiters.clone();
        // A message whose call was given up meanwhile is not sent, so that nothing is done for a caller who has been told that
        // it was not. A server that takes nothing is dead.
        let to_server = queue.write(Some(SERVER_STALL), move |tag: &Tag| {
            tag.call.is_none_or(|call| awaited.is_awaited(call))
        });
        tasks.spawn(until_dead("write", waiters.clone(), to_server));
        tasks.spawn(until_dead("read", waiters.clone(), read(reader, waiters.clone())));
        Ok(Self { writer, waiters, next: AtomicU64::new(1), _tasks: tasks })
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
        Ok(Pending {
            waiters: self.waiters.clone(),
            writer: self.writer.clone(),
            id,
            sent: false,
            reply,
        })
    }

    /// Sends the message of a call, which is one JSON text. Where this fails, nothing of it was sent.
    pub(super) fn send(
        &self,
        pending: &mut Pending,
        mut message: Vec<u8>,
        room: OwnedSemaphorePermit,
    ) -> Result<(), Dead> {
        push_frame(&mut message);
        let tag = Tag { call: Some(pending.id), _room: Some(room) };
        self.writer.put(message, tag).map_err(|Closed| Dead)?;
        pending.sent = true;
        Ok(())
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
        if waiter.is_some() && self.sent {
            // A server that is gone has stopped too.
            self.writer.put(cancellation(self.id), Tag { call: None, _room: None }).ok();
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
async fn read(mut reader: FrameReader, waiters: Arc<Waiters>) -> io::Result<()> {
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
        if reader.read(decoder.buffer()).await? == 0 {
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
