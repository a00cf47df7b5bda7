//! A capability server as the gateway sees it.

use std::fs;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use mcp_wire::limits::MAX_REPLY_BYTES;
use mcp_wire::{FrameDecoder, push_frame};
use tokio::io::AsyncReadExt;
use tokio::net::UnixStream;
use tokio::sync::{Mutex, OwnedSemaphorePermit, Semaphore};

use crate::limits::{
    CONNECT, MAX_CALLS_PER_SERVER, MAX_CONNECTIONS_PER_SERVER, MAX_WAITING_KIB_PER_SERVER,
    SERVER_STALL,
};
use crate::stall;
use crate::transport::current_worker;
use crate::upstream::Interim;
use crate::upstream::connection::{Connection, Dead};

/// A capability server: where it listens, and the connection to it once there is one.
pub(crate) struct Server {
    name: String,
    socket: PathBuf,
    owner: u32,
    /// A connection for each thread that calls it, or one for several where it does not serve so many: what a thread awaits
    /// of its own connection wakes no other.
    live: Box<[Mutex<Option<Arc<Connection>>>]>,
    calls: Semaphore,
    waiting_kib: Arc<Semaphore>,
}

/// Why a call got no answer. The text is for the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum CallError {
    /// Nobody listens, or a stranger does.
    #[error("the capability server cannot be reached: nothing was done; try again later")]
    Unreachable,
    /// The connection ended while the call was under way.
    #[error(
        "the capability server stopped during the call: look whether it took effect before you repeat it"
    )]
    Died,
    /// The answer was no answer.
    #[error(
        "the capability server gave no valid answer: look whether the call took effect before you repeat it"
    )]
    Broken,
    /// No answer in time.
    #[error(
        "the capability server did not answer in time: look whether the call took effect before you repeat it"
    )]
    TimedOut,
    /// The server has as many calls as it may have.
    #[error(
        "the capability server has too many calls under way: nothing was done; try again in a moment"
    )]
    Overloaded,
}

impl Server {
    /// The server that listens at `socket`, which must belong to the user `owner`, and serves so many `connections`.
    pub(crate) fn new(name: String, socket: PathBuf, owner: u32, connections: usize) -> Self {
        let connections = connections.clamp(1, MAX_CONNECTIONS_PER_SERVER);
        Self {
            name,
            socket,
            owner,
            live: (0..connections).map(|_| Mutex::new(None)).collect(),
            calls: Semaphore::new(MAX_CALLS_PER_SERVER),
            waiting_kib: Arc::new(Semaphore::new(MAX_WAITING_KIB_PER_SERVER)),
        }
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Who must own its socket and its cap file.
    pub(crate) fn owner(&self) -> u32 {
        self.owner
    }

    /// How many connections it is called on.
    pub(crate) fn connections(&self) -> usize {
        self.live.len()
    }

    /// Sends a request, whose text `message` gives for an id, and waits for its reply, `deadline` in all. Its progress
    /// token is the same id.
    ///
    /// A call is never sent twice: it may have taken effect, and only the client knows whether that matters. Dropping
    /// the future, and the deadline, tell the server to stop.
    pub(crate) async fn call(
        &self,
        message: impl FnOnce(&str) -> Vec<u8>,
        deadline: Duration,
        interim: Option<Interim>,
    ) -> Result<Bytes, CallError> {
        let _call = self.calls.try_acquire().map_err(|_| CallError::Overloaded)?;
        let answered = async {
            let connection = self.connection().await?;
            let mut pending = connection.expect(interim).map_err(|Dead| CallError::Unreachable)?;
            let message = message(&pending.id().to_string());
            let room = self.room_for(message.len())?;
            connection.send(&mut pending, message, room).map_err(|Dead| CallError::Unreachable)?;
            pending.reply().await.map_err(|Dead| CallError::Died)
        };
        tokio::time::timeout(deadline, answered).await.unwrap_or(Err(CallError::TimedOut))
    }

    /// Sends a request on a connection of its own and gives the first thing that comes back: servers of the time before MCP
    /// answer one after the other, and one call must not wait for another.
    pub(crate) async fn call_alone(
        &self,
        message: impl FnOnce(&str) -> Vec<u8>,
        deadline: Duration,
    ) -> Result<Bytes, CallError> {
        let _call = self.calls.try_acquire().map_err(|_| CallError::Overloaded)?;
        let answered = async {
            let mut stream = self.connect().await?;
            let mut message = message("1");
            push_frame(&mut message);
            let sent = stall::write_all(&mut stream, &message, SERVER_STALL).await;
            sent.map_err(|_| CallError::Died)?;
            let mut decoder = FrameDecoder::new(MAX_REPLY_BYTES);
            loop {
                match decoder.next_frame() {
                    Ok(Some(frame)) => return Ok(frame),
                    Ok(None) => {}
                    Err(_) => return Err(CallError::Broken),
                }
                match stream.read_buf(decoder.buffer()).await {
                    Ok(0) | Err(_) => return Err(CallError::Died),
                    Ok(_) => {}
                }
            }
        };
        tokio::time::timeout(deadline, answered).await.unwrap_or(Err(CallError::TimedOut))
    }

    fn room_for(&self, bytes: usize) -> Result<OwnedSemaphorePermit, CallError> {
        let kib = u32::try_from(bytes / 1024 + 1).map_err(|_| CallError::Overloaded)?;
        self.waiting_kib.clone().try_acquire_many_owned(kib).map_err(|_| CallError::Overloaded)
    }

    /// The living connection, or a new one. Whoever comes first makes it; the others wait for that.
    async fn connection(&self) -> Result<Arc<Connection>, CallError> {
        let own = current_worker().checked_rem(self.live.len()).and_then(|at| self.live.get(at));
        let mut live = own.ok_or(CallError::Unreachable)?.lock().await;
        if let Some(connection) = live.as_ref().filter(|connection| !connection.is_dead()) {
            return Ok(connection.clone());
        }
        let connection = Connection::new(self.connect().await?);
        let connection = Arc::new(connection.map_err(|_| CallError::Unreachable)?);
        *live = Some(connection.clone());
        Ok(connection)
    }

    async fn connect(&self) -> Result<UnixStream, CallError> {
        if !self.socket_is_its_own() {
            return Err(CallError::Unreachable);
        }
        let connecting = tokio::time::timeout(CONNECT, UnixStream::connect(&self.socket));
        connecting.await.ok().and_then(Result::ok).ok_or(CallError::Unreachable)
    }

    /// Whether the socket belongs to the owner of the cap file. Nobody else can write in the folder, so the
    /// answer still holds when the connection is made.
    fn socket_is_its_own(&self) -> bool {
        let metadata = fs::symlink_metadata(&self.socket);
        metadata.is_ok_and(|found| found.file_type().is_socket() && found.uid() == self.owner)
    }
}
