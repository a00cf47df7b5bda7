//! What a message is: a request, a notification or a response.

use std::borrow::Cow;

use serde_json::value::RawValue;

use crate::depth::within_depth;
use crate::error::WireError;
use crate::id::Id;
use crate::limits::MAX_DEPTH;
use crate::object::Object;

/// One JSON-RPC 2.0 message, borrowed from its text.
#[derive(Debug, Clone)]
pub enum Message<'a> {
    /// A call that wants an answer.
    Request(Request<'a>),
    /// A call that wants none.
    Notification(Notification<'a>),
    /// An answer.
    Response(Response<'a>),
}

/// A call that wants an answer.
#[derive(Debug, Clone)]
pub struct Request<'a> {
    /// The id, to be sent back as it came.
    pub id: Id<'a>,
    /// The method, decoded.
    pub method: Cow<'a, str>,
    /// The parameters: an object or an array.
    pub params: Option<&'a RawValue>,
    /// The whole message.
    pub envelope: Object<'a>,
}

/// A call that wants no answer.
#[derive(Debug, Clone)]
pub struct Notification<'a> {
    /// The method, decoded.
    pub method: Cow<'a, str>,
    /// The parameters: an object or an array.
    pub params: Option<&'a RawValue>,
    /// The whole message.
    pub envelope: Object<'a>,
}

/// An answer.
#[derive(Debug, Clone)]
pub struct Response<'a> {
    /// The id of the request; `None` where the peer could not read it.
    pub id: Option<Id<'a>>,
    /// The result, or the error.
    pub outcome: Result<&'a RawValue, &'a RawValue>,
    /// The whole message.
    pub envelope: Object<'a>,
}

impl<'a> Message<'a> {
    /// Reads one message. Depth is checked first, then syntax, then that it is JSON-RPC 2.0.
    pub fn parse(text: &'a str) -> Result<Self, WireError> {
        if !within_depth(text.as_bytes(), MAX_DEPTH) {
            return Err(WireError::TooDeep);
        }
        let envelope = Object::parse(text).map_err(|error| match WireError::from(error) {
            WireError::Invalid(_) if text.trim_start().starts_with('[') => WireError::Batch,
            error => error,
        })?;
        if envelope.get_str("jsonrpc").as_deref() != Some("2.0") {
            return Err(WireError::Invalid("`jsonrpc` must be \"2.0\""));
        }
        let id = envelope.get("id");
        if envelope.get("method").is_some() {
            Self::call(envelope, id)
        } else {
            Self::answer(envelope, id)
        }
    }

    fn call(envelope: Object<'a>, id: Option<&'a RawValue>) -> Result<Self, WireError> {
        let method =
            envelope.get_str("method").ok_or(WireError::Invalid("`method` must be a string"))?;
        if envelope.get("result").is_some() || envelope.get("error").is_some() {
            return Err(WireError::Invalid("it is a call and an answer at once"));
        }
        let params = envelope.get("params");
        if params.is_some_and(|raw| !raw.get().starts_with(['{', '['])) {
            return Err(WireError::Invalid("`params` must be an object or an array"));
        }
        Ok(match id {
            None => Self::Notification(Notification { method, params, envelope }),
            Some(raw) => {
                let id = Id::new(raw)
                    .ok_or(WireError::Invalid("`id` must be a string or an integer"))?;
                Self::Request(Request { id, method, params, envelope })
            }
        })
    }

    fn answer(envelope: Object<'a>, id: Option<&'a RawValue>) -> Result<Self, WireError> {
        let id = match id {
            None => None,
            Some(raw) if raw.get() == "null" => None,
            Some(raw) => Some(
                Id::new(raw).ok_or(WireError::Invalid("`id` must be a string or an integer"))?,
            ),
        };
        let outcome = match (envelope.get("result"), envelope.get("error")) {
            (Some(result), None) => Ok(result),
            (None, Some(error)) => Err(error),
            _ => {
                return Err(WireError::Invalid("it has neither a `method` nor one outcome"));
            }
        };
        Ok(Self::Response(Response { id, outcome, envelope }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(text: &str) -> Result<&'static str, WireError> {
        Message::parse(text).map(|message| match message {
            Message::Request(_) => "request",
            Message::Notification(_) => "notification",
            Message::Response(_) => "response",
        })
    }

    fn check(text: &str, expected: &str) {
        assert_eq!(kind(text).as_ref(), Ok(&expected), "{text}");
    }

    #[test]
    fn tells_the_three_kinds_apart() {
        check(r#"{"jsonrpc":"2.0","id":1,"method":"m"}"#, "request");
        check(r#"{"jsonrpc":"2.0","\u0069d":"x","method":"m","params":[1]}"#, "request");
        check(r#"{"jsonrpc":"2.0","method":"m","params":{}}"#, "notification");
        check(r#"{"jsonrpc":"2.0","id":1,"result":null}"#, "response");
        check(r#"{"jsonrpc":"2.0","id":null,"error":{"code":1,"message":""}}"#, "response");
    }

    #[test]
    fn refuses_what_is_none_of_them() {
        let refused = [
            r#"{"id":1,"method":"m"}"#,
            r#"{"jsonrpc":"1.0","id":1,"method":"m"}"#,
            r#"{"jsonrpc":"2.0","id":null,"method":"m"}"#,
            r#"{"jsonrpc":"2.0","id":1.5,"method":"m"}"#,
            r#"{"jsonrpc":"2.0","id":1,"method":7}"#,
            r#"{"jsonrpc":"2.0","id":1,"method":"m","params":"x"}"#,
            r#"{"jsonrpc":"2.0","id":1,"method":"m","result":1}"#,
            r#"{"jsonrpc":"2.0","id":1,"method":"m","params":{},"p\u0061rams":{}}"#,
            r#"{"jsonrpc":"2.0","id":1,"result":1,"error":{}}"#,
            r#"{"jsonrpc":"2.0","id":1}"#,
            "7",
        ];
        for text in refused {
            assert!(matches!(kind(text), Err(WireError::Invalid(_))), "{text}");
        }
        assert_eq!(kind(r#" [{"jsonrpc":"2.0","id":1,"method":"m"}]"#), Err(WireError::Batch));
        assert_eq!(kind(&("[".repeat(65) + &"]".repeat(65))), Err(WireError::TooDeep));
        assert!(matches!(kind("{"), Err(WireError::Parse(_))));
        assert!(matches!(kind("{}{}"), Err(WireError::Parse(_))));
    }
}
