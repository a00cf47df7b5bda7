//! One connection: frames in, a task for each call, replies out.

use std::io;
use std::os::fd::AsFd;
use std::sync::Arc;

use mcp_wire::limits::MAX_MESSAGE_BYTES;
use mcp_wire::{FrameDecoder, RpcError, code, error_reply, push_frame};
use rustix::event::{PollFd, PollFlags, Timespec};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::{Semaphore, mpsc, watch};

use crate::calls::{Calls, Key, UnderWay};
use crate::dispatch::Dispatcher;
use crate::incoming::{Incoming, Request};
use crate::life::Why;
use crate::limits::REPLY_QUEUE;
use crate::tool::Server;

/// What the gateway adds to a message of a client: the caller member, and what the modern dialect asks for.
const ENVELOPE_ROOM: usize = 64 * 1024;

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
    let (reader, writer) = stream.into_split();
    let (replies, waiting) = mpsc::channel(REPLY_QUEUE);
    let calls = Calls::default();
    let ((), ()) = tokio::join!(
        async {
            if let Err(error) = read(reader, &calls, shared, replies, stopped).await {
                tracing::warn!(%error, "a connection was given up");
            }
        },
        async {
            if let Err(error) = write(writer, waiting).await {
                tracing::debug!(%error, "a peer left before its replies");
                calls.give_up(Why::Cancelled);
            }
        }
    );
}

/// Reads frames and starts a call for each. It ends when the peer ends, or at the signal to stop; the calls go
/// on and hold the reply channel open until each has put its reply in.
async fn read<S: Server>(
    mut reader: OwnedReadHalf,
    calls: &Calls,
    shared: Arc<Shared<S>>,
    replies: mpsc::Sender<Vec<u8>>,
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
            // A peer that reads no replies is not read from either.
            if let Some(reply) = refusal {
                replies.send(reply).await.map_err(io::Error::other)?;
            }
        }
        tokio::select! {
            biased;
            _ = stopped.changed() => return Ok(()),
            read = reader.read_buf(decoder.buffer()) => if read? == 0 {
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
    replies: &mpsc::Sender<Vec<u8>>,
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
    tokio::spawn(run(request, call, shared.clone(), replies.clone()));
    None
}

/// Runs a call on a thread as soon as one is free, and sends its reply if it is still wanted.
async fn run<S: Server>(
    request: Request,
    call: UnderWay,
    shared: Arc<Shared<S>>,
    replies: mpsc::Sender<Vec<u8>>,
) {
    let thread = tokio::select! {
        biased;
        () = call.life().until_given_up() => return,
        thread = shared.threads.clone().acquire_owned() => thread,
    };
    let (life, out) = (call.life().clone(), replies.downgrade());
    let id = request.id.clone();
    let answer = tokio::task::spawn_blocking(move || {
        let reply = shared.dispatcher.answer(&request, &life, &out);
        drop(thread);
        reply
    });
    let reply = answer.await.unwrap_or_else(|_| broken(&id));
    let wanted = call.life().answer();
    // A peer that has the reply may use the id again.
    drop(call);
    if let Some(reply) = reply.filter(|_| wanted)
        && replies.send(reply).await.is_err()
    {
        tracing::debug!("nobody waits for the reply any more");
    }
}

/// Writes replies as they come, several at once where several wait.
async fn write(mut writer: OwnedWriteHalf, mut waiting: mpsc::Receiver<Vec<u8>>) -> io::Result<()> {
    while let Some(mut out) = waiting.recv().await {
        push_frame(&mut out);
        while let Ok(mut next) = waiting.try_recv() {
            push_frame(&mut next);
            out.append(&mut next);
        }
        writer.write_all(&out).await?;
    }
    Ok(())
}

/// Whether a peer that has ended its side has ended the other too, and so waits for no reply.
fn is_gone(reader: &OwnedReadHalf) -> bool {
    let stream: &UnixStream = reader.as_ref();
    let fd = stream.as_fd();
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
