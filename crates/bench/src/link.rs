//! Connections of the load clients. They block, each on a thread of its own, so that no runtime of the client's is measured.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use memchr::{memchr, memmem};
use tungstenite::WebSocket;
use tungstenite::client::IntoClientRequest;
use tungstenite::http::{HeaderValue, header};
use tungstenite::protocol::WebSocketConfig;

use crate::message::{CHANGES, Message, READS};

/// How long an answer may take before the run is given up.
const PATIENCE: Duration = Duration::from_secs(30);
/// What is read at once, in bytes; every answer here is shorter.
const READ_BYTES: usize = 8192;

/// A connection on which calls are made, one after the other.
pub(crate) struct Link {
    message: Message,
    wire: Wire,
    received: Vec<u8>,
}

enum Wire {
    /// A capability server's own socket: NUL ends a message.
    Unix(UnixStream),
    /// `POST /mcp`, kept alive: the head of each request.
    Http(TcpStream, Vec<u8>),
    /// `/ws`.
    Web(Box<WebSocket<TcpStream>>),
}

impl Link {
    /// To a capability server, past the gateway.
    pub(crate) fn unix(socket: &Path) -> Result<Self> {
        let stream = UnixStream::connect(socket).context("connect to the server")?;
        stream.set_read_timeout(Some(PATIENCE))?;
        Ok(Self::new(Message::of_gateway(), Wire::Unix(stream)))
    }

    /// To `POST /mcp` of whatever listens on this port.
    pub(crate) fn http(port: u16, key: &str) -> Result<Self> {
        Self::post(port, key, READS, Message::of_client(READS))
    }

    /// The same, with calls that the gateway must take for changes.
    pub(crate) fn changing(port: u16, key: &str) -> Result<Self> {
        Self::post(port, key, CHANGES, Message::of_client(CHANGES))
    }

    /// To `POST /mcp` of what passes calls on as they are, and so must be sent what a gateway sends.
    pub(crate) fn hop(port: u16) -> Result<Self> {
        Self::post(port, "", READS, Message::of_gateway())
    }

    fn post(port: u16, key: &str, tool: &str, message: Message) -> Result<Self> {
        let head = format!(
            "POST /mcp HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAuthorization: Bearer {key}\r\n\
             Content-Type: application/json\r\nAccept: application/json, text/event-stream\r\n\
             MCP-Protocol-Version: 2026-07-28\r\nMcp-Method: tools/call\r\nMcp-Name: {tool}\r\n\
             Content-Length: {}\r\n\r\n",
            message.length()
        );
        Ok(Self::new(message, Wire::Http(connect(port)?, head.into_bytes())))
    }

    /// To `/ws` of the gateway.
    pub(crate) fn web(port: u16, key: &str) -> Result<Self> {
        let mut request = format!("ws://127.0.0.1:{port}/ws").into_client_request()?;
        let bearer = HeaderValue::from_str(&format!("Bearer {key}"))?;
        request.headers_mut().insert(header::AUTHORIZATION, bearer);
        request
            .headers_mut()
            .insert(header::SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static("mcp"));
        let config = WebSocketConfig::default().read_buffer_size(READ_BYTES);
        let opened = tungstenite::client::client_with_config(request, connect(port)?, Some(config));
        let (socket, _) = opened.map_err(|error| anyhow::anyhow!("open a WebSocket: {error}"))?;
        Ok(Self::new(Message::of_client(READS), Wire::Web(Box::new(socket))))
    }

    fn new(message: Message, wire: Wire) -> Self {
        Self { message, wire, received: Vec::with_capacity(READ_BYTES) }
    }

    /// Makes a call and checks its answer.
    pub(crate) fn call(&mut self) -> Result<()> {
        self.send()?;
        self.receive()
    }

    /// Sends a call.
    pub(crate) fn send(&mut self) -> Result<()> {
        let message = self.message.next();
        match &mut self.wire {
            Wire::Unix(stream) => stream.write_all(&[message, b"\0"].concat())?,
            Wire::Http(stream, head) => stream.write_all(&[head.as_slice(), message].concat())?,
            Wire::Web(socket) => {
                let text = std::str::from_utf8(message)?;
                socket.send(tungstenite::Message::text(text))?;
            }
        }
        Ok(())
    }

    /// Waits for the answer to the call that was sent, and checks it.
    pub(crate) fn receive(&mut self) -> Result<()> {
        self.received.clear();
        match &mut self.wire {
            Wire::Unix(stream) => {
                while memchr(0, &self.received).is_none() {
                    read(stream, &mut self.received)?;
                }
            }
            Wire::Http(stream, _) => {
                let whole = loop {
                    read(stream, &mut self.received)?;
                    if let Some(length) = length(&self.received)? {
                        break length;
                    }
                };
                while self.received.len() < whole {
                    read(stream, &mut self.received)?;
                }
            }
            Wire::Web(socket) => loop {
                match socket.read()? {
                    tungstenite::Message::Text(text) => {
                        self.received.extend_from_slice(text.as_bytes());
                        break;
                    }
                    tungstenite::Message::Ping(_) | tungstenite::Message::Pong(_) => {}
                    other => bail!("{other} instead of an answer"),
                }
            },
        }
        self.message.check(&self.received)
    }
}

pub(crate) fn connect(port: u16) -> Result<TcpStream> {
    let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).context("connect")?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    Ok(stream)
}

pub(crate) fn read(stream: &mut impl Read, received: &mut Vec<u8>) -> Result<()> {
    let mut chunk = [0; READ_BYTES];
    match stream.read(&mut chunk)? {
        0 => bail!("the connection was closed"),
        length => received.extend_from_slice(chunk.get(..length).unwrap_or_default()),
    }
    Ok(())
}

/// How long an HTTP answer is, head and body, once its head is there.
pub(crate) fn length(received: &[u8]) -> Result<Option<usize>> {
    let Some(head) = memmem::find(received, b"\r\n\r\n") else { return Ok(None) };
    let text = String::from_utf8_lossy(received.get(..head).unwrap_or_default()).into_owned();
    if !text.starts_with("HTTP/1.1 200") {
        bail!("refused: {}", String::from_utf8_lossy(received));
    }
    let mut lines = text.lines().filter_map(|line| line.split_once(": "));
    let body = lines.find(|(name, _)| name.eq_ignore_ascii_case("content-length"));
    let (_, body) = body.context("the answer has no length")?;
    Ok(Some(head + 4 + body.parse::<usize>().context("the length is no number")?))
}
