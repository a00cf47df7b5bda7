//! The headers that repeat what stands in the body.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use mcp_types::meta;
use mcp_wire::Object;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use serde_json::value::RawValue;

pub(super) const PROTOCOL_VERSION: HeaderName = HeaderName::from_static("mcp-protocol-version");
const METHOD: HeaderName = HeaderName::from_static("mcp-method");
const NAME: HeaderName = HeaderName::from_static("mcp-name");

/// What the headers of a message follow from.
#[derive(Debug)]
pub(super) struct Head {
    method: String,
    /// The headers of the modern era, whose messages say their revision themselves.
    modern: Option<HeaderMap>,
}

impl Head {
    /// That of a request or a notification.
    pub(super) fn of(method: &str, params: Option<&RawValue>) -> Self {
        let params = params.and_then(|raw| Object::parse(raw.get()).ok());
        let modern = params.and_then(|params| modern(method, &params));
        Self { method: method.to_owned(), modern }
    }

    /// That of an answer, which only the older era sends.
    pub(super) fn of_response() -> Self {
        Self { method: String::new(), modern: None }
    }

    /// Whether the message says its revision.
    pub(super) fn is_modern(&self) -> bool {
        self.modern.is_some()
    }

    /// Whether the message begins a session of the older era.
    pub(super) fn is_initialize(&self) -> bool {
        self.modern.is_none() && self.method == "initialize"
    }

    /// The headers of the modern era.
    pub(super) fn modern(&self) -> Option<&HeaderMap> {
        self.modern.as_ref()
    }
}

/// The headers that MCP 2026-07-28 asks for ("Streamable HTTP", "Standard Request Headers"): a gateway on the way can
/// route by them without reading the body.
fn modern(method: &str, params: &Object<'_>) -> Option<HeaderMap> {
    let metadata = Object::parse(params.get("_meta")?.get()).ok()?;
    let version = metadata.get_str(meta::PROTOCOL_VERSION)?;
    let name = match method {
        "tools/call" | "prompts/get" => params.get_str("name"),
        "resources/read" => params.get_str("uri"),
        _ => None,
    };
    let mut headers = HeaderMap::new();
    headers.insert(PROTOCOL_VERSION, value(&version)?);
    headers.insert(METHOD, value(method)?);
    if let Some(name) = name {
        headers.insert(NAME, value(&name)?);
    }
    Some(headers)
}

/// The text as a header's value; what a header cannot hold as it is goes as `=?base64?…?=`.
fn value(text: &str) -> Option<HeaderValue> {
    let inner = text.bytes().all(|byte| matches!(byte, b' '..=b'~'));
    let safe = inner && text.trim() == text && !text.starts_with("=?base64?");
    if safe {
        HeaderValue::from_str(text).ok()
    } else {
        HeaderValue::try_from(format!("=?base64?{}?=", STANDARD.encode(text))).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Checks the headers of a message; each `(name, value)` must be there, and no other.
    fn check(method: &str, params: &str, expected: &[(&str, &str)]) {
        let params = RawValue::from_string(params.to_owned()).unwrap();
        let head = Head::of(method, Some(&params));
        let found = head.modern().into_iter().flatten();
        let mut found: Vec<_> =
            found.map(|(name, value)| (name.as_str(), value.to_str().unwrap())).collect();
        found.sort_unstable();
        assert_eq!(found, expected, "{method} {params}");
    }

    const META: &str = r#""_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}"#;

    #[test]
    fn the_modern_era_repeats_what_it_routes_by() {
        let with = |more: &str| format!("{{{META}{more}}}");
        let version = ("mcp-protocol-version", "2026-07-28");
        let method = |name| ("mcp-method", name);
        check("tools/list", &with(r#","name":"x""#), &[method("tools/list"), version]);
        let named = |method_name, name| [method(method_name), ("mcp-name", name), version];
        let call = with(r#","name":"fs_read""#);
        check("tools/call", &call, &named("tools/call", "fs_read"));
        check("prompts/get", &with(r#","name":"a b""#), &named("prompts/get", "a b"));
        let uri = with(r#","uri":"file:///caf\u00e9","name":"x""#);
        let coded = "=?base64?ZmlsZTovLy9jYWbDqQ==?=";
        check("resources/read", &uri, &named("resources/read", coded));
    }

    #[test]
    fn the_older_era_has_none_of_them() {
        check("tools/call", r#"{"name":"fs_read","_meta":{"progressToken":1}}"#, &[]);
        check("mcp.fs.list", "[\"/\"]", &[]);
    }

    #[test]
    fn what_a_header_cannot_hold_is_coded() {
        for (text, coded) in [
            ("plain", "plain"),
            (" a", "=?base64?IGE=?="),
            ("a\n", "=?base64?YQo=?="),
            ("=?base64?YQ==?=", "=?base64?PT9iYXNlNjQ/WVE9PT89?="),
            ("", ""),
        ] {
            assert_eq!(value(text).unwrap(), coded, "{text:?}");
        }
    }
}
