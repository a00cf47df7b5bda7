//! From the reply of a server to the answer in the legacy dialect.

use mcp_types::meta;
use mcp_wire::{Message, Object, RpcError, code};
use serde::Deserialize;
use serde_json::Value;

use crate::access::KIND;
use crate::registry::Method;

/// How far below its server's base the code of an error of the handler is.
const WRONG_VALUE: i32 = 1;
const NOT_PERMITTED: i32 = 2;
const NOT_FOUND: i32 = 3;

/// The outcome of a call, as its server wrote it.
pub(super) struct Outcome<'a> {
    /// The result; of a tool, the structured content, or all of its result where it has none.
    pub(super) result: &'a str,
}

/// What is needed of a tool's result that tells of a failure.
#[derive(Deserialize)]
struct Failure {
    #[serde(default)]
    content: Vec<Text>,
}

#[derive(Deserialize)]
struct Text {
    #[serde(default)]
    text: String,
}

/// The error member of a reply.
#[derive(Deserialize)]
struct ErrorMember {
    code: i64,
    message: String,
    #[serde(default)]
    data: Option<Value>,
}

/// Reads the reply to `tools/call`. `None`: it is none.
pub(super) fn of_tool<'a>(
    method: &Method,
    reply: &'a str,
) -> Option<Result<Outcome<'a>, RpcError>> {
    let raw = match outcome(reply)? {
        Ok(raw) => raw,
        Err(error) => return Some(Err(error)),
    };
    let result = Object::parse(raw).ok()?;
    if result.get("isError").is_some_and(|raw| raw.get() == "true") {
        return Some(Err(failed(method, raw, &result)));
    }
    Some(Ok(Outcome { result: result.get("structuredContent").map_or(raw, |found| found.get()) }))
}

/// Reads the reply of a server of the old kind.
pub(super) fn of_old(reply: &str) -> Option<Result<Outcome<'_>, RpcError>> {
    Some(outcome(reply)?.map(|result| Outcome { result }))
}

fn outcome(reply: &str) -> Option<Result<&str, RpcError>> {
    let Ok(Message::Response(response)) = Message::parse(reply) else { return None };
    match response.outcome {
        Ok(result) => Some(Ok(result.get())),
        Err(error) => {
            let ErrorMember { code, message, data } = serde_json::from_str(error.get()).ok()?;
            let code = i32::try_from(code).ok()?;
            Some(Err(RpcError { code, message, data }))
        }
    }
}

/// The error of a tool that failed.
fn failed(method: &Method, raw: &str, result: &Object<'_>) -> RpcError {
    let metadata = result.get("_meta").and_then(|raw| Object::parse(raw.get()).ok());
    let kind = metadata
        .and_then(|metadata| metadata.get_str(meta::ERROR_KIND).map(std::borrow::Cow::into_owned));
    let failure: Option<Failure> = serde_json::from_str(raw).ok();
    let texts = failure.into_iter().flat_map(|failure| failure.content).map(|part| part.text);
    let message = texts.filter(|text| !text.is_empty()).collect::<Vec<_>>().join("\n");
    let code = match kind.as_deref() {
        Some("denied") => method.error_code(NOT_PERMITTED),
        Some("not_found") => method.error_code(NOT_FOUND),
        Some("internal" | "no_space" | "cancelled") => code::INTERNAL_ERROR,
        // A wrong value is what any other refusal of a handler was.
        _ => method.error_code(WRONG_VALUE),
    };
    let error = RpcError::new(code, message);
    match kind {
        Some(kind) => error.with_data(serde_json::json!({ KIND: kind })),
        None => error,
    }
}
