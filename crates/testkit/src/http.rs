//! HTTP by hand, so that a test can send what no client would.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

use serde_json::Value;

/// How long an answer may take: longer than any deadline of the gateway.
const PATIENCE: Duration = Duration::from_mins(1);
/// More headers than the gateway sends.
const MAX_HEADERS: usize = 32;

/// What came back.
#[derive(Debug, Clone)]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// The headers, their names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Response {
    /// The value of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }

    /// The body as JSON; the test fails if it is none.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&self.body)))
    }
}

/// Sends these bytes to 127.0.0.1 and reads one answer. `None`: the connection could not be made, or was closed without
/// one.
///
/// The bytes may be a whole request or a part; what the gateway does not read in time is its affair.
pub fn exchange(port: u16, request: &[u8]) -> Option<Response> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.set_nodelay(true).unwrap();
    // A refusal may come, and the connection end, before all is sent.
    if stream.write_all(request).is_err() {
        stream.shutdown(Shutdown::Write).ok();
    }
    let mut received = Vec::new();
    loop {
        if let Some(response) = parse(&received) {
            return Some(response);
        }
        let mut chunk = [0; 8192];
        match stream.read(&mut chunk) {
            Ok(0) => return None,
            Ok(length) => received.extend_from_slice(&chunk[..length]),
            Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => return None,
            Err(error) => panic!("no answer: {error}"),
        }
    }
}

/// The response that these bytes are, once they are whole.
fn parse(received: &[u8]) -> Option<Response> {
    let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut head = httparse::Response::new(&mut headers);
    let httparse::Status::Complete(start) = head.parse(received).expect("HTTP") else {
        return None;
    };
    let status = head.code.expect("a status");
    let headers: Vec<(String, String)> = head
        .headers
        .iter()
        .map(|header| {
            let value = String::from_utf8_lossy(header.value).into_owned();
            (header.name.to_ascii_lowercase(), value)
        })
        .collect();
    let length = headers.iter().find(|(name, _)| name == "content-length");
    let length = length.map_or(0, |(_, value)| value.parse().expect("a length"));
    let body = received.get(start..start + length)?.to_vec();
    Some(Response { status, headers, body })
}
