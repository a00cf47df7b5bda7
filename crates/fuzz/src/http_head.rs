//! Heads of HTTP requests: who passes the guard, and with which key.

use axum::http::{HeaderMap, HeaderName, HeaderValue, Uri, header};
use gateway::fuzzing::Head;
use gateway::limits::{MAX_HEAD_BYTES, MAX_HEADERS};
use mcp_types::{Era, ProtocolVersion};

/// The name of the gateway, besides those of the loopback.
const NAME: &str = "llmbasedos.local";
/// Every name that may be in `Host` and `Origin`, before a port.
const NAMES: [&str; 4] = ["localhost", "127.0.0.1", "[::1]", NAME];

/// Reads a head, with the parser of the server, and compares what the gateway makes of it with the rules put plainly:
/// `Host` and `Origin` are one of the names to the letter, or it does not pass; there is one key or none; a strange
/// revision of MCP is refused.
///
/// # Panics
///
/// If they differ.
pub fn http_head(data: &[u8]) {
    let mut data = data.get(..MAX_HEAD_BYTES).unwrap_or(data).to_vec();
    data.extend_from_slice(b"\r\n\r\n");
    let Some((target, headers)) = parse(&data) else {
        return;
    };
    let head = Head::read(&[NAME.to_owned()], &target, &headers);

    let addressed = match texts(&headers, &header::HOST).as_deref() {
        Some([host]) => is_ours(host),
        _ => false,
    };
    let addressed = addressed && target.authority().is_none_or(|name| is_ours(name.as_str()));
    let own_page = match texts(&headers, &header::ORIGIN).as_deref() {
        Some([]) => true,
        Some([origin]) => ["http://", "https://"]
            .iter()
            .any(|scheme| origin.strip_prefix(scheme).is_some_and(is_ours)),
        _ => false,
    };
    assert_eq!(head.passes, addressed && own_page, "{target} {headers:?}");

    let key = match texts(&headers, &header::AUTHORIZATION).as_deref() {
        Some([value]) => bearer(value),
        _ => None,
    };
    assert_eq!(head.key, key, "{headers:?}");

    let era = match texts(&headers, &HeaderName::from_static("mcp-protocol-version")).as_deref() {
        Some([]) => Some(Era::Legacy),
        Some([revision]) => ProtocolVersion::parse(revision).map(ProtocolVersion::era),
        _ => None,
    };
    assert_eq!(head.era, era, "{headers:?}");
}

/// Target and headers, as the server puts them into a request.
fn parse(data: &[u8]) -> Option<(Uri, HeaderMap)> {
    let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut request = httparse::Request::new(&mut headers);
    request.parse(data).ok().filter(httparse::Status::is_complete)?;
    let target = request.path?.parse().ok()?;
    let mut map = HeaderMap::new();
    for header in &*request.headers {
        let name = HeaderName::from_bytes(header.name.as_bytes()).ok()?;
        map.append(name, HeaderValue::from_bytes(header.value).ok()?);
    }
    Some((target, map))
}

/// The values of a header, or `None` if one of them is not plain ASCII.
fn texts<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Option<Vec<&'h str>> {
    headers.get_all(name).iter().map(|value| value.to_str().ok()).collect()
}

/// One of the names, in any case, with or without a port.
fn is_ours(authority: &str) -> bool {
    let authority = authority.to_ascii_lowercase();
    NAMES.iter().any(|name| match authority.strip_prefix(name) {
        None => false,
        Some("") => true,
        Some(port) => port.strip_prefix(':').is_some_and(is_port),
    })
}

fn is_port(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit()) && text.parse::<u16>().is_ok()
}

fn bearer(value: &str) -> Option<&str> {
    let (scheme, key) = value.split_at_checked("bearer ".len())?;
    scheme.eq_ignore_ascii_case("bearer ").then(|| key.trim_start_matches(' '))
}
