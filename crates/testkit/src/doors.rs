//! The doors on which messages go both ways, by hand: `/ws`, `gateway.sock` and `person.sock`.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use tungstenite::client::IntoClientRequest;
use tungstenite::http::{HeaderValue, StatusCode, header};
use tungstenite::protocol::WebSocketConfig;
use tungstenite::{Error, HandshakeError, Message};

use crate::Appliance;

/// How long a test waits for a message: longer than any deadline of the gateway.
const PATIENCE: Duration = Duration::from_mins(1);

/// A connection that takes JSON-RPC messages and gives them.
pub trait Door {
    /// Sends these bytes as one message.
    fn send_text(&mut self, message: &str);

    /// The next message.
    fn receive_text(&mut self) -> String;

    /// Sends a message.
    fn send(&mut self, message: &Value) {
        self.send_text(&message.to_string());
    }

    /// The next message.
    fn receive(&mut self) -> Value {
        let text = self.receive_text();
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
    }

    /// Sends a message and waits for the next that comes.
    fn ask(&mut self, message: &Value) -> Value {
        self.send(message);
        self.receive()
    }

    /// Calls a tool in the modern era, under an id, without waiting for the answer.
    fn start_call(&mut self, id: &Value, tool: &str, arguments: &Value, meta: &Value) {
        self.start(id, "tools/call", &json!({ "name": tool, "arguments": arguments }), meta);
    }

    /// Sends a request of the modern era, under an id, without waiting for the answer.
    fn start(&mut self, id: &Value, method: &str, params: &Value, meta: &Value) {
        let mut all = json!({
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientCapabilities": {},
        });
        let members = all.as_object_mut().unwrap();
        members.extend(meta.as_object().cloned().unwrap_or_default());
        let mut params = params.clone();
        params["_meta"] = all;
        let message = json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params });
        self.send(&message);
    }

    /// Gives a call up.
    fn cancel(&mut self, id: &Value) {
        let params = json!({ "requestId": id });
        let method = "notifications/cancelled";
        self.send(&json!({ "jsonrpc": "2.0", "method": method, "params": params }));
    }
}

/// How a WebSocket shows its key.
#[derive(Debug, Clone, Copy)]
pub enum ShowKey<'a> {
    /// In the `Authorization` header.
    Header(&'a str),
    /// As a second sub-protocol.
    Protocol(&'a str),
    /// In a first frame, which the test sends itself.
    Later,
}

/// A WebSocket to the gateway.
pub struct WebSocket(tungstenite::WebSocket<TcpStream>);

impl WebSocket {
    /// Opens one; the status of the answer where the handshake is refused.
    pub fn open(port: u16, key: ShowKey<'_>) -> Result<Self, StatusCode> {
        Self::open_with(port, key, &[])
    }

    /// The same with further headers.
    pub fn open_with(
        port: u16,
        key: ShowKey<'_>,
        headers: &[(header::HeaderName, &str)],
    ) -> Result<Self, StatusCode> {
        let mut request = format!("ws://127.0.0.1:{port}/ws").into_client_request().unwrap();
        let mut set = |name, value: &str| {
            request.headers_mut().insert(name, HeaderValue::from_str(value).unwrap())
        };
        let mut protocols = vec!["mcp".to_owned()];
        match key {
            ShowKey::Header(key) => {
                set(header::AUTHORIZATION, &format!("Bearer {key}"));
            }
            ShowKey::Protocol(key) => {
                protocols.push(format!("llmbasedos.key.{}", URL_SAFE_NO_PAD.encode(key)));
            }
            ShowKey::Later => {}
        }
        set(header::SEC_WEBSOCKET_PROTOCOL, &protocols.join(", "));
        for (name, value) in headers {
            set(name.clone(), value);
        }
        let stream = TcpStream::connect(("127.0.0.1", port)).expect("the gateway listens");
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_nodelay(true).unwrap();
        // A thousand of these are open in one test.
        let config = WebSocketConfig::default().read_buffer_size(4096);
        match tungstenite::client::client_with_config(request, stream, Some(config)) {
            Ok((socket, answer)) => {
                assert_eq!(answer.headers().get(header::SEC_WEBSOCKET_PROTOCOL).unwrap(), "mcp");
                Ok(Self(socket))
            }
            Err(HandshakeError::Failure(Error::Http(answer))) => Err(answer.status()),
            Err(error) => panic!("{error}"),
        }
    }

    /// The close code that the gateway sends next.
    pub fn closed(&mut self) -> Option<u16> {
        loop {
            match self.0.read() {
                Ok(Message::Close(frame)) => return frame.map(|frame| frame.code.into()),
                Ok(Message::Ping(_) | Message::Pong(_)) => {}
                Ok(other) => panic!("{other} instead of a farewell"),
                Err(_) => return None,
            }
        }
    }

    /// Sends a message as a binary frame.
    pub fn send_binary(&mut self, message: &str) {
        self.0.send(Message::binary(message.as_bytes().to_vec())).unwrap();
    }

    /// Sends bytes beneath the protocol. What the gateway does not take is its affair.
    pub fn send_raw(&mut self, bytes: &[u8]) {
        self.0.get_mut().write_all(bytes).ok();
    }

    /// Closes in order, and gives the code that the gateway answers with.
    pub fn close(mut self) -> Option<u16> {
        self.0.close(None).unwrap();
        loop {
            match self.0.read() {
                Ok(_) => {}
                Err(Error::ConnectionClosed) => return Some(1000),
                Err(_) => return None,
            }
        }
    }
}

impl Door for WebSocket {
    fn send_text(&mut self, message: &str) {
        self.0.send(Message::text(message)).unwrap();
    }

    fn receive_text(&mut self) -> String {
        let began = Instant::now();
        loop {
            match self.0.read().unwrap() {
                Message::Text(text) => return text.to_string(),
                // Each of these begins the time of one read anew.
                Message::Ping(_) | Message::Pong(_) => {
                    assert!(began.elapsed() < PATIENCE, "no message");
                }
                other => panic!("{other} instead of a message"),
            }
        }
    }
}

/// How messages end on `gateway.sock` and `person.sock`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// With a NUL byte.
    Nul,
    /// With a newline.
    Newline,
}

/// A connection to `gateway.sock` or `person.sock`.
pub struct Local {
    stream: UnixStream,
    end: u8,
    received: Vec<u8>,
}

impl Local {
    /// Opens one.
    pub fn open(socket: &Path, end: End) -> Self {
        let stream = UnixStream::connect(socket).expect("the gateway listens");
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let end = if end == End::Nul { 0 } else { b'\n' };
        Self { stream, end, received: Vec::new() }
    }

    /// Sends bytes as they are.
    pub fn send_raw(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).unwrap();
    }

    /// Sends a message to whoever may have closed the connection already; whether it could be sent.
    pub fn try_send(&mut self, message: &Value) -> bool {
        let bytes = [message.to_string().as_bytes(), &[self.end]].concat();
        self.stream.write_all(&bytes).is_ok()
    }

    /// Says that nothing more will be sent.
    pub fn end_sending(&self) {
        self.stream.shutdown(std::net::Shutdown::Write).unwrap();
    }

    /// The next message; `None`: the gateway has closed the connection.
    pub fn next_text(&mut self) -> Option<String> {
        loop {
            if let Some(at) = self.received.iter().position(|byte| *byte == self.end) {
                let message: Vec<u8> = self.received.drain(..=at).take(at).collect();
                return Some(String::from_utf8(message).unwrap());
            }
            let mut chunk = [0; 8192];
            match self.stream.read(&mut chunk) {
                Ok(0) => return None,
                Ok(length) => self.received.extend_from_slice(&chunk[..length]),
                Err(error) if error.kind() == ErrorKind::ConnectionReset => return None,
                Err(error) => panic!("no message: {error}"),
            }
        }
    }
}

impl Door for Local {
    fn send_text(&mut self, message: &str) {
        let frame = [message.as_bytes(), &[self.end]].concat();
        self.send_raw(&frame);
    }

    fn receive_text(&mut self) -> String {
        self.next_text().expect("the connection is open")
    }
}

impl Appliance {
    /// A WebSocket with a good key.
    pub fn websocket(&self) -> WebSocket {
        WebSocket::open(self.port(), ShowKey::Header(&self.facts().key)).unwrap()
    }

    /// A connection to `person.sock`.
    pub fn person(&self, end: End) -> Local {
        Local::open(&self.facts().sockets["person"], end)
    }

    /// A connection to `gateway.sock`.
    pub fn local(&self, end: End) -> Local {
        Local::open(&self.facts().sockets["gateway"], end)
    }

    /// A connection to `person.sock`, at which a person sits.
    pub fn person(&self, end: End) -> Local {
        Local::open(&self.state().join("run/person.sock"), end)
    }
}
