//! A WebSocket: one message, one text frame.

use std::net::SocketAddr;
use std::sync::Arc;

use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};
use mcp_wire::limits::MAX_REPLY_BYTES;
use names::addresses;
use reqwest::Url;
use reqwest::header::{AUTHORIZATION, HeaderValue, SEC_WEBSOCKET_PROTOCOL};
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::time::{interval, timeout};
use tokio_rustls::TlsConnector;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{self, Message};
use tokio_tungstenite::{WebSocketStream, client_async_with_config};

use crate::error::ConnectError;
use crate::key::Key;
use crate::limits::{CLOSE, CONNECT, PING, READ_BYTES, SILENCE};
use crate::link::Ends;
use crate::queue;
use crate::target::Target;
use crate::tls;
use crate::trust::Trust;

/// The sub-protocol of MCP over WebSocket.
const SUB_PROTOCOL: HeaderValue = HeaderValue::from_static("mcp");

/// A stream of bytes, encrypted or not.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

type Socket = WebSocketStream<Box<dyn Stream>>;

pub(crate) async fn connect(
    target: &Target,
    url: &Url,
    key: Option<&Key>,
    trust: &Trust,
) -> Result<Socket, ConnectError> {
    match timeout(CONNECT, open(target, url, key, trust)).await {
        Ok(opened) => opened,
        Err(_) => Err(ConnectError::Timeout { target: target.to_string() }),
    }
}

async fn open(
    target: &Target,
    url: &Url,
    key: Option<&Key>,
    trust: &Trust,
) -> Result<Socket, ConnectError> {
    let other = |reason: String| ConnectError::Other { target: target.to_string(), reason };
    let mut request = url.as_str().into_client_request().map_err(|e| other(e.to_string()))?;
    request.headers_mut().insert(SEC_WEBSOCKET_PROTOCOL, SUB_PROTOCOL);
    if let Some(key) = key {
        request.headers_mut().insert(AUTHORIZATION, key.bearer()?);
    }
    let stream = stream(target, url, trust).await?;
    let config = WebSocketConfig::default()
        .read_buffer_size(READ_BYTES)
        .write_buffer_size(0)
        .max_message_size(Some(MAX_REPLY_BYTES))
        .max_frame_size(Some(MAX_REPLY_BYTES));
    match client_async_with_config(request, stream, Some(config)).await {
        Ok((socket, _)) => Ok(socket),
        Err(tungstenite::Error::Http(response)) => Err(match response.status().as_u16() {
            401 => ConnectError::Key,
            403 => ConnectError::Forbidden,
            status => ConnectError::Status { target: target.to_string(), status },
        }),
        Err(tungstenite::Error::Io(error)) => {
            Err(ConnectError::from_io(target.to_string(), &error))
        }
        Err(error) => Err(other(error.to_string())),
    }
}

async fn stream(
    target: &Target,
    url: &Url,
    trust: &Trust,
) -> Result<Box<dyn Stream>, ConnectError> {
    let other = |reason: String| ConnectError::Other { target: target.to_string(), reason };
    let from_io = |error| ConnectError::from_io(target.to_string(), &error);
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']).to_owned();
    let port = url.port_or_known_default().unwrap_or_default();
    let addresses = addresses(&host).await.map_err(|error| other(error.to_string()))?;
    let addresses: Vec<SocketAddr> =
        addresses.into_iter().map(|address| SocketAddr::new(address, port)).collect();
    let tcp = TcpStream::connect(addresses.as_slice()).await.map_err(from_io)?;
    // A message is one write: waiting for more to send would only delay it.
    tcp.set_nodelay(true).map_err(from_io)?;
    if url.scheme() != "wss" {
        return Ok(Box::new(tcp));
    }
    let name = ServerName::try_from(host).map_err(|error| other(error.to_string()))?;
    let config = tls::config(trust).map_err(|error| other(error.to_string()))?;
    let connector = TlsConnector::from(Arc::new(config));
    Ok(Box::new(connector.connect(name, tcp).await.map_err(from_io)?))
}

/// Carries messages until one side ends it.
pub(crate) async fn run(socket: Socket, ends: Ends) {
    let Ends { outgoing, incoming } = ends;
    let (sink, stream) = socket.split();
    tokio::select! {
        () = read(stream, incoming) => {}
        () = write(sink, outgoing) => {}
    }
}

/// Pings are answered by the library whenever it reads.
async fn read(mut stream: SplitStream<Socket>, incoming: mpsc::Sender<String>) {
    loop {
        let text = match timeout(SILENCE, stream.next()).await {
            Ok(Some(Ok(Message::Text(text)))) => text.as_str().to_owned(),
            Ok(Some(Ok(Message::Binary(bytes)))) => match String::from_utf8(bytes.into()) {
                Ok(text) => text,
                Err(_) => return tracing::warn!("the gateway sent what is not UTF-8"),
            },
            Ok(Some(Ok(_))) => continue,
            Ok(Some(Err(error))) => return tracing::debug!(%error, "the WebSocket has ended"),
            Ok(None) => return,
            Err(_) => return tracing::warn!("the gateway has been silent for too long"),
        };
        if incoming.send(text).await.is_err() {
            return;
        }
    }
}

async fn write(mut sink: SplitSink<Socket, Message>, mut outgoing: queue::Receiver) {
    let mut ping = interval(PING);
    loop {
        let message = tokio::select! {
            message = outgoing.next() => message.map(|queued| Message::text(queued.text)),
            _ = ping.tick() => Some(Message::Ping(Vec::new().into())),
        };
        let Some(message) = message else { break };
        if sink.send(message).await.is_err() {
            return;
        }
    }
    // A peer that does not take the farewell is left without one.
    timeout(CLOSE, sink.close()).await.ok();
}
