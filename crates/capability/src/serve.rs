//! Connections: frames in, replies out, and an orderly end.

use std::future::Future;
use std::io;
use std::sync::Arc;

use mcp_wire::limits::MAX_MESSAGE_BYTES;
use mcp_wire::{FrameDecoder, Message, RpcError, code, error_reply, push_frame};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{Semaphore, mpsc, watch};
use tokio::task::JoinSet;

use crate::declare::DeclareError;
use crate::dispatch::Dispatcher;
use crate::limits::{ACCEPT_PAUSE, DRAIN, MAX_CALLS, MAX_CONNECTIONS, REPLY_QUEUE};
use crate::tool::Server;

/// What the gateway adds to a message of a client: the caller member, and what the modern dialect asks for.
const ENVELOPE_ROOM: usize = 64 * 1024;

/// Serves until `stop` is done, then lets the calls that are under way end, for [`DRAIN`] at the most.
pub async fn serve<S: Server>(
    listener: UnixListener,
    server: S,
    stop: impl Future<Output = ()>,
) -> Result<(), DeclareError> {
    let dispatcher = Dispatcher::new(server)?;
    let calls = Arc::new(Semaphore::new(MAX_CALLS));
    let (stopping, stopped) = watch::channel(());
    let mut connections = JoinSet::new();
    tokio::pin!(stop);
    loop {
        tokio::select! {
            () = &mut stop => break,
            Some(_) = connections.join_next(), if !connections.is_empty() => {}
            accepted = listener.accept(), if connections.len() < MAX_CONNECTIONS => match accepted {
                Ok((stream, _)) => {
                    let (dispatcher, calls) = (dispatcher.clone(), calls.clone());
                    connections.spawn(connection(stream, dispatcher, calls, stopped.clone()));
                }
                // Out of descriptors, or a peer that left at once: the listener itself is still good.
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            },
        }
    }
    drop(listener);
    drop(stopping);
    let drained = async { while connections.join_next().await.is_some() {} };
    if tokio::time::timeout(DRAIN, drained).await.is_err() {
        tracing::warn!("calls that were still under way have been given up");
    }
    Ok(())
}

async fn connection<S: Server>(
    stream: UnixStream,
    dispatcher: Arc<Dispatcher<S>>,
    calls: Arc<Semaphore>,
    stopped: watch::Receiver<()>,
) {
    let (reader, writer) = stream.into_split();
    let (replies, waiting) = mpsc::channel(REPLY_QUEUE);
    let ((), ()) = tokio::join!(
        async {
            if let Err(error) = read(reader, dispatcher, calls, replies, stopped).await {
                tracing::warn!(%error, "a connection was given up");
            }
        },
        async {
            if let Err(error) = write(writer, waiting).await {
                tracing::debug!(%error, "a peer left before its replies");
            }
        }
    );
}

/// Reads frames and starts a call for each. It ends when the peer ends, or at the signal to stop; the calls go
/// on and hold the reply channel open until each has put its reply in.
async fn read<S: Server>(
    mut reader: OwnedReadHalf,
    dispatcher: Arc<Dispatcher<S>>,
    calls: Arc<Semaphore>,
    replies: mpsc::Sender<Vec<u8>>,
    mut stopped: watch::Receiver<()>,
) -> io::Result<()> {
    let mut decoder = FrameDecoder::new(MAX_MESSAGE_BYTES + ENVELOPE_ROOM);
    loop {
        while let Some(frame) = decoder.next_frame().map_err(io::Error::other)? {
            let Ok(permit) = calls.clone().try_acquire_owned() else {
                if let Some(reply) = busy(&frame) {
                    replies.send(reply).await.map_err(io::Error::other)?;
                }
                continue;
            };
            let (dispatcher, replies) = (dispatcher.clone(), replies.clone());
            tokio::spawn(async move {
                let again = frame.clone();
                let answer = tokio::task::spawn_blocking(move || dispatcher.answer(&frame)).await;
                drop(permit);
                let reply = answer.unwrap_or_else(|_| broken(&again));
                if let Some(reply) = reply
                    && replies.send(reply).await.is_err()
                {
                    tracing::debug!("nobody waits for the reply any more");
                }
            });
        }
        tokio::select! {
            biased;
            _ = stopped.changed() => return Ok(()),
            read = reader.read_buf(decoder.buffer()) => if read? == 0 {
                return Ok(());
            },
        }
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

fn busy(frame: &[u8]) -> Option<Vec<u8>> {
    let text = "the server has too many calls under way: try again in a moment";
    reply_with(frame, &RpcError::new(code::OVERLOADED, text))
}

/// The handler panicked. The hook has logged where; the caller learns that it was not its fault.
fn broken(frame: &[u8]) -> Option<Vec<u8>> {
    let text = "the server failed on this call; the administrator's log says more";
    reply_with(frame, &RpcError::new(code::INTERNAL_ERROR, text))
}

fn reply_with(frame: &[u8], error: &RpcError) -> Option<Vec<u8>> {
    match Message::parse(std::str::from_utf8(frame).ok()?) {
        Ok(Message::Request(request)) => Some(error_reply(Some(request.id), error)),
        _ => None,
    }
}
