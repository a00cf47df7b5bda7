//! A host with its model, as an MCP client over the real gateway.

use std::io::{BufRead, BufReader};
use std::net::TcpStream;

use serde_json::{Value, json};
use testkit::{Appliance, Door, End, Request, ShowKey, WebSocket};

/// The id of a call that stays open.
const OPEN: &str = "open";
/// The latest revision, and how a request says that it is of it, and what its client can do.
const LATEST: &str = "2026-07-28";
const VERSION: &str = "io.modelcontextprotocol/protocolVersion";
const CAPABILITIES: &str = "io.modelcontextprotocol/clientCapabilities";
/// What an older client says first.
const OLDER: &str = "2025-11-25";

/// The ways into the appliance, each with its dialect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// MCP 2026-07-28 over HTTP: each request stands for itself.
    Stateless,
    /// An older MCP over HTTP, in a session.
    Session,
    /// The same of a client that names none.
    NoSession,
    WebSocket,
    WebSocketOlder,
    /// The dialect from before MCP.
    WebSocketOld,
    Local,
    LocalOlder,
    LocalOld,
    /// `person.sock`.
    Person,
}

impl Way {
    /// Every way of a program.
    pub(crate) const PROGRAMS: [Self; 9] = [
        Self::Stateless,
        Self::WebSocket,
        Self::LocalOld,
        Self::Session,
        Self::LocalOlder,
        Self::NoSession,
        Self::WebSocketOld,
        Self::Local,
        Self::WebSocketOlder,
    ];

    /// Whether all that a client does by it is one conversation.
    pub(crate) fn is_clients(self) -> bool {
        matches!(self, Self::Stateless | Self::NoSession)
    }

    /// Whether it speaks the latest MCP.
    pub(crate) fn is_latest(self) -> bool {
        matches!(self, Self::Stateless | Self::WebSocket | Self::Local | Self::Person)
    }

    /// Whether tools are called in the dialect from before MCP.
    pub(crate) fn is_old(self) -> bool {
        matches!(self, Self::WebSocketOld | Self::LocalOld)
    }
}

/// One client, in one conversation at a time.
pub(crate) struct Host<'a> {
    appliance: &'a Appliance,
    way: Way,
    key: &'a str,
    link: Link,
    /// The stream of a call that stays open beside the others, over HTTP.
    open: Option<BufReader<TcpStream>>,
    watches: bool,
}

enum Link {
    /// Each request has a connection of its own.
    Latest,
    /// The same of an older client, which may name its session in each.
    Older(Option<String>),
    Door(Box<dyn Door>),
}

impl<'a> Host<'a> {
    pub(crate) fn new(appliance: &'a Appliance, way: Way, key: &'a str) -> Self {
        let link = Link::new(appliance, way, key);
        Self { appliance, way, key, link, open: None, watches: false }
    }

    pub(crate) fn way(&self) -> Way {
        self.way
    }

    /// Begins another conversation of the same client; where each request stands for itself there is none to begin.
    pub(crate) fn begin_anew(&mut self) {
        self.link = Link::new(self.appliance, self.way, self.key);
    }

    fn request(&self) -> Request {
        Request::new(self.appliance.port(), self.key)
    }

    /// Calls a tool, in the dialect of this way.
    pub(crate) fn call(&mut self, tool: &str, arguments: &Value) -> Value {
        if !self.way.is_old() {
            return self.ask("tools/call", &json!({ "name": tool, "arguments": arguments }));
        }
        let method = format!("mcp.{}", tool.replacen('_', ".", 1));
        self.old(&method, arguments)
    }

    /// Asks in the dialect from before MCP.
    pub(crate) fn old(&mut self, method: &str, params: &Value) -> Value {
        let Link::Door(door) = &mut self.link else {
            panic!("`{:?}` has no such dialect", self.way)
        };
        door.send(&json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params }));
        answer(door.as_mut(), &json!(1))
    }

    /// Calls a tool in the latest MCP, as a client whose user can be asked something.
    pub(crate) fn call_as_one_who_answers(&mut self, tool: &str, arguments: &Value) -> Value {
        let meta = json!({ CAPABILITIES: { "elicitation": { "form": {} } }, VERSION: LATEST });
        let params = json!({ "name": tool, "arguments": arguments, "_meta": meta });
        let request = self.request();
        match &mut self.link {
            Link::Latest | Link::Older(_) => {
                let request = request.legacy("tools/call", &params).header("Mcp-Name", tool);
                let request = request.header("Mcp-Method", "tools/call");
                request.header("MCP-Protocol-Version", LATEST).send().json()
            }
            Link::Door(door) => {
                door.start(&json!(1), "tools/call", &params, &meta);
                answer(door.as_mut(), &json!(1))
            }
        }
    }

    /// Asks in MCP.
    pub(crate) fn ask(&mut self, method: &str, params: &Value) -> Value {
        let older = matches!(self.way, Way::WebSocketOlder | Way::LocalOlder);
        let request = self.request();
        match &mut self.link {
            Link::Latest => request.modern(method, params).send().json(),
            Link::Older(session) => {
                of(session.as_ref(), request.legacy(method, params)).send().json()
            }
            Link::Door(door) if older => {
                let id = json!(1);
                door.send(
                    &json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params }),
                );
                answer(door.as_mut(), &id)
            }
            Link::Door(door) => {
                door.start(&json!(1), method, params, &json!({}));
                answer(door.as_mut(), &json!(1))
            }
        }
    }

    /// Begins a call, which stays open, and gives what it tells as progress.
    pub(crate) fn watch(&mut self, tool: &str, arguments: &Value) -> Value {
        let params =
            json!({ "name": tool, "arguments": arguments, "_meta": { "progressToken": OPEN } });
        let older = matches!(self.way, Way::WebSocketOlder | Way::LocalOlder);
        let request = self.request();
        self.watches = true;
        match &mut self.link {
            link @ (Link::Latest | Link::Older(_)) => {
                // Other requests of a session have other ids.
                let message = json!({ "jsonrpc": "2.0", "id": OPEN, "method": "tools/call", "params": params });
                let request = match link {
                    Link::Older(session) => of(session.as_ref(), request.body(message.to_string())),
                    _ => request.modern("tools/call", &params),
                };
                let mut stream = BufReader::new(request.stream());
                let told = event(&mut stream);
                self.open = Some(stream);
                told
            }
            Link::Door(door) => {
                if older {
                    let message = json!({ "jsonrpc": "2.0", "id": OPEN, "method": "tools/call", "params": params });
                    door.send(&message);
                } else {
                    door.start(&json!(OPEN), "tools/call", &params, &params["_meta"]);
                }
                door.receive()
            }
        }
    }

    /// Gives the open call up.
    pub(crate) fn give_up(&mut self) {
        self.open = None;
        if let (Link::Door(door), true) = (&mut self.link, self.watches) {
            door.cancel(&json!(OPEN));
        }
    }
}

impl Link {
    fn new(appliance: &Appliance, way: Way, key: &str) -> Self {
        let params = json!({ "protocolVersion": OLDER, "capabilities": {},
            "clientInfo": { "name": "test", "version": "0" } });
        let websocket = || WebSocket::open(appliance.port(), ShowKey::Header(key)).unwrap();
        let mut door: Box<dyn Door> = match way {
            Way::Stateless => return Self::Latest,
            Way::NoSession => return Self::Older(None),
            Way::Session => {
                let request = Request::new(appliance.port(), key).legacy("initialize", &params);
                let answer = request.send();
                return Self::Older(Some(answer.header("mcp-session-id").unwrap().to_owned()));
            }
            Way::WebSocket | Way::WebSocketOlder | Way::WebSocketOld => Box::new(websocket()),
            Way::Local | Way::LocalOlder => Box::new(appliance.local(End::Nul)),
            Way::LocalOld => Box::new(appliance.local(End::Newline)),
            Way::Person => Box::new(appliance.person(End::Nul)),
        };
        if matches!(way, Way::WebSocketOlder | Way::LocalOlder) {
            let initialize =
                json!({ "jsonrpc": "2.0", "id": 1, "method": "initialize", "params": params });
            let reply = door.ask(&initialize);
            assert_eq!(reply["result"]["protocolVersion"], OLDER, "{reply}");
            door.send(&json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }));
        }
        Self::Door(door)
    }
}

/// The request in its session.
fn of(session: Option<&String>, request: Request) -> Request {
    match session {
        Some(session) => request.header("Mcp-Session-Id", session),
        None => request,
    }
}

/// The answer to this request; what else comes is of the call that stays open.
fn answer(door: &mut dyn Door, id: &Value) -> Value {
    loop {
        let message = door.receive();
        if message["id"] == *id {
            return message;
        }
        assert!(message["id"] == OPEN || message["id"].is_null(), "{message}");
    }
}

/// The next message of a stream of events.
fn event(stream: &mut BufReader<TcpStream>) -> Value {
    let mut line = String::new();
    loop {
        line.clear();
        assert_ne!(stream.read_line(&mut line).unwrap(), 0, "the stream ended");
        if let Some(data) =
            line.strip_prefix("data:").map(str::trim).filter(|data| !data.is_empty())
        {
            return serde_json::from_str(data).unwrap();
        }
    }
}
