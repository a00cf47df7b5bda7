//! Frames in, a task for each request, messages out.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use mcp_wire::limits::MAX_REPLY_BYTES;
use mcp_wire::{FrameDecoder, Message, error_reply, push_frame, result_reply};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::mpsc;
use tokio::task::AbortHandle;

use crate::call::Call;
use crate::dispatch::Fixture;

/// How many messages may wait to be written: more than one request sends.
const QUEUE: usize = 64;

/// The requests of a connection that are under way, by the text of their ids.
type UnderWay = Arc<Mutex<HashMap<String, AbortHandle>>>;

/// Serves every connection until the program ends.
pub(crate) async fn accept(listener: UnixListener, fixture: Arc<Fixture>) {
    while let Ok((stream, _)) = listener.accept().await {
        tokio::spawn(serve(stream, fixture.clone()));
    }
}

async fn serve(stream: UnixStream, fixture: Arc<Fixture>) {
    let (reader, writer) = stream.into_split();
    let (out, waiting) = mpsc::channel(QUEUE);
    let under_way = UnderWay::default();
    tokio::spawn(write(writer, waiting));
    read(reader, &fixture, &out, &under_way).await;
    // The peer is gone, and waits for nothing.
    locked(&under_way).values().for_each(AbortHandle::abort);
}

/// Reads until the peer ends, or sends what is no frame.
async fn read(
    mut reader: OwnedReadHalf,
    fixture: &Arc<Fixture>,
    out: &mpsc::Sender<Vec<u8>>,
    under_way: &UnderWay,
) {
    // Whatever the gateway forwards is shorter than what it lets a server answer.
    let mut decoder = FrameDecoder::new(MAX_REPLY_BYTES);
    loop {
        while let Ok(Some(frame)) = decoder.next_frame() {
            receive(&String::from_utf8_lossy(&frame), fixture, out, under_way).await;
        }
        if !matches!(reader.read_buf(decoder.buffer()).await, Ok(1..)) {
            return;
        }
    }
}

/// Starts a request, or stops one.
async fn receive(
    text: &str,
    fixture: &Arc<Fixture>,
    out: &mpsc::Sender<Vec<u8>>,
    under_way: &UnderWay,
) {
    match Message::parse(text) {
        Ok(Message::Request(request)) => {
            let id = request.id.as_str().to_owned();
            let params = request.params.and_then(|raw| serde_json::from_str(raw.get()).ok());
            let call = Call::new(&id, params.unwrap_or_else(|| json!({})), out.clone());
            let task = run(text.to_owned(), request.method.into_owned(), call, fixture.clone());
            let (table, key) = (under_way.clone(), id.clone());
            // The lock is held until the request stands in the table, since its end takes it out again.
            let mut table_now = locked(under_way);
            let task = tokio::spawn(async move {
                task.await;
                locked(&table).remove(&key);
            });
            table_now.insert(id, task.abort_handle());
        }
        Ok(Message::Notification(notification)) if notification.method == CANCELLED => {
            let params: Option<Value> =
                notification.params.and_then(|raw| serde_json::from_str(raw.get()).ok());
            let id = params.map(|params| params["requestId"].to_string()).unwrap_or_default();
            if let Some(task) = locked(under_way).remove(&id) {
                task.abort();
            }
        }
        Ok(_) => {}
        // Nobody is left to tell if this fails.
        Err(error) => drop(out.send(error_reply(None, &error.to_rpc())).await),
    }
}

/// The notification that stops a request.
const CANCELLED: &str = "notifications/cancelled";

/// Answers a request, unless it is stopped before.
async fn run(text: String, method: String, call: Call, fixture: Arc<Fixture>) {
    let outcome = fixture.answer(&method, &call).await;
    // The id goes back as it came, so it is taken from the text.
    let Ok(Message::Request(request)) = Message::parse(&text) else { return };
    let reply = match outcome {
        Ok(result) => result_reply(request.id, &result),
        Err(error) => error_reply(Some(request.id), &error),
    };
    call.send(reply).await;
}

async fn write(mut writer: OwnedWriteHalf, mut waiting: mpsc::Receiver<Vec<u8>>) {
    while let Some(mut message) = waiting.recv().await {
        push_frame(&mut message);
        if writer.write_all(&message).await.is_err() {
            return;
        }
    }
}

/// A thread that panicked with the lock changed nothing by halves.
pub(crate) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
