//! The bridge: the host's lines to the gateway, the gateway's messages to the host.

use std::sync::Arc;
use std::time::Duration;

use mcp_client::{ConnectError, Key, Link, LinkReceiver, LinkSender, Target, Trust};
use mcp_wire::{Id, Message, Object, Request, RpcError, code, error_reply};
use serde_json::value::RawValue;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::limits::{CLOSE, DRAIN, DRAIN_STOPPED, MAX_WAITING};
use crate::mcp::lines::Lines;
use crate::mcp::pending::Pending;
use crate::mcp::writer;

/// Runs until standard input ends or a signal comes, and then until everything is answered, in bounds.
pub(super) async fn run(
    target: Target,
    key: Option<Key>,
    trust: Trust,
) -> Result<(), daemon::BoxError> {
    let stop = daemon::stop_signal()?;
    tokio::pin!(stop);
    let (out, messages) = mpsc::channel(MAX_WAITING);
    let mut written = tokio::spawn(writer::write(tokio::io::stdout(), messages));
    let host = Host { out, pending: Arc::default() };
    let mut bridge =
        Bridge { target, key, trust, host, uplink: None, links: 0, downlinks: JoinSet::new() };

    let mut stopped = false;
    tokio::select! {
        () = bridge.pump() => {}
        () = &mut stop => stopped = true,
        _ = &mut written => return Err("the host does not take answers any more".into()),
    }
    let answered = bridge.host.pending.answered();
    let answered = async {
        if !stopped {
            tokio::select! {
                done = timeout(DRAIN, answered) => return done.is_ok(),
                () = &mut stop => {}
            }
        }
        timeout(DRAIN_STOPPED, bridge.host.pending.answered()).await.is_ok()
    };
    let answered = tokio::select! {
        answered = answered => answered,
        _ = &mut written => return Err("the host does not take answers any more".into()),
    };
    bridge.close(CLOSE).await;
    // What is written now is the last; a host that does not take it is gone.
    timeout(CLOSE, written).await.ok();
    if answered { Ok(()) } else { Err("some requests were not answered in time".into()) }
}

/// The way to the host.
#[derive(Clone)]
struct Host {
    out: mpsc::Sender<Vec<u8>>,
    pending: Arc<Pending>,
}

impl Host {
    /// A message for the host. One that is not taken belongs to a host that is gone, which the writer sees.
    async fn tell(&self, message: Vec<u8>) {
        self.out.send(message).await.ok();
    }
}

struct Bridge {
    target: Target,
    key: Option<Key>,
    trust: Trust,
    host: Host,
    /// The connection, with its number, once there has been a need of one.
    uplink: Option<(LinkSender, u64)>,
    links: u64,
    downlinks: JoinSet<()>,
}

impl Bridge {
    /// Takes the host's lines until there are no more.
    async fn pump(&mut self) {
        let mut lines = Lines::new(tokio::io::stdin());
        while let Some(line) = lines.next().await {
            match line {
                Ok(line) => self.take(&line).await,
                Err(error) => self.host.tell(error_reply(None, &error)).await,
            }
        }
    }

    async fn take(&mut self, line: &str) {
        match Message::parse(line) {
            Ok(Message::Request(request)) => self.request(&request, line).await,
            Ok(Message::Notification(note)) => {
                if note.method == "notifications/cancelled"
                    && let Some(params) = note.params.and_then(|raw| Object::parse(raw.get()).ok())
                    && let Some(id) = params.get("requestId")
                {
                    // A request that was cancelled gets no answer, and nobody waits for one.
                    self.host.pending.take(id.get());
                }
                self.pass(line).await;
            }
            Ok(Message::Response(_)) => self.pass(line).await,
            Err(error) => self.host.tell(error_reply(None, &error.to_rpc())).await,
        }
    }

    /// Sends a request; whatever happens, it is answered.
    async fn request(&mut self, request: &Request<'_>, line: &str) {
        // A connection that has ended is noticed when it is used, so there is a second try on a new one.
        for _ in 0..2 {
            let (uplink, number) = match self.uplink().await {
                Ok(uplink) => uplink,
                Err(error) => {
                    tracing::warn!("{error}");
                    return self
                        .host
                        .tell(error_reply(Some(request.id), &unreachable(&error)))
                        .await;
                }
            };
            if !self.host.pending.add(request.id.as_str(), number, &request.method) {
                let message = "a request with this id is under way: use each id once";
                let error = RpcError::new(code::INVALID_REQUEST, message);
                return self.host.tell(error_reply(Some(request.id), &error)).await;
            }
            // Once it is not pending any more, the end of the connection has answered it.
            if uplink.send(line).await.is_ok() || !self.host.pending.take(request.id.as_str()) {
                return;
            }
            self.uplink = None;
        }
        self.host.tell(lost(request.id.as_str())).await;
    }

    /// Sends what has no answer, if there is a connection: a new one knows nothing of what it is about.
    async fn pass(&mut self, line: &str) {
        if let Some((link, _)) = &self.uplink
            && link.send(line).await.is_err()
        {
            self.uplink = None;
        }
    }

    /// The connection that there is, else a new one.
    async fn uplink(&mut self) -> Result<(LinkSender, u64), ConnectError> {
        if let Some((link, number)) = &self.uplink
            && !link.is_closed()
        {
            return Ok((link.clone(), *number));
        }
        self.uplink = None;
        let (sender, receiver) =
            Link::connect_trusting(&self.target, self.key.as_ref(), &self.trust).await?.split();
        self.links += 1;
        self.uplink = Some((sender.clone(), self.links));
        self.downlinks.spawn(down(receiver, self.links, self.host.clone()));
        Ok((sender, self.links))
    }

    /// Ends the connection, and waits for its last messages.
    async fn close(mut self, at_most: Duration) {
        drop(self.uplink.take());
        let all = async { while self.downlinks.join_next().await.is_some() {} };
        // A gateway that does not end the connection finds it closed.
        timeout(at_most, all).await.ok();
    }
}

/// Gives the gateway's messages to the host. Once the connection has ended, what was asked on it is answered so.
async fn down(mut receiver: LinkReceiver, number: u64, host: Host) {
    while let Some(text) = receiver.receive().await {
        let wanted = match Message::parse(&text) {
            Ok(Message::Response(reply)) => {
                reply.id.is_none_or(|id| host.pending.take(id.as_str()))
            }
            Ok(_) => true,
            Err(error) => {
                tracing::warn!(%error, "the gateway's message cannot be understood");
                false
            }
        };
        if wanted {
            host.tell(text.into_bytes()).await;
        }
    }
    for id in host.pending.take_all_of(number) {
        host.tell(lost(&id)).await;
    }
}

/// The answer to a request whose connection has ended.
fn lost(id: &str) -> Vec<u8> {
    let message = "the connection to the gateway ended before the answer came: look whether the call was carried out \
                   before you repeat it";
    let raw = RawValue::from_string(id.to_owned()).ok();
    let id = raw.as_deref().and_then(Id::new);
    error_reply(id, &RpcError::new(code::SERVER_UNAVAILABLE, message))
}

/// The error of a request for which there is no connection.
fn unreachable(error: &ConnectError) -> RpcError {
    let code = match error {
        ConnectError::Key => code::UNAUTHENTICATED,
        ConnectError::Forbidden => code::FORBIDDEN_ORIGIN,
        _ => code::SERVER_UNAVAILABLE,
    };
    RpcError::new(code, error.to_string())
}
