//! Whole JSON-RPC messages both ways, over any transport.

use tokio::sync::mpsc;
use tokio_util::task::AbortOnDropHandle;

use crate::error::{Closed, ConnectError};
use crate::key::Key;
use crate::limits::MAX_RECEIVED;
use crate::queue::{self, queue};
use crate::target::Target;
use crate::trust::Trust;
use crate::{http, unix, websocket};

/// A connection over which whole JSON-RPC messages go both ways.
///
/// A WebSocket and a UNIX socket are connected when the link is; Streamable HTTP connects for each request, so a link to
/// a server that is not there is made all the same, and its requests are answered with an error.
#[derive(Debug)]
pub struct Link {
    sender: LinkSender,
    receiver: LinkReceiver,
}

/// Sends messages on a link. When the last clone is dropped, the link is closed once all that was queued is sent; so
/// whoever waits for an answer keeps one.
#[derive(Debug, Clone)]
pub struct LinkSender(queue::Sender);

/// Receives the messages of a link. Dropping it ends the link.
#[derive(Debug)]
pub struct LinkReceiver {
    messages: mpsc::Receiver<String>,
    _driver: AbortOnDropHandle<()>,
}

/// What a transport is given: where messages to be sent come from, and where those that it receives go.
pub(crate) struct Ends {
    pub(crate) outgoing: queue::Receiver,
    pub(crate) incoming: mpsc::Sender<String>,
}

impl Link {
    /// Connects. It must be called within a Tokio runtime, on which the transport then runs.
    pub async fn connect(target: &Target, key: Option<&Key>) -> Result<Self, ConnectError> {
        Self::connect_trusting(target, key, &Trust::default()).await
    }

    /// The same, where more certificates are trusted than those that this machine trusts.
    pub async fn connect_trusting(
        target: &Target,
        key: Option<&Key>,
        trust: &Trust,
    ) -> Result<Self, ConnectError> {
        let (sender, outgoing) = queue();
        let (incoming, messages) = mpsc::channel(MAX_RECEIVED);
        let ends = Ends { outgoing, incoming };
        let driver = match target {
            Target::Unix(path) => tokio::spawn(unix::run(unix::connect(path).await?, ends)),
            Target::WebSocket(url) => {
                let socket = Box::pin(websocket::connect(target, url, key, trust)).await?;
                tokio::spawn(websocket::run(socket, ends))
            }
            Target::Http(url) => {
                tokio::spawn(http::run(http::endpoint(target, url, key, trust)?, ends))
            }
        };
        let receiver = LinkReceiver { messages, _driver: AbortOnDropHandle::new(driver) };
        Ok(Self { sender: LinkSender(sender), receiver })
    }

    /// The two directions apart.
    pub fn split(self) -> (LinkSender, LinkReceiver) {
        (self.sender, self.receiver)
    }
}

impl LinkSender {
    /// Queues one message, after waiting for room; messages arrive in this order. `Ok` does not say that it arrived.
    ///
    /// The text must be one JSON-RPC message. What is none is not sent but answered with the error that says so.
    pub async fn send(&self, message: &str) -> Result<(), Closed> {
        self.0.send(message.to_owned()).await
    }

    /// Queues a short message at once; the caller bounds how many.
    pub(crate) fn send_now(&self, message: String) -> Result<(), Closed> {
        self.0.send_now(message)
    }

    /// Queues a message that may be left out if there is no room.
    pub(crate) fn offer(&self, message: String) {
        self.0.offer(message);
    }

    /// Waits until the link has ended.
    pub async fn closed(&self) {
        self.0.closed().await;
    }

    /// Whether the link has ended.
    pub fn is_closed(&self) -> bool {
        self.0.is_closed()
    }
}

impl LinkReceiver {
    /// The next message; `None` once the link has ended and all that came before has been taken.
    pub async fn receive(&mut self) -> Option<String> {
        self.messages.recv().await
    }
}
