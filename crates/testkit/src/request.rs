//! A `POST /mcp`, right in every respect until a test makes it wrong.

use std::io::Write;
use std::net::TcpStream;

use serde_json::{Value, json};

use crate::http::{Response, exchange};

/// A request that can be bent.
#[derive(Debug, Clone)]
pub struct Request {
    port: u16,
    method: String,
    target: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Request {
    /// `POST /mcp` with a key, in the older era.
    pub fn new(port: u16, key: &str) -> Self {
        let headers = [
            ("Host", format!("127.0.0.1:{port}")),
            ("Authorization", format!("Bearer {key}")),
            ("Content-Type", "application/json".to_owned()),
            ("Accept", "application/json, text/event-stream".to_owned()),
        ];
        Self {
            port,
            method: "POST".to_owned(),
            target: "/mcp".to_owned(),
            headers: headers.map(|(name, value)| (name.to_owned(), value)).into(),
            body: Vec::new(),
        }
    }

    /// Another HTTP method.
    #[must_use]
    pub fn method(mut self, method: &str) -> Self {
        method.clone_into(&mut self.method);
        self
    }

    /// Another request target.
    #[must_use]
    pub fn target(mut self, target: &str) -> Self {
        target.clone_into(&mut self.target);
        self
    }

    /// A header in place of any of that name.
    #[must_use]
    pub fn header(self, name: &str, value: &str) -> Self {
        self.without(name).also(name, value)
    }

    /// A header besides any of that name.
    #[must_use]
    pub fn also(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// No header of that name.
    #[must_use]
    pub fn without(mut self, name: &str) -> Self {
        self.headers.retain(|(found, _)| !found.eq_ignore_ascii_case(name));
        self
    }

    /// This body, as it is.
    #[must_use]
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    /// A JSON-RPC request of the older era.
    #[must_use]
    pub fn legacy(self, method: &str, params: &Value) -> Self {
        let message = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
        self.body(message.to_string())
    }

    /// A JSON-RPC request of MCP 2026-07-28, with the metadata and headers that go with it.
    #[must_use]
    pub fn modern(self, method: &str, params: &Value) -> Self {
        let mut params = params.clone();
        params["_meta"]["io.modelcontextprotocol/protocolVersion"] = "2026-07-28".into();
        params["_meta"]["io.modelcontextprotocol/clientCapabilities"] = json!({});
        let name = params["name"].as_str().or(params["uri"].as_str()).map(ToOwned::to_owned);
        let request = self
            .legacy(method, &params)
            .header("MCP-Protocol-Version", "2026-07-28")
            .header("Mcp-Method", method);
        match name {
            Some(name) => request.header("Mcp-Name", &name),
            None => request,
        }
    }

    /// The request as bytes.
    pub fn bytes(&self) -> Vec<u8> {
        let start = format!("{} {} HTTP/1.1\r\n", self.method, self.target);
        let headers = self.headers.iter().map(|(name, value)| format!("{name}: {value}\r\n"));
        let length = format!("Content-Length: {}\r\n\r\n", self.body.len());
        let head: String = std::iter::once(start).chain(headers).chain([length]).collect();
        [head.as_bytes(), &self.body].concat()
    }

    /// Sends it, with its connection to be closed after the answer, and gives the stream to read that from as it comes.
    pub fn stream(&self) -> TcpStream {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        let alone = self.clone().header("Connection", "close");
        stream.write_all(&alone.bytes()).unwrap();
        stream
    }

    /// Sends it and reads the answer; `None` where the gateway is not there, or goes away.
    pub fn try_send(&self) -> Option<Response> {
        exchange(self.port, &self.bytes())
    }

    /// Sends it and reads the answer.
    pub fn send(&self) -> Response {
        exchange(self.port, &self.bytes()).expect("an answer")
    }
}
