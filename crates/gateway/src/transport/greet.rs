//! The beginning of a connection: plain HTTP and TLS come in by the same port, and its first byte tells them apart.

use certificates::Certificates;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

use crate::limits::{FIRST_BYTE, HANDSHAKE};
use crate::transport::Place;
use crate::transport::plain::{Plain, refuse};
use crate::transport::wire::Wire;

/// The first byte of TLS: a record of its handshake (RFC 8446, 5.1). No method of HTTP begins with it.
const TLS_RECORD: u8 = 0x16;

/// On which terms connections are taken.
pub(crate) struct Terms {
    pub(crate) certificates: Certificates,
    pub(crate) plain: Plain,
}

/// Waits for the first byte, and for the handshake where TLS is spoken. `None`: nothing came, or what could not be served.
pub(super) async fn greet(stream: TcpStream, place: &Place, terms: &Terms) -> Option<Wire> {
    let mut first = [0];
    let came = timeout(FIRST_BYTE, stream.peek(&mut first)).await;
    if !matches!(came, Ok(Ok(1))) {
        return None;
    }
    if first == [TLS_RECORD] {
        return Box::pin(shake_hands(stream, place, terms)).await;
    }
    if terms.plain.admits(place.peer()) {
        return Some(Wire::Plain(stream));
    }
    Box::pin(refuse(stream)).await;
    None
}

async fn shake_hands(stream: TcpStream, place: &Place, terms: &Terms) -> Option<Wire> {
    let config = terms.certificates.for_connection(place.own());
    match timeout(HANDSHAKE, TlsAcceptor::from(config).accept(stream)).await {
        Ok(Ok(stream)) => Some(Wire::Tls(Box::new(stream))),
        Ok(Err(error)) => {
            // A host that does not trust the certificate looks so.
            tracing::debug!(%error, "a TLS handshake failed");
            None
        }
        Err(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;
    use std::sync::Arc;

    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;
    use crate::transport::Places;
    use crate::transport::wire::Scheme;

    /// A head with a key, which is longer than one packet.
    fn head() -> Vec<u8> {
        let filler = "f".repeat(12_000);
        format!("POST /mcp HTTP/1.1\r\nAuthorization: Bearer k\r\nX-Filler: {filler}\r\n\r\n")
            .into()
    }

    /// What becomes of a peer at this address that sends these bytes: what it speaks, where it is served, and what it hears.
    async fn greeted(peer: &str, plain: Plain, bytes: &[u8]) -> (Option<Scheme>, String) {
        let folder = tempfile::tempdir().unwrap();
        let terms = Terms { certificates: Certificates::own(folder.path(), &[]).unwrap(), plain };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (stream, _) = listener.accept().await.unwrap();
        let places = Arc::new(Places::default());
        let place = places.take(peer.parse::<IpAddr>().unwrap()).unwrap();
        // It goes once it has heard: whoever stays is waited for.
        let host = async move {
            client.write_all(bytes).await.unwrap();
            // It goes on sending, and listens only then.
            client.write_all(&[b'x'; 10_000]).await.ok();
            let mut heard = String::new();
            // Who is served has the connection closed here, with what it sent still in it.
            client.read_to_string(&mut heard).await.map(|_| heard).unwrap_or_default()
        };
        let gateway = async { greet(stream, &place, &terms).await.map(|wire| wire.scheme()) };
        tokio::join!(gateway, host)
    }

    fn check(peer: &str, plain: Plain, served: bool) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let (scheme, heard) = runtime.block_on(greeted(peer, plain, &head()));
        assert_eq!(scheme, served.then_some(Scheme::Plain), "{peer}");
        if !served {
            assert!(heard.starts_with("HTTP/1.1 403 Forbidden\r\n"), "{peer}: {heard}");
            let (_, body) = heard.split_once("\r\n\r\n").unwrap();
            let reply: serde_json::Value = serde_json::from_str(body).unwrap();
            assert_eq!(reply["error"]["code"], mcp_wire::code::FORBIDDEN_ORIGIN);
            let message = reply["error"]["message"].as_str().unwrap();
            assert!(message.contains("https://") && message.contains("`llmbasedos tls show`"));
        }
    }

    #[test]
    fn who_may_not_speak_plainly_is_told_so_though_it_goes_on_sending() {
        for (peer, plain) in [
            ("10.0.0.1", Plain::Loopback),
            ("8.8.8.8", Plain::Loopback),
            ("8.8.8.8", Plain::Private),
            ("100.64.0.1", Plain::Private),
            ("2001:db8::1", Plain::Private),
        ] {
            check(peer, plain, false);
        }
    }

    #[test]
    fn who_may_speaks() {
        check("127.0.0.1", Plain::Loopback, true);
        check("10.0.0.1", Plain::Private, true);
        check("fe80::1", Plain::Private, true);
    }
}
