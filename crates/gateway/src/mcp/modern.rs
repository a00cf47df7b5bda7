//! What MCP 2026-07-28 asks of every request: its metadata, and headers that say the same as the body.

use std::borrow::Cow;

use axum::http::{HeaderMap, HeaderName};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use mcp_types::{Era, ProtocolVersion, meta};
use mcp_wire::{Object, Request, RpcError, code};

/// The revision; must equal that in `_meta`.
pub(super) const PROTOCOL_VERSION: HeaderName = HeaderName::from_static("mcp-protocol-version");
/// The method.
const METHOD: HeaderName = HeaderName::from_static("mcp-method");
/// What the method works on.
const NAME: HeaderName = HeaderName::from_static("mcp-name");

/// Checks metadata and, where the door has any, headers ("Request metadata headers" and "Server validation" of the Streamable HTTP
/// transport): an intermediary that routes by header must not see another request than we do.
pub(super) fn check(
    request: &Request<'_>,
    params: &Object<'_>,
    metadata: &Object<'_>,
    headers: Option<&HeaderMap>,
) -> Result<(), RpcError> {
    for (key, what) in [
        (meta::PROTOCOL_VERSION, "the protocol version"),
        (meta::CLIENT_CAPABILITIES, "the client's capabilities"),
    ] {
        if metadata.get(key).is_none() {
            let text = format!("`_meta` must hold {what} as `{key}`");
            return Err(RpcError::new(code::INVALID_PARAMS, text));
        }
    }
    if !metadata.get(meta::CLIENT_CAPABILITIES).is_some_and(|raw| raw.get().starts_with('{')) {
        let text = "the client's capabilities must be an object";
        return Err(RpcError::new(code::INVALID_PARAMS, text));
    }
    let Some(headers) = headers else { return Ok(()) };
    must_equal(headers, &PROTOCOL_VERSION, metadata.get_str(meta::PROTOCOL_VERSION).as_deref())?;
    must_equal(headers, &METHOD, Some(&request.method))?;
    let source = match request.method.as_ref() {
        "tools/call" | "prompts/get" => "name",
        "resources/read" => "uri",
        "tasks/get" | "tasks/update" | "tasks/cancel" => "taskId",
        _ => return Ok(()),
    };
    must_equal(headers, &NAME, params.get_str(source).as_deref())
}

/// Whether the headers of a request say that it is of this era, as each of its requests must.
pub(crate) fn is_modern(headers: &HeaderMap) -> bool {
    let stated = headers.get(&PROTOCOL_VERSION).and_then(|value| value.to_str().ok());
    stated.and_then(ProtocolVersion::parse).map(ProtocolVersion::era) == Some(Era::Modern)
}

fn must_equal(headers: &HeaderMap, name: &HeaderName, body: Option<&str>) -> Result<(), RpcError> {
    let value = header(headers, name)?.ok_or_else(|| mismatch(name, "is missing"))?;
    // Of these, only a name may hold what a header cannot.
    let said = if name == NAME { decoded(name, &value)? } else { value };
    if body == Some(said.as_ref()) { Ok(()) } else { Err(mismatch(name, "differs from the body")) }
}

/// The one value of a header.
pub(super) fn header<'a>(
    headers: &'a HeaderMap,
    name: &HeaderName,
) -> Result<Option<Cow<'a, str>>, RpcError> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some(value), None) => match value.to_str() {
            Ok(text) => Ok(Some(Cow::Borrowed(text))),
            Err(_) => Err(mismatch(name, "is not plain ASCII")),
        },
        _ => Err(mismatch(name, "stands twice")),
    }
}

/// Takes off the `=?base64?…?=` that stands around a value which is not plain ASCII ("Value Encoding").
pub(super) fn decoded<'a>(name: &HeaderName, value: &'a str) -> Result<Cow<'a, str>, RpcError> {
    let coded = value.strip_prefix("=?base64?").and_then(|rest| rest.strip_suffix("?="));
    let Some(coded) = coded else { return Ok(Cow::Borrowed(value)) };
    STANDARD
        .decode(coded)
        .ok()
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .map(Cow::Owned)
        .ok_or_else(|| mismatch(name, "is not valid base64 of UTF-8"))
}

pub(super) fn mismatch(name: &HeaderName, what: &str) -> RpcError {
    RpcError::new(code::HEADER_MISMATCH, format!("header mismatch: `{name}` {what}"))
}
