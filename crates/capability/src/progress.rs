//! Notifications of progress.

use mcp_wire::{Id, Object, push_frame};
use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Number, Value};

use crate::arguments::as_integer;
use crate::connection::WeakReplies;
use crate::limits::{MAX_PROGRESS_TEXT, REPLY_QUEUE};

/// Where a caller wants to be told of the progress of a call.
#[derive(Debug, Clone)]
pub(crate) struct Progress {
    token: Box<RawValue>,
    /// It does not hold the connection open: a handler may have left a thread behind.
    out: WeakReplies,
}

#[derive(Serialize)]
struct Notification<'a> {
    jsonrpc: &'static str,
    method: &'static str,
    params: Params<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Params<'a> {
    progress_token: &'a RawValue,
    progress: Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    total: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<&'a str>,
}

impl Progress {
    /// `None` where the metadata of the call asks for none, or the token is no string or integer.
    pub(crate) fn asked(metadata: &Object<'_>, out: &WeakReplies) -> Option<Self> {
        let token = metadata.get(mcp_types::meta::PROGRESS_TOKEN)?;
        Id::new(token)?;
        Some(Self { token: token.to_owned(), out: out.clone() })
    }

    /// Sends a notification, if there is room: an answer is never kept waiting for it.
    pub(crate) fn send(&self, done: f64, total: Option<f64>, message: Option<&str>) -> bool {
        let Some(out) = self.out.upgrade() else { return false };
        let Some(progress) = number(done) else { return false };
        let params = Params {
            progress_token: &self.token,
            progress,
            total: total.and_then(number),
            message: message
                .and_then(|text| text.get(..text.floor_char_boundary(MAX_PROGRESS_TEXT))),
        };
        let notification =
            Notification { jsonrpc: "2.0", method: "notifications/progress", params };
        let Ok(mut frame) = serde_json::to_vec(&notification) else { return false };
        push_frame(&mut frame);
        out.waiting() < REPLY_QUEUE && out.put(frame, None).is_ok()
    }
}

/// A number as JSON, whole ones without a fraction; what is no number has none.
fn number(float: f64) -> Option<Value> {
    as_integer(float).map(Value::from).or_else(|| Number::from_f64(float).map(Value::Number))
}
