//! `gateway.sock` and `person.sock`: programs of this machine and the person who sits at it, who are known by their being able
//! to open them.

use std::io;
use std::os::fd::AsFd;
use std::sync::Arc;

use bytes::Bytes;
use mcp_types::Origin;
use mcp_wire::limits::MAX_MESSAGE_BYTES;
use mcp_wire::{Framing, MixedDecoder, RpcError, code};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{Semaphore, mpsc};
use tokio::time::Instant;

use crate::http::App;
use crate::identity::{Identity, Kind};
use crate::limits::{ACCEPT_PAUSE, BODY, HANGUP_LOOK, MAX_LOCAL_CONNECTIONS, SESSION_WRITE_STALL};
use crate::mcp::legacy;
use crate::session::Session;
use crate::stall;

/// Serves a socket that stands for `client` until the signal to stop; the sessions themselves end as all sessions do. Each
/// socket has places of its own, so that programs cannot keep the person out.
pub(crate) async fn serve(listener: UnixListener, app: Arc<App>, client: Identity) {
    let places = Arc::new(Semaphore::new(MAX_LOCAL_CONNECTIONS));
    let mut stopped = app.sessions.stopped.clone();
    let client = Arc::new(client);
    loop {
        let accepted = tokio::select! {
            _ = stopped.changed() => return,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((mut stream, _)) => {
                let Ok(place) = places.clone().try_acquire_owned() else {
                    let text = "too many local connections are open: close some";
                    let error = RpcError::new(code::OVERLOADED, text);
                    let reply = legacy::error_reply("null", &error);
                    // It fits into what the kernel holds, so that nothing waits for the peer.
                    stream.try_write(&[reply.as_slice(), b"\n"].concat()).ok();
                    stream.shutdown().await.ok();
                    continue;
                };
                let (own, tracker) = (app.clone(), app.sessions.tracker.clone());
                let client = client.clone();
                let served = async move {
                    let _place = place;
                    let _counted = own.mcp.metrics().session(origin(&client));
                    // The thread that serves it watches it too.
                    let stream = stream.into_std().and_then(UnixStream::from_std);
                    let ended = async { session(stream?, own.clone(), client).await }.await;
                    if let Err(error) = ended {
                        tracing::debug!(%error, "a local session ended early");
                    }
                };
                tracker.spawn_on(served, app.workers.next());
            }
            Err(error) => {
                tracing::warn!(%error, "a local connection could not be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// The door at which somebody is who came by a socket of this machine.
fn origin(client: &Identity) -> Origin {
    match client.kind() {
        Kind::Person => Origin::Person,
        Kind::Local | Kind::Key => Origin::Local,
    }
}

/// What the peer of a session has done.
enum Peer {
    /// It sends, or may.
    Speaks,
    /// It sends no more, and may still read: that is how `nc` and scripts end what they ask.
    Listens,
}

async fn session(mut stream: UnixStream, app: Arc<App>, client: Arc<Identity>) -> io::Result<()> {
    let mut stopped = app.sessions.stopped.clone();
    let origin = origin(&client);
    let (mut session, mut waiting) = Session::new(app, client, origin);
    let mut decoder = MixedDecoder::new(MAX_MESSAGE_BYTES);
    let mut begun: Option<Instant> = None;
    let mut ended = false;
    let peer = loop {
        let (mut reader, mut writer) = stream.split();
        while !session.is_full() {
            match decoder.next_frame() {
                Ok(Some(frame)) => {
                    if let Some(reply) = session.take(&frame) {
                        write(&mut writer, decoder.framing(), reply).await?;
                    }
                }
                Ok(None) => break,
                Err(error) => {
                    let error = RpcError::new(code::TOO_LARGE, error.to_string());
                    let reply = session.malformed(&error);
                    return write(&mut writer, decoder.framing(), reply).await;
                }
            }
        }
        if ended && !session.is_full() {
            break Peer::Listens;
        }
        begun = if decoder.is_empty() { None } else { begun.or(Some(Instant::now())) };
        tokio::select! {
            _ = stopped.changed() => break Peer::Speaks,
            read = reader.read_buf(decoder.buffer()), if !session.is_full() && !ended => {
                ended = read? == 0;
                if ended && !decoder.is_empty() {
                    // The last message of a stream needs no delimiter after it.
                    decoder.buffer().extend_from_slice(b"\0");
                }
            }
            Some(reply) = waiting.recv() => {
                write(&mut writer, decoder.framing(), reply.into()).await?;
            }
            () = session.ended() => {}
            () = overdue(begun), if !session.is_full() => {
                let error = RpcError::new(code::INVALID_REQUEST, "a message did not end in time");
                let reply = session.malformed(&error);
                return write(&mut writer, decoder.framing(), reply).await;
            }
        }
    };
    finish(stream, session, waiting, decoder.framing(), &peer).await
}

/// Waits until a message that has begun should have ended.
async fn overdue(begun: Option<Instant>) {
    match begun {
        Some(begun) => tokio::time::sleep_until(begun + BODY).await,
        None => std::future::pending().await,
    }
}

/// Answers what is under way. A peer that has gone away wants no answer, and dropping the session then cancels its calls.
async fn finish(
    mut stream: UnixStream,
    mut session: Session,
    mut waiting: mpsc::Receiver<Bytes>,
    framing: Option<Framing>,
    peer: &Peer,
) -> io::Result<()> {
    while !session.is_idle() {
        tokio::select! {
            Some(reply) = waiting.recv() => write(&mut stream, framing, reply.into()).await?,
            () = session.ended() => {}
            () = tokio::time::sleep(HANGUP_LOOK) => {
                if matches!(peer, Peer::Listens) && has_hung_up(&stream) {
                    return Ok(());
                }
            }
        }
    }
    while let Ok(reply) = waiting.try_recv() {
        write(&mut stream, framing, reply.into()).await?;
    }
    stream.shutdown().await
}

/// Whether the peer has closed both directions. Tokio tells this only together with "can be written", which is always so.
fn has_hung_up(stream: &UnixStream) -> bool {
    let fd = stream.as_fd();
    let mut fds = [PollFd::from_borrowed_fd(fd, PollFlags::empty())];
    let polled = poll(&mut fds, Some(&Timespec::default()));
    let [found] = fds;
    polled.is_ok() && found.revents().intersects(PollFlags::HUP | PollFlags::ERR)
}

async fn write(
    writer: &mut (impl AsyncWriteExt + Unpin),
    framing: Option<Framing>,
    mut message: Vec<u8>,
) -> io::Result<()> {
    framing.unwrap_or(Framing::Nul).push_message(&mut message);
    stall::write_all(writer, &message, SESSION_WRITE_STALL).await
}
