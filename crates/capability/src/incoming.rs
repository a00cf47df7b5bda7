//! What a frame is: its envelope, read once.

use std::time::Instant;

use bytes::Bytes;
use mcp_wire::{Id, Message, Notification, Object, RpcError, code};
use serde_json::value::RawValue;

use crate::calls::Key;

/// A frame, as the reader of a connection deals with it.
pub(crate) enum Incoming {
    /// A call to answer.
    Request(Request),
    /// The caller of the call with this id has given it up.
    Cancelled(Key),
    /// What wants no answer and means nothing here.
    Other,
    /// What is no message.
    Malformed(RpcError),
}

/// A call to answer.
pub(crate) struct Request {
    pub(crate) id: Box<RawValue>,
    pub(crate) method: Method,
    /// The parameters, still unread, as a part of the frame.
    pub(crate) params: Option<Bytes>,
    /// When the frame was read, from which the time of the caller counts.
    pub(crate) read: Instant,
}

/// The methods of a capability server.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Method {
    Discover,
    List,
    Call,
    Unknown,
}

impl Incoming {
    pub(crate) fn read(frame: &Bytes) -> Self {
        let Ok(text) = std::str::from_utf8(frame) else {
            let error = RpcError::new(code::PARSE_ERROR, "the message is not UTF-8");
            return Self::Malformed(error);
        };
        match Message::parse(text) {
            Err(error) => Self::Malformed(error.to_rpc()),
            Ok(Message::Response(_)) => Self::Other,
            Ok(Message::Notification(notification)) => {
                cancelled(&notification).map_or(Self::Other, Self::Cancelled)
            }
            Ok(Message::Request(request)) => {
                // A request has an id, else it were a notification.
                let Some(id) = request.envelope.get("id") else { return Self::Other };
                Self::Request(Request {
                    id: id.to_owned(),
                    method: Method::of(&request.method),
                    params: request.params.map(|raw| frame.slice_ref(raw.get().as_bytes())),
                    read: Instant::now(),
                })
            }
        }
    }
}

impl Request {
    pub(crate) fn id(&self) -> Option<Id<'_>> {
        Id::new(&self.id)
    }
}

impl Method {
    fn of(name: &str) -> Self {
        match name {
            "server/discover" => Self::Discover,
            "tools/list" => Self::List,
            "tools/call" => Self::Call,
            _ => Self::Unknown,
        }
    }
}

/// The id that a notification cancels.
fn cancelled(notification: &Notification<'_>) -> Option<Key> {
    if notification.method != "notifications/cancelled" {
        return None;
    }
    let params = Object::parse(notification.params?.get()).ok()?;
    Id::new(params.get("requestId")?).map(Key::of)
}
