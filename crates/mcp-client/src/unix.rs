//! A UNIX socket: one message, then one NUL.

use std::path::Path;

use mcp_wire::limits::MAX_REPLY_BYTES;
use mcp_wire::{FrameDecoder, Message, error_reply, push_frame};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::error::ConnectError;
use crate::limits::{CONNECT, READ_BYTES};
use crate::link::Ends;
use crate::queue;

pub(crate) async fn connect(path: &Path) -> Result<UnixStream, ConnectError> {
    let target = || format!("unix:{}", path.display());
    match timeout(CONNECT, UnixStream::connect(path)).await {
        Ok(Ok(stream)) => Ok(stream),
        Ok(Err(error)) => Err(ConnectError::from_io(target(), &error)),
        Err(_) => Err(ConnectError::Timeout { target: target() }),
    }
}

/// Carries messages until one side ends it.
pub(crate) async fn run(stream: UnixStream, ends: Ends) {
    let Ends { outgoing, incoming } = ends;
    let (reader, writer) = stream.into_split();
    let answers = incoming.clone();
    tokio::select! {
        () = read(reader, incoming) => {}
        // Only a failure to write ends the link from this side.
        () = write(writer, outgoing, answers) => {}
    }
}

async fn read(mut reader: OwnedReadHalf, incoming: mpsc::Sender<String>) {
    let mut decoder = FrameDecoder::new(MAX_REPLY_BYTES);
    loop {
        let frame = match decoder.next_frame() {
            Ok(Some(frame)) => frame,
            Ok(None) => {
                decoder.buffer().reserve(READ_BYTES);
                match reader.read_buf(decoder.buffer()).await {
                    Ok(0) | Err(_) => return,
                    Ok(_) => continue,
                }
            }
            Err(error) => return tracing::warn!(%error, "the gateway's message cannot be read"),
        };
        let Ok(text) = String::from_utf8(frame.into()) else {
            return tracing::warn!("the gateway sent what is not UTF-8");
        };
        if incoming.send(text).await.is_err() {
            return;
        }
    }
}

/// Ends only when nothing can be written any more: a peer may still answer when all has been sent.
async fn write(
    mut writer: OwnedWriteHalf,
    mut outgoing: queue::Receiver,
    answers: mpsc::Sender<String>,
) {
    while let Some(message) = outgoing.next().await {
        // A NUL would end the message before its end, and what follows it would be another.
        if message.text.contains('\0') {
            if !refuse(&message.text, &answers).await {
                return;
            }
            continue;
        }
        let mut frame = message.text.into_bytes();
        push_frame(&mut frame);
        if writer.write_all(&frame).await.is_err() {
            return;
        }
    }
    if writer.shutdown().await.is_ok() {
        drop(answers);
        std::future::pending::<()>().await;
    }
}

/// Answers a text that is not a message. `false`: nobody takes the answer.
async fn refuse(text: &str, answers: &mpsc::Sender<String>) -> bool {
    let Err(error) = Message::parse(text) else { return true };
    let reply = error_reply(None, &error.to_rpc());
    answers.send(String::from_utf8_lossy(&reply).into_owned()).await.is_ok()
}
