//! Who may speak without TLS, and what the others are told.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use axum::http::StatusCode;
use mcp_wire::code;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::http::Refusal;
use crate::limits::{FAREWELL, MAX_REFUSED_BYTES};

/// From which addresses plain HTTP is accepted, which shows a key to everybody on the way. There is no word for all of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Plain {
    /// This machine's own.
    #[default]
    Loopback,
    /// Those, and the addresses of private networks.
    Private,
}

impl Plain {
    /// Whether a peer at this address may speak plainly.
    pub(super) fn admits(self, peer: IpAddr) -> bool {
        let peer = peer.to_canonical();
        match self {
            Self::Loopback => peer.is_loopback(),
            Self::Private => peer.is_loopback() || is_private(peer),
        }
    }
}

/// Whether an address is of a private network: RFC 1918, RFC 4193, and link-local ones. The addresses that providers
/// share among their customers (100.64.0.0/10, RFC 6598) are strangers'.
fn is_private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => address.is_private() || address.is_link_local(),
        IpAddr::V6(address) => address.is_unique_local() || address.is_unicast_link_local(),
    }
}

/// A word that is no [`Plain`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it must be `loopback` or `private`")]
pub struct PlainError;

impl FromStr for Plain {
    type Err = PlainError;

    fn from_str(text: &str) -> Result<Self, PlainError> {
        match text {
            "loopback" => Ok(Self::Loopback),
            "private" => Ok(Self::Private),
            _ => Err(PlainError),
        }
    }
}

impl fmt::Display for Plain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Loopback => "loopback",
            Self::Private => "private",
        })
    }
}

/// Tells a peer that it must use TLS, and closes. What it sends is thrown away unread: a key that came in the clear has been
/// shown to others, and must not work as if it had not.
pub(super) async fn refuse(mut stream: TcpStream) {
    let message = "plain HTTP is not accepted from this address: use https:// (wss:// for a WebSocket), and make the host \
                   trust this machine's certificate authority, which `llmbasedos tls show` shows there. A key that \
                   was sent in the clear should be replaced";
    let body = Refusal::new(StatusCode::FORBIDDEN, code::FORBIDDEN_ORIGIN, message).into_body();
    let head = format!(
        "HTTP/1.1 403 Forbidden\r\nContent-Type: application/json\r\nCache-Control: no-store\r\n\
         X-Content-Type-Options: nosniff\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    let told = async {
        stream.write_all(&[head.as_bytes(), &body].concat()).await?;
        stream.shutdown().await?;
        // Closing while bytes of the peer wait would take the answer away from it.
        let mut rest = stream.take(MAX_REFUSED_BYTES);
        tokio::io::copy(&mut rest, &mut tokio::io::sink()).await
    };
    // A peer that does not read has been told all the same.
    tokio::time::timeout(FAREWELL, told).await.ok();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_address_is_judged() {
        let table = [
            // Address, by default, where private networks are allowed.
            ("127.0.0.1", true, true),
            ("127.255.255.254", true, true),
            ("::1", true, true),
            ("::ffff:127.0.0.1", true, true),
            ("10.0.0.1", false, true),
            ("10.255.255.255", false, true),
            ("172.16.0.1", false, true),
            ("172.31.255.255", false, true),
            ("192.168.0.1", false, true),
            ("169.254.1.1", false, true),
            ("::ffff:10.0.0.1", false, true),
            ("::ffff:192.168.1.7", false, true),
            ("fc00::1", false, true),
            ("fdff:ffff::1", false, true),
            ("fe80::1", false, true),
            ("febf::1", false, true),
            ("0.0.0.0", false, false),
            ("9.255.255.255", false, false),
            ("11.0.0.1", false, false),
            ("100.64.0.1", false, false),
            ("100.127.255.255", false, false),
            ("128.0.0.1", false, false),
            ("169.253.255.255", false, false),
            ("172.15.255.255", false, false),
            ("172.32.0.1", false, false),
            ("192.0.0.1", false, false),
            ("192.167.255.255", false, false),
            ("192.169.0.1", false, false),
            ("198.18.0.1", false, false),
            ("8.8.8.8", false, false),
            ("224.0.0.1", false, false),
            ("255.255.255.255", false, false),
            ("::", false, false),
            ("::2", false, false),
            // Not mapped, only alike: such a peer has an IPv6 address that says nothing of where it is.
            ("::10.0.0.1", false, false),
            ("::127.0.0.1", false, false),
            ("::ffff:8.8.8.8", false, false),
            ("::ffff:100.64.0.1", false, false),
            ("64:ff9b::10.0.0.1", false, false),
            ("2002:a00:1::1", false, false),
            ("fbff::1", false, false),
            ("fe00::1", false, false),
            ("fe7f::1", false, false),
            ("fec0::1", false, false),
            ("ff02::1", false, false),
            ("2001:db8::1", false, false),
            ("2a00:1450::1", false, false),
        ];
        for (address, by_default, where_allowed) in table {
            let peer = address.parse().unwrap();
            let judged = (Plain::default().admits(peer), Plain::Private.admits(peer));
            assert_eq!(judged, (by_default, where_allowed), "{address}");
        }
    }
}
