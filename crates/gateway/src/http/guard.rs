//! The guard against web pages: a browser must not become a way in.
//!
//! A page of a stranger can make a browser send requests to this machine, under a name of the stranger's that
//! resolves here ("DNS rebinding"). Such a request names the stranger in `Host`, `Origin` or both, so both
//! must name us. `Origin` may be absent: programs that are not browsers send none.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderName, StatusCode, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use mcp_wire::code;

use crate::http::{App, Refusal};
use crate::transport::Place;

/// The names under which the gateway may be addressed, on any port: a port may be forwarded to ours.
#[derive(Debug)]
pub(crate) struct AllowedHosts(Vec<String>);

impl AllowedHosts {
    /// The loopback names and those of the configuration.
    pub(crate) fn new(configured: &[String]) -> Self {
        let loopback = ["localhost".into(), Ipv4Addr::LOCALHOST.to_string()];
        let ipv6 = format!("[{}]", Ipv6Addr::LOCALHOST);
        let configured = configured.iter().map(|name| name.to_ascii_lowercase());
        Self(loopback.into_iter().chain([ipv6]).chain(configured).collect())
    }

    /// Whether `authority` names us. `own` is the address by which we were reached: a page of a stranger can give its own
    /// name our address, but it cannot be at our address.
    fn has(&self, authority: &str, own: Option<IpAddr>) -> bool {
        let Ok(authority) = authority.parse::<Authority>() else {
            return false;
        };
        // What is not host is a port: no user before it, and no colon without a number.
        let Some(rest) = authority.as_str().strip_prefix(authority.host()) else {
            return false;
        };
        let port = rest.strip_prefix(':').filter(|port| port.bytes().all(|b| b.is_ascii_digit()));
        let plain = rest.is_empty() || port.is_some_and(|port| port.parse::<u16>().is_ok());
        let host = authority.host().to_ascii_lowercase();
        plain && (self.0.contains(&host) || own.is_some_and(|own| is_address(&host, own)))
    }

    /// Whether a request is addressed to us: one `Host`, and the request target if it names a host too.
    pub(crate) fn addressed(&self, headers: &HeaderMap, target: &Uri, own: Option<IpAddr>) -> bool {
        let target = target.authority().is_none_or(|authority| self.has(authority.as_str(), own));
        target && matches!(only(headers, &header::HOST), Only::One(host) if self.has(host, own))
    }

    /// Whether a request comes from a page of ours, or from no page.
    pub(crate) fn own_page(&self, headers: &HeaderMap, own: Option<IpAddr>) -> bool {
        match only(headers, &header::ORIGIN) {
            Only::Absent => true,
            Only::Unclear => false,
            Only::One(origin) => origin
                .strip_prefix("http://")
                .or_else(|| origin.strip_prefix("https://"))
                .is_some_and(|authority| self.has(authority, own)),
        }
    }
}

/// Whether a host is this address, written as addresses are.
fn is_address(host: &str, own: IpAddr) -> bool {
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    match own {
        IpAddr::V4(own) => host.parse() == Ok(own),
        IpAddr::V6(own) => bare.is_some_and(|host| host.parse() == Ok(own)),
    }
}

/// A header that may stand once.
enum Only<'a> {
    Absent,
    One(&'a str),
    /// It stands twice, or is not text: two readers may see two things.
    Unclear,
}

fn only<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Only<'a> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (None, _) => Only::Absent,
        (Some(value), None) => value.to_str().map_or(Only::Unclear, Only::One),
        _ => Only::Unclear,
    }
}

/// Lets a request pass that is addressed to us and comes from no strange page.
pub(crate) async fn guard(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let refused = |message: &str| {
        Refusal::new(StatusCode::FORBIDDEN, code::FORBIDDEN_ORIGIN, message).into_response()
    };
    let own = request.extensions().get::<Arc<Place>>().and_then(|place| place.own());
    if !app.hosts.addressed(request.headers(), request.uri(), own) {
        return refused("`Host` is not a name of this gateway: add it to `allowed_hosts` if it is");
    }
    if !app.hosts.own_page(request.headers(), own) {
        return refused("`Origin` is not a page of this gateway");
    }
    next.run(request).await
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn headers(pairs: &[(HeaderName, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(name, HeaderValue::from_str(value).unwrap());
        }
        headers
    }

    fn check_host(hosts: &[&str], target: &str, accepted: bool) {
        let pairs: Vec<_> = hosts.iter().map(|host| (header::HOST, *host)).collect();
        let allowed = AllowedHosts::new(&["llmbasedos.local".into()]);
        let found = allowed.addressed(
            &headers(&pairs),
            &target.parse().unwrap(),
            Some([127, 0, 0, 1].into()),
        );
        assert_eq!(found, accepted, "{hosts:?} {target}");
    }

    fn check_origin(origins: &[&str], accepted: bool) {
        let pairs: Vec<_> = origins.iter().map(|origin| (header::ORIGIN, *origin)).collect();
        let found = AllowedHosts::new(&[]).own_page(&headers(&pairs), None);
        assert_eq!(found, accepted, "{origins:?}");
    }

    #[test]
    fn host_must_be_ours() {
        let ours = [
            "localhost",
            "LOCALHOST:8000",
            "127.0.0.1:1",
            "[::1]",
            "[::1]:8000",
            "llmbasedos.local",
        ];
        for host in ours {
            check_host(&[host], "/mcp", true);
        }
        let strange = [
            "",
            "evil.example",
            "localhost.",
            "localhost.evil.example",
            "127.0.0.1.evil.example",
            "127.0.0.2",
            "0.0.0.0",
            "0",
            "2130706433",
            "0x7f.1",
            "127.1",
            "::1",
            "[::]",
            "[::1",
            "[::ffff:127.0.0.1]",
            "[::1].0.81:000",
            "[::1]x",
            "[::1]evil.example:80",
            "localhost:+80",
            "localhost@evil.example",
            "evil@localhost",
            "localhost:x",
            "localhost:",
            "localhost:99999",
            "localhost:80:80",
            "local host",
            "localhost/evil",
            "localhost#",
            "localhost?x",
            "localhost,evil.example",
            "xn--lcalhost-y7a",
            "a, localhost",
        ];
        for host in strange {
            check_host(&[host], "/mcp", false);
        }
        check_host(&[], "/mcp", false);
        check_host(&["localhost", "localhost"], "/mcp", false);
        check_host(&["localhost", "evil.example"], "/mcp", false);
        check_host(&["localhost"], "http://localhost:8000/mcp", true);
        check_host(&["localhost"], "http://evil.example/mcp", false);
    }

    #[test]
    fn the_address_by_which_we_were_reached_is_ours() {
        let reached = |host: &str, own: &str| {
            let own = own.parse().unwrap();
            AllowedHosts::new(&[]).has(host, Some(own))
        };
        assert!(reached("192.168.1.7:8000", "192.168.1.7"));
        assert!(reached("[2001:db8::7]:8000", "2001:db8::7"));
        // Any other is a name that somebody chose for us, and so are other spellings.
        for strange in [
            "192.168.1.8",
            "192.168.1.7.evil.example",
            "192.168.263",
            "3232235783",
            "[::ffff:192.168.1.7]",
        ] {
            assert!(!reached(strange, "192.168.1.7"), "{strange}");
        }
        assert!(!reached("2001:db8::7", "2001:db8::7"));
        assert!(!AllowedHosts::new(&[]).has("192.168.1.7", None));
    }

    #[test]
    fn origin_must_be_ours_or_absent() {
        for origin in ["http://localhost", "https://localhost:3000", "http://[::1]:6274"] {
            check_origin(&[origin], true);
        }
        check_origin(&[], true);
        let strange = [
            "null",
            "",
            "http://evil.example",
            "http://localhost.evil.example",
            "file://",
            "ftp://localhost",
            "localhost",
            "http://localhost@evil.example",
            "http://evil@localhost",
            "http://localhost/",
            "HTTP://evil.example",
            "http://",
            "http://localhost:x",
            "chrome-extension://localhost",
            "http://localhost http://evil.example",
        ];
        for origin in strange {
            check_origin(&[origin], false);
        }
        check_origin(&["http://localhost", "http://evil.example"], false);
    }
}
