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
