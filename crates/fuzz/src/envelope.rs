//! Envelopes: what is read and written again is the same message.

use mcp_wire::limits::{MAX_DEPTH, MAX_ID_BYTES};
use mcp_wire::{Edit, Framing, Id, Message, Object, within_depth};
use serde_json::Value;

/// What the gateway reads of a message.
#[derive(Debug, PartialEq)]
struct Seen {
    kind: &'static str,
    id: Option<String>,
    method: Option<String>,
    /// The parameters or the outcome, as they were written.
    payload: Option<String>,
}

/// Reads a message, writes it, and reads it again: it says the same in the same text. With another id it says
/// the same but for that. A message that passes nests no deeper than allowed and repeats no key, as a reader
/// of ordinary JSON sees it.
///
/// # Panics
///
/// If any of that does not hold.
pub fn envelope(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let Ok(message) = Message::parse(text) else {
        return;
    };
    assert!(within_depth(data, MAX_DEPTH));
    let seen = seen(&message);
    assert!(seen.id.as_ref().is_none_or(|id| id.len() <= MAX_ID_BYTES), "an id too long");
    let object = object(&message);
    check_as_plain_json(text, object);

    let mut written = write(object, &[]);
    assert_same(&written, &seen);
    // On a stream whose messages end with newlines, raw newlines become spaces and nothing else changes.
    let value = serde_json::from_str::<Value>(&written).ok();
    let mut line = std::mem::take(&mut written).into_bytes();
    Framing::Newline.push_message(&mut line);
    assert_eq!(line.pop(), Some(b'\n'));
    assert!(!line.contains(&b'\n') && !line.contains(&b'\r'), "a newline within a message");
    assert_eq!(serde_json::from_slice::<Value>(&line).ok(), value);

    if seen.id.is_some() {
        let away = write(object, &[("id", Edit::Raw("7"))]);
        assert_same(&away, &Seen { id: Some("7".to_owned()), ..seen });
    }
}

/// Compares with a reader that builds values. Some texts it does not take: numbers out of range, half surrogates.
fn check_as_plain_json(text: &str, object: &Object<'_>) {
    let Ok(value) = serde_json::from_str::<Value>(text) else {
        return;
    };
    assert!(depth(&value) <= MAX_DEPTH);
    let members = value.as_object().map_or(0, serde_json::Map::len);
    assert_eq!(members, object.members().len(), "a key stands twice");
    for member in object.members() {
        assert_eq!(
            serde_json::from_str::<Value>(member.value.get()).ok().as_ref(),
            value.get(member.key.as_ref()),
            "two readers see two values"
        );
    }
}

fn depth(value: &Value) -> usize {
    match value {
        Value::Array(values) => 1 + values.iter().map(depth).max().unwrap_or(0),
        Value::Object(members) => 1 + members.values().map(depth).max().unwrap_or(0),
        _ => 0,
    }
}

fn assert_same(written: &str, expected: &Seen) {
    let again = Message::parse(written).ok();
    assert_eq!(again.as_ref().map(seen).as_ref(), Some(expected));
    assert_eq!(again.as_ref().map(|message| write(object(message), &[])).as_deref(), Some(written));
}

fn write(object: &Object<'_>, edits: &[(&str, Edit<'_>)]) -> String {
    let mut out = Vec::new();
    object.write(edits, &mut out);
    let text = String::from_utf8(out);
    assert!(text.is_ok(), "a message is not text");
    text.unwrap_or_default()
}

fn object<'m, 'a>(message: &'m Message<'a>) -> &'m Object<'a> {
    match message {
        Message::Request(request) => &request.envelope,
        Message::Notification(notification) => &notification.envelope,
        Message::Response(response) => &response.envelope,
    }
}

fn seen(message: &Message<'_>) -> Seen {
    let id = |id: Id<'_>| Some(id.as_str().to_owned());
    match message {
        Message::Request(request) => Seen {
            kind: "request",
            id: id(request.id),
            method: Some(request.method.to_string()),
            payload: request.params.map(|raw| raw.get().to_owned()),
        },
        Message::Notification(notification) => Seen {
            kind: "notification",
            id: None,
            method: Some(notification.method.to_string()),
            payload: notification.params.map(|raw| raw.get().to_owned()),
        },
        Message::Response(response) => Seen {
            kind: if response.outcome.is_ok() { "result" } else { "error" },
            id: response.id.and_then(id),
            method: None,
            payload: Some(response.outcome.unwrap_or_else(|error| error).get().to_owned()),
        },
    }
}
