//! One connection: frames in, a task for each call, replies out.

use std::io;
use std::os::fd::AsFd;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use frame_socket::{FrameReader, FrameWriter, WeakFrameWriter, split};
use mcp_wire::limits::MAX_MESSAGE_BYTES;
use mcp_wire::{FrameDecoder, RpcError, code, error_reply, push_frame};
use rustix::event::{PollFd, PollFlags, Timespec};
use tokio::net::UnixStream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

use crate::calls::{Calls, Key, UnderWay};
use crate::dispatch::Dispatcher;
use crate::incoming::{Incoming, Request};
use crate::life::Why;
use crate::limits::REPLY_QUEUE;
use crate::tool::Server;

/// What the gateway adds to a message of a client: the caller member, and what the modern dialect asks for.
const ENVELOPE_ROOM: usize = 64 * 1024;

/// The way of replies to the peer of a connection.
pub(crate) type Replies = FrameWriter<Option<OwnedSemaphorePermit>>;
/// The same for whoever must not hold the connection open.
pub(crate) type WeakReplies = WeakFrameWriter<Option<OwnedSemaphorePermit>>;

/// What the connections of a server share.
pub(crate) struct Shared<S> {
    pub(crate) dispatcher: Dispatcher<S>,
    /// A permit for each call that may be under way.
    pub(crate) places: Arc<Semaphore>,
    /// A permit for each thread that may run a handler. Calls wait here and not in the pool of threads, so that one
    /// that is given up meanwhile leaves nothing behind.
    pub(crate) threads: Arc<Semaphore>,
}

/// Serves a connection until the peer ends or `stopped` says so, and every call has its answer.
pub(crate) async fn connection<S: Server>(
    stream: UnixStream,
    shared: Arc<Shared<S>>,
    stopped: watch::Receiver<()>,
) {
    let (reader, replies, queue) = match split(stream) {
        Ok(parts) => parts,
        Err(error) => {
            tracing::warn!(%error, "a connection could not be watched");
            return;
        }
    };
    let calls = Calls::default();
    let ((), ()) = tokio::join!(
        async {
            if let Err(error) = read(reader, &calls, shared, replies, stopped).await {
                tracing::warn!(%error, "a connection was given up");
            }
        },
        async {
            if let Err(error) = queue.write(None, |_| true).await {
                tracing::debug!(%error, "a peer left before its replies");
                calls.give_up(Why::Cancelled);
            }
        }
    );
}

/// Reads frames and starts a call for each. It ends when the peer ends, or at the signal to stop; the calls go
/// on and hold the reply channel open until each has put its reply in.
async fn read<S: Server>(
    mut reader: FrameReader,
    calls: &Calls,
    shared: Arc<Shared<S>>,
    replies: Replies,
    mut stopped: watch::Receiver<()>,
) -> io::Result<()> {
    let mut decoder = FrameDecoder::new(MAX_MESSAGE_BYTES + ENVELOPE_ROOM);
    loop {
        while let Some(frame) = decoder.next_frame().map_err(io::Error::other)? {
            let refusal = match Incoming::read(&frame) {
                Incoming::Request(request) => begin(request, calls, &shared, &replies),
                Incoming::Cancelled(key) => {
                    calls.cancel(&key);
                    None
                }
                Incoming::Other => None,
                Incoming::Malformed(error) => Some(error_reply(None, &error)),
            };
            // A call keeps its place until its reply is written, so that only refusals could be without number: a peer that reads
            // none is not read from either.
            if let Some(reply) = refusal {
                put(&replies, reply, None);
                replies.room(REPLY_QUEUE).await;
            }
        }
        tokio::select! {
            biased;
            _ = stopped.changed() => return Ok(()),
            read = reader.read(decoder.buffer()) => if read? == 0 {
                if is_gone(&reader) {
                    calls.give_up(Why::Cancelled);
                }
                return Ok(());
            },
        }
    }
}

/// Starts a call, or gives the reply that refuses it.
fn begin<S: Server>(
    request: Request,
    calls: &Calls,
    shared: &Arc<Shared<S>>,
    replies: &Replies,
) -> Option<Vec<u8>> {
    let id = request.id()?;
    let Ok(place) = shared.places.clone().try_acquire_owned() else {
        let text = "the server has too many calls under way: try again in a moment";
        return Some(error_reply(Some(id), &RpcError::new(code::OVERLOADED, text)));
    };
    let Some(call) = calls.begin(Key::of(id), place) else {
        let text = "another call of this id is under way: each needs an id of its own";
        return Some(error_reply(Some(id), &RpcError::new(code::INVALID_REQUEST, text)));
    };
    let job = Job { request, call, shared: shared.clone(), replies: replies.clone() };
    match shared.threads.clone().try_acquire_owned() {
        Ok(thread) => job.start(thread),
        Err(_) => drop(tokio::spawn(job.start_later())),
    }
    None
}

/// A call that is to be done.
struct Job<S> {
    request: Request,
    call: UnderWay,
    shared: Arc<Shared<S>>,
    replies: Replies,
}

impl<S: Server> Job<S> {
    /// Starts it as soon as a thread is free, unless it is given up before.
    async fn start_later(self) {
        tokio::select! {
            biased;
            () = self.call.life().until_given_up() => {}
            Ok(thread) = self.shared.threads.clone().acquire_owned() => self.start(thread),
        }
    }

    /// Runs it on a thread, which sends the reply if it is still wanted: going back to the task that reads would take as long as
    /// a short call.
    fn start(self, thread: OwnedSemaphorePermit) {
        tokio::task::spawn_blocking(move || {
            let Self { request, call, shared, replies } = self;
            let out = replies.downgrade();
            let answer = || shared.dispatcher.answer(&request, call.life(), &out);
            // The server goes on after a panic of a handler, which so has nothing of the server's but what is shared by all.
            let reply = catch_unwind(AssertUnwindSafe(answer));
            drop(thread);
            let reply = reply.unwrap_or_else(|_| broken(&request.id));
            let wanted = call.life().answer();
            // A peer that has the reply may use the id again.
            let place = call.end();
            if let Some(reply) = reply.filter(|_| wanted) {
                put(&replies, reply, place);
            }
        });
    }
}

/// Sends a reply, which keeps the place of its call until it is written.
fn put(replies: &Replies, mut reply: Vec<u8>, place: Option<OwnedSemaphorePermit>) {
    push_frame(&mut reply);
    if replies.put(reply, place).is_err() {
        tracing::debug!("nobody waits for the reply any more");
    }
}

/// Whether a peer that has ended its side has ended the other too, and so waits for no reply.
fn is_gone(reader: &FrameReader) -> bool {
    let fd = reader.as_fd();
    let mut polled = [PollFd::new(&fd, PollFlags::empty())];
    let at_once = Timespec { tv_sec: 0, tv_nsec: 0 };
    let [polled] = match rustix::event::poll(&mut polled, Some(&at_once)) {
        Ok(_) => polled,
        // Then the first reply finds out.
        Err(_) => return false,
    };
    polled.revents().contains(PollFlags::HUP)
}

/// The handler panicked. The hook has logged where; the caller learns that it was not its fault.
fn broken(id: &serde_json::value::RawValue) -> Option<Vec<u8>> {
    let text = "the server failed on this call; the administrator's log says more";
    let id = mcp_wire::Id::new(id)?;
    Some(error_reply(Some(id), &RpcError::new(code::INTERNAL_ERROR, text)))
}
