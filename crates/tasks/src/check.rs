//! What may be written down.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::error::Refused;

/// Refuses what is longer than this.
pub(crate) fn short(what: &'static str, text: &str, limit: usize) -> Result<(), Refused> {
    if text.len() > limit { Err(Refused::TooLong { what, limit }) } else { Ok(()) }
}

/// The members of an object. Of two with the same name, the last counts.
pub(crate) fn object<'a>(
    what: &'static str,
    text: &'a str,
    limit: usize,
) -> Result<BTreeMap<String, &'a RawValue>, Refused> {
    short(what, text, limit)?;
    serde_json::from_str(text).map_err(|_| Refused::Malformed { what, shape: "an object" })
}

/// The `error` member of a JSON-RPC reply.
#[derive(Deserialize)]
struct ErrorMember {
    #[serde(rename = "code")]
    _code: i64,
    message: String,
}

/// The message of an error of JSON-RPC.
pub(crate) fn rpc_error(text: &str, limit: usize) -> Result<String, Refused> {
    let what = "the error";
    short(what, text, limit)?;
    let shape = "an error of JSON-RPC";
    serde_json::from_str::<ErrorMember>(text)
        .map(|error| error.message)
        .map_err(|_| Refused::Malformed { what, shape })
}
