//! A proxy that shows the key for a client that cannot: the conformance suite has no option to send a header, and the
//! product has no switch that turns the key off.

use std::io;
use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt, copy};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;

/// The longest head of a request: more than the gateway takes.
const MAX_HEAD_BYTES: usize = 64 * 1024;
/// What ends the head of a request.
const HEAD_END: &[u8] = b"\r\n\r\n";

/// A running proxy before a gateway. Dropping it ends it, with all its connections.
///
/// Each request gets the key and is its connection's last; `Host`, `Origin`, the order of the headers and each byte of
/// the others, of the body and of the answer stay as they are. What has arrived is passed on at once, so that a stream of
/// events is one, and the end of either side ends the other, so that a client that goes cancels its call.
pub struct KeyProxy {
    address: SocketAddr,
    _runtime: Runtime,
}

impl KeyProxy {
    /// Listens on a free port of this machine, for requests to the gateway at `port`.
    pub fn start(port: u16, key: &str) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("a runtime");
        let listener = runtime.block_on(TcpListener::bind(("127.0.0.1", 0))).expect("a free port");
        let address = listener.local_addr().expect("an address");
        let lines = format!("Authorization: Bearer {key}\r\nConnection: close\r\n");
        runtime.spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let lines = lines.clone();
                // A connection that fails is one that the client sees fail.
                tokio::spawn(async move { pass(client, port, lines.as_bytes()).await.ok() });
            }
        });
        Self { address, _runtime: runtime }
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        self.address.port()
    }
}

/// Passes one request on, and what is answered.
async fn pass(mut client: TcpStream, port: u16, lines: &[u8]) -> io::Result<()> {
    let mut received = Vec::new();
    let head = loop {
        if client.read_buf(&mut received).await? == 0 {
            return Ok(());
        }
        let end = received.windows(HEAD_END.len()).position(|window| window == HEAD_END);
        if let Some(end) = end {
            break end;
        }
        if received.len() > MAX_HEAD_BYTES {
            return Err(io::ErrorKind::InvalidData.into());
        }
    };
    let mut gateway = TcpStream::connect(("127.0.0.1", port)).await?;
    // Neither side waits for more before it sends what it has.
    client.set_nodelay(true)?;
    gateway.set_nodelay(true)?;
    gateway.write_all(&with_lines(&received, head, lines)).await?;
    let (mut from_client, mut to_client) = client.split();
    let (mut from_gateway, mut to_gateway) = gateway.split();
    tokio::select! {
        sent = copy(&mut from_client, &mut to_gateway) => sent?,
        answered = copy(&mut from_gateway, &mut to_client) => answered?,
    };
    Ok(())
}

/// The request with these lines after its first, and without what it says about its connection, which is between each
/// two neighbours alone.
fn with_lines(received: &[u8], head: usize, lines: &[u8]) -> Vec<u8> {
    // The end of the last line belongs to it; what is left of the end of the head begins the rest.
    let (head, rest) = received.split_at(head + 2);
    let mut out = Vec::with_capacity(received.len() + lines.len());
    let mut old = head.split_inclusive(|byte| *byte == b'\n');
    out.extend_from_slice(old.next().unwrap_or_default());
    out.extend_from_slice(lines);
    let is_connection = |line: &[u8]| {
        let name = line.split(|byte| *byte == b':').next().unwrap_or_default();
        name.eq_ignore_ascii_case(b"connection")
    };
    out.extend(old.filter(|line| !is_connection(line)).flatten());
    out.extend_from_slice(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(request: &str, expected: &str) {
        let head = request.find("\r\n\r\n").unwrap();
        let sent = with_lines(request.as_bytes(), head, b"Key: 1\r\n");
        assert_eq!(String::from_utf8(sent).unwrap(), expected);
    }

    #[test]
    fn the_request_gets_the_key_and_stays_as_it_is() {
        check(
            "POST /mcp HTTP/1.1\r\nhOst:  evil.example \r\nOrigin: null\r\n\r\n{\"a\":\r\n\r\n1}",
            "POST /mcp HTTP/1.1\r\nKey: 1\r\nhOst:  evil.example \r\nOrigin: null\r\n\r\n{\"a\":\r\n\r\n1}",
        );
    }

    #[test]
    fn what_is_said_about_the_connection_is_left_out() {
        check(
            "GET / HTTP/1.1\r\nHost: a\r\nconnection: keep-alive\r\nX: y\r\n\r\nbody",
            "GET / HTTP/1.1\r\nKey: 1\r\nHost: a\r\nX: y\r\n\r\nbody",
        );
        check(
            "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\nbody",
            "GET / HTTP/1.1\r\nKey: 1\r\nHost: a\r\n\r\nbody",
        );
        check("GET / HTTP/1.1\r\n\r\n", "GET / HTTP/1.1\r\nKey: 1\r\n\r\n");
    }
}
