//! WebSocket and UNIX socket: what is sent, what is received, and how a link ends.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::result_large_err,
    reason = "what is missing fails the test"
)]

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use mcp_client::{ConnectError, Key, Link, LinkReceiver, Target};
use mcp_wire::limits::MAX_REPLY_BYTES;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::server::{Request, Response};
use tokio_tungstenite::{WebSocketStream, accept_hdr_async};

const PATIENCE: Duration = Duration::from_secs(20);

async fn within<T>(work: impl Future<Output = T>) -> T {
    timeout(PATIENCE, work).await.expect("it takes too long")
}

async fn receive(receiver: &mut LinkReceiver) -> Option<String> {
    within(receiver.receive()).await
}

/// A link over a UNIX socket, and its other end.
async fn unix() -> (Link, UnixStream) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("gateway.sock");
    let listener = UnixListener::bind(&path).unwrap();
    let target: Target = path.to_str().unwrap().parse().unwrap();
    let link = Link::connect(&target, None).await.unwrap();
    (link, within(listener.accept()).await.unwrap().0)
}

/// A link over a WebSocket, and its other end, which was shown the request's head.
async fn web_socket(check: impl Fn(&Request) + Unpin) -> (Link, WebSocketStream<TcpStream>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("ws://{}/ws", listener.local_addr().unwrap());
    let key = Key::new("s3cret".to_owned()).unwrap();
    let target = url.parse::<Target>().unwrap();
    let accept = async {
        let stream = listener.accept().await.unwrap().0;
        let answer = |request: &Request, mut response: Response| {
            check(request);
            response.headers_mut().insert("sec-websocket-protocol", "mcp".parse().unwrap());
            Ok(response)
        };
        accept_hdr_async(stream, answer).await.unwrap()
    };
    let (link, server) =
        within(async { tokio::join!(Link::connect(&target, Some(&key)), accept) }).await;
    (link.unwrap(), server)
}

#[tokio::test]
async fn a_unix_socket_carries_frames_that_end_with_nul() {
    let (link, mut server) = unix().await;
    let (sender, mut receiver) = link.split();
    sender.send("{\n}").await.unwrap();
    sender.send("[2]").await.unwrap();
    let mut found = [0; 8];
    within(server.read_exact(&mut found)).await.unwrap();
    assert_eq!(&found, b"{\n}\0[2]\0");

    let long = format!("\"{}\"", "x".repeat(MAX_REPLY_BYTES - 2));
    let send = async {
        server.write_all(b"{\"a\":").await.unwrap();
        server.write_all(b"1}\0\0[\n]\0").await.unwrap();
        server.write_all(long.as_bytes()).await.unwrap();
        server.write_all(b"\0").await.unwrap();
        server
    };
    let take = async {
        for expected in ["{\"a\":1}", "[\n]", &long] {
            assert!(receive(&mut receiver).await.unwrap() == expected);
        }
    };
    let (mut server, ()) = tokio::join!(send, take);

    // What would be two messages to the peer is none.
    sender.send("{}\0{}").await.unwrap();
    let refused = receive(&mut receiver).await.unwrap();
    assert!(refused.contains("-32700"), "{refused}");

    // The end of sending is seen there, and answers still come.
    drop(sender);
    assert_eq!(within(server.read(&mut found)).await.unwrap(), 0);
    server.write_all(b"{}\0").await.unwrap();
    assert_eq!(receive(&mut receiver).await.as_deref(), Some("{}"));
    drop(server);
    assert_eq!(receive(&mut receiver).await, None);
}

#[tokio::test]
async fn what_a_unix_peer_must_not_send_ends_the_link() {
    for bytes in [b"\xff\0".to_vec(), vec![b'x'; MAX_REPLY_BYTES + 1]] {
        let (link, mut server) = unix().await;
        let (sender, mut receiver) = link.split();
        // The link may end before all of it is taken.
        server.write_all(&bytes).await.ok();
        assert_eq!(receive(&mut receiver).await, None);
        within(sender.closed()).await;
        assert!(sender.is_closed() && sender.send("{}").await.is_err());
    }
}

#[tokio::test]
async fn a_unix_peer_that_is_not_there_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("gateway.sock");
    let connect = async || {
        let target: Target = path.to_str().unwrap().parse().unwrap();
        Link::connect(&target, None).await.unwrap_err()
    };
    assert!(matches!(connect().await, ConnectError::NoSocket { .. }));
    drop(UnixListener::bind(&path).unwrap());
    assert!(matches!(connect().await, ConnectError::Refused { .. }));
}

#[tokio::test]
async fn a_web_socket_carries_text_frames() {
    let check = |request: &Request| {
        let header = |name: &str| request.headers().get(name).unwrap().to_str().unwrap();
        assert_eq!(header("authorization"), "Bearer s3cret");
        assert_eq!(header("sec-websocket-protocol"), "mcp");
        assert_eq!(request.uri().path(), "/ws");
    };
    let (link, mut server) = web_socket(check).await;
    let (sender, mut receiver) = link.split();
    sender.send("{\n}").await.unwrap();
    // The first ping may come before it.
    let first = loop {
        match within(server.next()).await.unwrap().unwrap() {
            Message::Ping(_) => {}
            other => break other,
        }
    };
    assert_eq!(first, Message::text("{\n}"));

    server.send(Message::text("[1]")).await.unwrap();
    server.send(Message::binary(b"[2]".to_vec())).await.unwrap();
    server.send(Message::Ping(b"are you there".to_vec().into())).await.unwrap();
    assert_eq!(receive(&mut receiver).await.as_deref(), Some("[1]"));
    assert_eq!(receive(&mut receiver).await.as_deref(), Some("[2]"));
    let pong = loop {
        match within(server.next()).await.unwrap().unwrap() {
            Message::Ping(_) => {}
            other => break other,
        }
    };
    assert_eq!(pong, Message::Pong(b"are you there".to_vec().into()));

    // It is closed in order.
    drop(sender);
    let closed = within(async {
        loop {
            match server.next().await {
                Some(Ok(Message::Close(_))) => return true,
                Some(Ok(_)) => {}
                _ => return false,
            }
        }
    });
    assert!(closed.await);
    assert_eq!(receive(&mut receiver).await, None);
}

#[tokio::test]
async fn what_a_web_socket_peer_must_not_send_ends_the_link() {
    let long = Message::text("x".repeat(MAX_REPLY_BYTES + 1));
    for message in [Message::binary(b"\xff".to_vec()), long, Message::Close(None)] {
        let (link, mut server) = web_socket(|_| {}).await;
        let (sender, mut receiver) = link.split();
        // The link may end before all of it is taken.
        server.send(message).await.ok();
        assert_eq!(receive(&mut receiver).await, None);
        within(sender.closed()).await;
    }
}

/// The error of a connection to a server that answers the handshake so.
async fn refused(answer: &'static str) -> ConnectError {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("ws://{}/ws?key=s3cret", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let mut stream = listener.accept().await.unwrap().0;
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            stream.read_buf(&mut head).await.unwrap();
        }
        stream.write_all(answer.as_bytes()).await.unwrap();
    });
    let key = Key::new("s3cret".to_owned()).unwrap();
    let error = within(Link::connect(&url.parse().unwrap(), Some(&key))).await.unwrap_err();
    let shown = format!("{error} {error:?}");
    assert!(!shown.contains("s3cret"), "{shown}");
    error
}

#[tokio::test]
async fn a_web_socket_that_is_not_opened_says_why() {
    let answer = refused("HTTP/1.1 401 Unauthorized\r\ncontent-length: 0\r\n\r\n").await;
    assert!(matches!(answer, ConnectError::Key), "{answer:?}");
    let answer = refused("HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n").await;
    assert!(matches!(answer, ConnectError::Forbidden), "{answer:?}");
    let answer = refused("HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n").await;
    assert!(matches!(answer, ConnectError::Status { status: 404, .. }), "{answer:?}");
    let answer = refused("hello\r\n\r\n").await;
    assert!(matches!(answer, ConnectError::Other { .. }), "{answer:?}");

    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let target = format!("ws://{}/ws", listener.local_addr().unwrap());
    drop(listener);
    let error = Link::connect(&target.parse().unwrap(), None).await.unwrap_err();
    assert!(matches!(error, ConnectError::Refused { .. }), "{error:?}");
}

#[tokio::test]
async fn tls_is_spoken_and_a_stranger_is_not_trusted() {
    for scheme in ["wss", "https"] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("{scheme}://{}/", listener.local_addr().unwrap());
        let first = tokio::spawn(async move {
            let mut stream = listener.accept().await.unwrap().0;
            let mut first = [0; 2];
            stream.read_exact(&mut first).await.unwrap();
            first
        });
        let link = within(Link::connect(&url.parse().unwrap(), None)).await;
        // Streamable HTTP connects for a request only.
        if let Ok(link) = link {
            assert_eq!(scheme, "https");
            let (sender, mut receiver) = link.split();
            sender.send(r#"{"jsonrpc":"2.0","id":1,"method":"m"}"#).await.unwrap();
            let reply = receive(&mut receiver).await.unwrap();
            assert!(reply.contains("-31502"), "{reply}");
        }
        // A handshake of TLS 1.
        assert_eq!(within(first).await.unwrap(), [22, 3]);
    }
}
