//! A tiny HTTP server that does what a test tells it, and notes what it sees.

use std::time::Duration;

use mcp_client::{Key, Link, LinkReceiver, LinkSender, Target};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::time::timeout;

/// How long anything may take that should be quick.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// A request that the server saw.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    /// Method and path.
    pub(crate) start: String,
    /// Names in small letters, and values.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Seen {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

/// What happens at the server.
#[derive(Debug)]
pub(crate) enum Event {
    Request(Seen),
    /// The client closed a connection on which an answer was due.
    Closed,
}

/// What the server answers.
pub(crate) enum Answer {
    /// These bytes; the connection is kept.
    Bytes(String),
    /// These bytes, and then the connection is closed.
    Last(String),
    /// These bytes, and then nothing until the client closes the connection.
    Hang(String),
}

/// A whole answer with a body.
pub(crate) fn answer(status: u16, headers: &str, body: &str) -> Answer {
    let length = body.len();
    Answer::Bytes(format!(
        "HTTP/1.1 {status} Status\r\n{headers}content-length: {length}\r\n\r\n{body}"
    ))
}

pub(crate) fn json(status: u16, body: &str) -> Answer {
    answer(status, "content-type: application/json\r\n", body)
}

/// The beginning of a stream of events, which ends with the connection.
pub(crate) fn events(events: &str) -> String {
    format!("HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\n\r\n{events}")
}

pub(crate) struct Server {
    pub(crate) url: String,
    events: mpsc::UnboundedReceiver<Event>,
}

impl Server {
    /// Serves until the test's runtime ends.
    pub(crate) async fn start(
        handler: impl Fn(&Seen) -> Answer + Send + Sync + Clone + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/mcp", listener.local_addr().unwrap());
        let (sender, events) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, handler.clone(), sender.clone()));
            }
        });
        Self { url, events }
    }

    pub(crate) async fn link(&self) -> (LinkSender, LinkReceiver) {
        let key = Key::new("s3cret".to_owned()).unwrap();
        Link::connect(&self.url.parse::<Target>().unwrap(), Some(&key)).await.unwrap().split()
    }

    pub(crate) async fn event(&mut self) -> Event {
        timeout(PATIENCE, self.events.recv()).await.expect("something happens").unwrap()
    }

    pub(crate) async fn request(&mut self) -> Seen {
        match self.event().await {
            Event::Request(seen) => seen,
            Event::Closed => panic!("a connection was closed"),
        }
    }

    pub(crate) async fn closed(&mut self) {
        let event = self.event().await;
        assert!(matches!(event, Event::Closed), "{event:?}");
    }
}

async fn serve(
    stream: TcpStream,
    handler: impl Fn(&Seen) -> Answer,
    events: mpsc::UnboundedSender<Event>,
) {
    let mut stream = BufReader::new(stream);
    while let Some(seen) = read(&mut stream).await {
        let answer = handler(&seen);
        if events.send(Event::Request(seen)).is_err() {
            return;
        }
        let (Answer::Bytes(bytes) | Answer::Last(bytes) | Answer::Hang(bytes)) = &answer;
        if stream.write_all(bytes.as_bytes()).await.is_err() {
            return;
        }
        match answer {
            Answer::Bytes(_) => {}
            Answer::Last(_) => return,
            Answer::Hang(_) => {
                assert!(stream.read_u8().await.is_err(), "the client says more");
                events.send(Event::Closed).ok();
                return;
            }
        }
    }
}

async fn read(stream: &mut BufReader<TcpStream>) -> Option<Seen> {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if stream.read_line(&mut head).await.ok()? == 0 {
            return None;
        }
    }
    let mut lines = head.lines();
    let start = lines.next()?.to_owned();
    let headers = lines.filter_map(|line| line.split_once(": "));
    let headers: Vec<_> =
        headers.map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned())).collect();
    let mut seen = Seen { start, headers, body: String::new() };
    let length = seen.header("content-length").map_or(0, |length| length.parse().unwrap());
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.ok()?;
    seen.body = String::from_utf8(body).unwrap();
    Some(seen)
}

/// The next message of a link.
pub(crate) async fn receive(receiver: &mut LinkReceiver) -> Value {
    let text = timeout(PATIENCE, receiver.receive()).await.expect("a message").unwrap();
    serde_json::from_str(&text).unwrap()
}
