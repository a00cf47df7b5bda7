//! The appliance on which the cases are played, with the servers that hold their texts, and the person who answers.

use std::cell::{Cell, RefCell};
use std::fs;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use testkit::{Appliance, Peer, Sent, until};

use crate::case::{Carrier, Second};
use crate::host::{Host, Way};

/// How long a test waits for what must come.
const PATIENCE: Duration = Duration::from_secs(20);
/// How many clients there are: as many as there are conversations in one test that are a client's, and not a connection's.
const CLIENTS: usize = 300;
/// Where a result says from where untrusted text in it came.
const LABEL: &str = "org.llmbasedos/untrusted";
/// What says nothing else: the texts of a server may come from anywhere.
const SERVER: &[&str] = &["server"];

/// The appliance, and all that stands around it.
pub(crate) struct Stage {
    pub(crate) appliance: Appliance,
    clients: RefCell<Vec<(String, String)>>,
    /// The client whose conversations are connections or sessions.
    host: (String, String),
    plays: Cell<usize>,
    /// What the servers of prompts and resources say.
    says: Arc<Mutex<String>>,
    _peers: [Peer; 2],
}

/// What was read.
pub(crate) struct Read {
    pub(crate) text: String,
    /// Where it came from.
    pub(crate) from: &'static [&'static str],
    /// What the answer says of that; nothing, where its dialect has no place for it.
    pub(crate) label: Option<Value>,
    /// What reading it sent out.
    pub(crate) sent: Option<Sent>,
}

impl Stage {
    /// An appliance with these rules of the owner's, if there are any.
    pub(crate) fn new(policy: &str) -> Self {
        let builder = Appliance::new().asking().world().file("files/of", "").file("names/of", "");
        let builder = if policy.is_empty() { builder } else { builder.policy("own", policy) };
        let appliance = builder.start();
        let mut clients = appliance.clients(CLIENTS);
        let host = clients.pop().unwrap();
        let says = Arc::new(Mutex::new(String::new()));
        let serve = |name: &'static str, caps: &Value| {
            let says = says.clone();
            appliance
                .old_peer(name, caps, move |frame| Some(served(name, frame, &says.lock().unwrap())))
        };
        let peers = [serve("library", &library()), serve("stranger", &stranger("Looks around"))];
        let stage = Self {
            appliance,
            clients: RefCell::new(clients),
            host,
            plays: Cell::new(0),
            says,
            _peers: peers,
        };
        stage.wait_for("library_look");
        stage.wait_for("Looks around");
        stage
    }

    /// The number of a new play.
    pub(crate) fn number(&self) -> usize {
        self.plays.set(self.plays.get() + 1);
        self.plays.get()
    }

    /// The name and key of a client that has done nothing yet.
    pub(crate) fn new_client(&self) -> (String, String) {
        self.clients.borrow_mut().pop().expect("enough clients")
    }

    /// The name and key of a client for one conversation by this way.
    pub(crate) fn client(&self, way: Way) -> (String, String) {
        if way.is_clients() { self.new_client() } else { self.host.clone() }
    }

    /// Waits until the list of tools says this.
    fn wait_for(&self, text: &str) {
        until(text, PATIENCE, || {
            let list = self.appliance.request().modern("tools/list", &json!({})).send();
            String::from_utf8(list.body).unwrap().contains(text).then_some(())
        });
    }

    /// Puts a text where this carrier has it from.
    pub(crate) fn put(&self, carrier: Carrier, id: &str, text: &str) {
        let root = self.appliance.root();
        match carrier {
            Carrier::File => fs::write(root.join(format!("files/{id}.md")), text).unwrap(),
            Carrier::FileName => {
                let folder = root.join(format!("names/{id}"));
                fs::create_dir_all(&folder).unwrap();
                fs::write(folder.join(text), "").unwrap();
            }
            Carrier::Description | Carrier::Argument | Carrier::Prompts | Carrier::Capabilities => {
                let text = format!("{text}\n({id})");
                self.appliance.declare("stranger", stranger(&text).to_string().as_bytes());
                self.wait_for(&format!("({id})"));
            }
            Carrier::Prompt
            | Carrier::Resource
            | Carrier::Resources
            | Carrier::Templates
            | Carrier::Completion
            | Carrier::Answer
            | Carrier::Fault
            | Carrier::Question
            | Carrier::Lie => text.clone_into(&mut self.says.lock().unwrap()),
            _ => self.appliance.world().text(id, text),
        }
    }

    /// How an order names a text of this carrier.
    pub(crate) fn named(carrier: Carrier, id: &str) -> Second {
        let kind = match carrier {
            Carrier::Page => "page",
            Carrier::Doc => "doc",
            Carrier::File => "file",
            Carrier::Note => "note",
            Carrier::Calendar => "calendar",
            _ => "mail",
        };
        Second { kind, id: id.to_owned(), path: format!("/files/{id}.md") }
    }

    /// The carrier that an order names.
    pub(crate) fn carrier(kind: &str) -> Carrier {
        match kind {
            "page" => Carrier::Page,
            "doc" => Carrier::Doc,
            "file" => Carrier::File,
            "note" => Carrier::Note,
            "calendar" => Carrier::Calendar,
            _ => Carrier::Mail,
        }
    }

    /// Has the host read a text.
    pub(crate) fn read(host: &mut Host<'_>, carrier: Carrier, id: &str) -> Read {
        let page = format!("https://wiki.home.example/{id}");
        let url = json!({ "url": page });
        let (from, tool, arguments): (&'static [&'static str], _, _) = match carrier {
            Carrier::Mail => (&["mail"], "outside_mail_read", json!({ "id": id })),
            Carrier::Search => (&["mail"], "outside_mail_search", json!({ "query": id })),
            Carrier::Attachment => (&["mail"], "outside_mail_attachment", json!({ "id": id })),
            Carrier::Page => (&["web"], "outside_web_fetch", url.clone()),
            Carrier::Calendar => (&["calendar"], "outside_calendar_list", json!({ "day": id })),
            Carrier::Doc => (&["document"], "outside_doc_read", json!({ "name": id })),
            Carrier::File => (&["file"], "fs_read", json!({ "path": format!("/files/{id}.md") })),
            Carrier::FileName => (&["file"], "fs_list", json!({ "path": format!("/names/{id}") })),
            Carrier::Note => (&[], "outside_notes_read", json!({ "name": id })),
            Carrier::Answer => (SERVER, "library_look", json!({})),
            Carrier::Lie => (SERVER, "stranger_look", json!({})),
            Carrier::Watch => {
                let told = host.watch("outside_mail_watch", &json!({ "id": id }));
                assert_eq!(told["method"], "notifications/progress", "{told}");
                let text = told["params"]["message"].as_str().unwrap().to_owned();
                return Read { text, from: &["mail"], label: None, sent: None };
            }
            Carrier::Capabilities => {
                let reply = host.old("mcp.listCapabilities", &json!([]));
                return Read { text: text_of(&reply), from: SERVER, label: None, sent: None };
            }
            Carrier::Fault => {
                let reply = host.call("library_look", &json!({ "as": "fault" }));
                assert!(reply["result"].is_null(), "{reply}");
                return Read { text: text_of(&reply), from: SERVER, label: None, sent: None };
            }
            Carrier::Question => {
                let arguments = json!({ "as": "question" });
                let reply = host.call_as_one_who_answers("library_look", &arguments);
                assert_eq!(reply["result"]["resultType"], "input_required", "{reply}");
                let label = Some(label(&reply));
                return Read { text: text_of(&reply), from: SERVER, label, sent: None };
            }
            other => {
                let (method, params) = offered(other);
                let reply = host.ask(method, &params);
                return Read {
                    text: text_of(&reply),
                    from: SERVER,
                    label: Some(label(&reply)),
                    sent: None,
                };
            }
        };
        let reply = host.call(tool, &arguments);
        let ran = reply["error"].is_null() && reply["result"]["isError"] != true;
        let label = (!host.way().is_old()).then(|| label(&reply));
        let sent = (carrier == Carrier::Page && ran)
            .then(|| Sent { tool: tool.to_owned(), arguments: url });
        Read { text: text_of(&reply), from, label, sent }
    }

    /// What waits for a person.
    pub(crate) fn pending(&self) -> Vec<Value> {
        let mut person = Host::new(&self.appliance, Way::Person, "");
        let reply = person.call("approvals_list", &json!({}));
        let list = reply["result"]["structuredContent"]["approvals"].as_array();
        list.unwrap_or_else(|| panic!("no list: {reply}")).clone()
    }

    /// The person says no to all that waits.
    pub(crate) fn deny_all(&self) {
        let mut person = Host::new(&self.appliance, Way::Person, "");
        for waiting in self.pending() {
            let reply = person.call("approvals_deny", &json!({ "id": waiting["id"] }));
            assert_eq!(reply["result"]["isError"], false, "{reply}");
        }
    }
}

/// How a text is asked for that no tool gives.
fn offered(carrier: Carrier) -> (&'static str, Value) {
    match carrier {
        Carrier::Prompt => ("prompts/get", json!({ "name": "library_prompt", "arguments": {} })),
        Carrier::Resource => ("resources/read", json!({ "uri": "library://shelf" })),
        Carrier::Resources => ("resources/list", json!({})),
        Carrier::Templates => ("resources/templates/list", json!({})),
        Carrier::Completion => {
            let of = json!({ "type": "ref/prompt", "name": "library_prompt" });
            let argument = json!({ "name": "topic", "value": "a" });
            ("completion/complete", json!({ "ref": of, "argument": argument }))
        }
        Carrier::Prompts => ("prompts/list", json!({})),
        Carrier::Description | Carrier::Argument => ("tools/list", json!({})),
        other => panic!("a tool gives {other:?}"),
    }
}

/// What a result says of its text.
pub(crate) fn label(reply: &Value) -> Value {
    assert!(!reply["result"].is_null(), "{reply}");
    reply["result"]["_meta"][LABEL].clone()
}

/// All text that a model reads of an answer.
fn text_of(reply: &Value) -> String {
    let mut result = reply["result"].clone();
    if let Some(members) = result.as_object_mut() {
        // What the protocol says of an answer is no text of it.
        for about in ["_meta", "resultType", "cacheScope"] {
            members.remove(about);
        }
        if members.contains_key("structuredContent") {
            members.remove("content");
        }
    }
    let mut all = Vec::new();
    strings(if result.is_null() { &reply["error"] } else { &result }, &mut all);
    all.join("\n")
}

fn strings(value: &Value, all: &mut Vec<String>) {
    match value {
        Value::String(text) => all.push(text.clone()),
        Value::Array(items) => items.iter().for_each(|item| strings(item, all)),
        Value::Object(members) => members.values().for_each(|member| strings(member, all)),
        _ => {}
    }
}

/// A server of prompts, resources and a tool, which says nothing of where its text is from.
fn library() -> Value {
    let mut caps = testkit::cap_file("library", &["library_look"]);
    let method = &mut caps["capabilities"][0];
    method["method"] = json!("mcp.library.look");
    method["effects"] = json!(["read_only"]);
    let how = json!({ "type": "string" });
    method["params_schema"] = json!({ "type": "array", "prefixItems": [how], "maxItems": 1 });
    method["tool"]["inputSchema"]["properties"] = json!({ "as": how });
    caps["prompts"] = json!([{ "name": "library_prompt", "arguments": [{ "name": "topic" }] }]);
    caps["resource_uris"] = json!(["library://"]);
    caps["completions"] = json!(true);
    caps
}

/// A server of somebody else's, whose tool and prompt are described like this.
fn stranger(text: &str) -> Value {
    let mut caps = testkit::cap_file("stranger", &["stranger_look"]);
    let method = &mut caps["capabilities"][0];
    method["method"] = json!("mcp.stranger.look");
    method["effects"] = json!(["read_only"]);
    method["description"] = json!(text);
    method["tool"]["description"] = json!(text);
    method["tool"]["inputSchema"]["properties"] =
        json!({ "where": { "type": "string", "description": text } });
    caps["prompts"] = json!([{ "name": "stranger_prompt", "description": text }]);
    caps["third_party"] = json!(true);
    caps
}

/// What these servers answer, while they say `text`.
fn served(name: &str, frame: &[u8], text: &str) -> Vec<u8> {
    let request: Value = serde_json::from_slice(frame).unwrap();
    let content = json!({ "type": "text", "text": text });
    let form = json!({ "type": "object", "properties": { "ok": { "type": "boolean" } } });
    let asks = json!({ "mode": "form", "message": text, "requestedSchema": form });
    let asks = json!({ "ok": { "method": "elicitation/create", "params": asks } });
    let mut kind = "complete";
    let mut result = match request["method"].as_str().unwrap() {
        "prompts/get" => json!({ "messages": [{ "role": "user", "content": content }] }),
        "resources/read" => json!({ "contents": [{ "uri": "library://shelf", "text": text }],
            "ttlMs": 0, "cacheScope": "private" }),
        "resources/list" => json!({ "resources": [{ "uri": "library://shelf", "name": text }],
            "ttlMs": 0, "cacheScope": "private" }),
        "resources/templates/list" => json!({ "ttlMs": 0, "cacheScope": "private",
            "resourceTemplates": [{ "uriTemplate": "library://{shelf}", "name": text }] }),
        "completion/complete" => json!({ "completion": { "values": [text] } }),
        "tools/call" => match request["params"]["arguments"]["as"].as_str() {
            Some("fault") => {
                let error = json!({ "code": -32_050, "message": text });
                return frame_of(&json!({ "jsonrpc": "2.0", "id": request["id"], "error": error }));
            }
            Some(_) => {
                kind = "input_required";
                json!({ "inputRequests": asks })
            }
            None => json!({ "content": [content], "isError": false }),
        },
        _ => json!({}),
    };
    result["resultType"] = json!(kind);
    if name == "stranger" {
        result["_meta"]["org.llmbasedos/textFrom"] = json!([]);
    }
    frame_of(&json!({ "jsonrpc": "2.0", "id": request["id"], "result": result }))
}

fn frame_of(reply: &Value) -> Vec<u8> {
    [reply.to_string().as_bytes(), b"\0"].concat()
}
