//! What results are made of.

use serde_json::{Value, json};

/// A picture of one red dot, as PNG in base64.
const PNG: &str =
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR42mP4z8AAAAMBAQD3A0FDAAAAAElFTkSuQmCC";
/// A millisecond of silence, as WAV in base64.
const WAV: &str = "UklGRiwAAABXQVZFZm10IBAAAAABAAEAQB8AAEAfAAABAAgAZGF0YQgAAACAgICAgICAgA==";

/// A block of text.
pub(crate) fn text(text: impl Into<String>) -> Value {
    json!({ "type": "text", "text": text.into() })
}

/// A block with a picture.
pub(crate) fn image() -> Value {
    json!({ "type": "image", "data": PNG, "mimeType": "image/png" })
}

/// A block with a sound.
pub(crate) fn audio() -> Value {
    json!({ "type": "audio", "data": WAV, "mimeType": "audio/wav" })
}

/// A block with the content of a resource.
pub(crate) fn resource(uri: &str, kind: &str, text: &str) -> Value {
    json!({ "type": "resource", "resource": { "uri": uri, "mimeType": kind, "text": text } })
}

/// A resource that is no text.
pub(crate) fn blob(uri: &str) -> Value {
    json!({ "uri": uri, "mimeType": "image/png", "blob": PNG })
}

/// The result of a tool that succeeded.
pub(crate) fn result(content: &[Value]) -> Value {
    json!({ "resultType": "complete", "content": content, "isError": false })
}

/// The result of a tool that failed.
pub(crate) fn failure(reason: &str) -> Value {
    json!({ "resultType": "complete", "content": [text(reason)], "isError": true })
}

/// A result that a client may keep: a list, or what was read. It is the same for everybody, and never too old, since the
/// suite changes the lists.
pub(crate) fn cacheable(member: &str, items: &Value) -> Value {
    json!({ "resultType": "complete", member: items, "ttlMs": 0, "cacheScope": "public" })
}
