//! What the framework promises to whoever writes a capability server, and to whoever calls one.
//!
//! The author relies on this: schemas and cap file follow from the structs, a handler runs only with arguments that
//! fit, may block and may panic, and is never one of more than so many at once. The caller relies on this: every
//! call gets its own reply, a full server says so, and the calls that are under way when a server is stopped end.
#![cfg(test)]

#[path = "common/peer.rs"]
mod peer;
#[path = "common/served.rs"]
mod served;

use std::io::Read as _;
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use capability::limits::{DRAIN, MAX_ARGUMENT_FAULTS, MAX_CALLS};
use capability::{
    BoxError, Call, DeclareError, Effect, ErrorKind, NoConfig, Server, TextSource, Tool, ToolError,
    Tools, cap_file,
};
use capfile::{CapFile, ServiceName};
use peer::{PATIENCE, Peer, request};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use served::Served;
use testkit::until;

/// A server whose handlers do what a test asks.
#[derive(Clone, Default)]
struct Probe(Arc<Shared>);

#[derive(Default)]
struct Shared {
    counts: Mutex<Counts>,
    changed: Condvar,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Counts {
    /// Handlers that have begun.
    begun: usize,
    /// Handlers that run now, and the most that ever did.
    running: usize,
    peak: usize,
    /// How many handlers may leave; each that does takes one.
    leave: usize,
}

impl Probe {
    fn counts(&self) -> Counts {
        *self.0.counts.lock().unwrap()
    }

    fn release(&self, handlers: usize) {
        self.0.counts.lock().unwrap().leave += handlers;
        self.0.changed.notify_all();
    }

    /// Waits until so many handlers have begun.
    fn until_begun(&self, handlers: usize) {
        until(&format!("{handlers} handlers"), PATIENCE, || {
            (self.counts().begun >= handlers).then_some(())
        });
    }
}

impl Server for Probe {
    const NAME: &'static str = "probe";
    const DESCRIPTION: &'static str = "Does what a test asks";
    const VERSION: &'static str = "1.2.3";
    type Config = NoConfig;

    fn open(_: NoConfig) -> Result<Self, BoxError> {
        Ok(Self::default())
    }

    fn tools(tools: &mut Tools<Self>) {
        tools.add::<Echo>().add::<Hold>().add::<Panic>().add::<Fail>().add::<Nothing>();
    }
}

/// Says the same again.
///
/// And it checks everything first.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Echo {
    /// What is said.
    text: String,
    /// How often, up to nine times.
    #[schemars(range(min = 1, max = 9))]
    times: u8,
    /// Where to.
    #[serde(default)]
    places: Vec<Place>,
    /// How.
    #[serde(default)]
    manner: Option<Manner>,
    /// An offset.
    #[serde(default)]
    offset: i64,
}

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Place {
    name: String,
}

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Manner {
    Loud,
    Soft,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Echoed {
    /// What was said.
    text: String,
    /// The client who said it.
    client: String,
}

impl Tool for Echo {
    type Server = Probe;
    type Output = Echoed;
    const NAME: &'static str = "probe_echo";
    const METHOD: &'static str = "mcp.probe.echo";
    const TITLE: &'static str = "Echo";
    const EFFECTS: &'static [Effect] = &[Effect::ReadOnly, Effect::OpenWorld];
    const TEXT_FROM: &'static [TextSource] = &[];

    fn call(self, probe: &Probe, call: &Call) -> Result<Echoed, ToolError> {
        probe.0.counts.lock().unwrap().begun += 1;
        let text = self.text.repeat(usize::from(self.times));
        Ok(Echoed { text, client: call.caller().client.clone() })
    }
}

/// Waits until it may leave.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Hold {
    number: u32,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Held {
    number: u32,
}

impl Tool for Hold {
    type Server = Probe;
    type Output = Held;
    const NAME: &'static str = "probe_hold";
    const METHOD: &'static str = "mcp.probe.hold";
    const TITLE: &'static str = "Hold";
    const EFFECTS: &'static [Effect] = &[Effect::Destructive, Effect::Idempotent];
    const TEXT_FROM: &'static [TextSource] = &[];

    fn call(self, probe: &Probe, _: &Call) -> Result<Held, ToolError> {
        let mut counts = probe.0.counts.lock().unwrap();
        counts.begun += 1;
        counts.running += 1;
        counts.peak = counts.peak.max(counts.running);
        let mut counts = probe.0.changed.wait_while(counts, |counts| counts.leave == 0).unwrap();
        counts.leave -= 1;
        counts.running -= 1;
        Ok(Held { number: self.number })
    }
}

/// Panics.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Panic {}

impl Tool for Panic {
    type Server = Probe;
    type Output = Held;
    const NAME: &'static str = "probe_panic";
    const METHOD: &'static str = "mcp.probe.panic";
    const TITLE: &'static str = "Panic";
    const EFFECTS: &'static [Effect] = &[];
    const TEXT_FROM: &'static [TextSource] = &[];

    fn call(self, _: &Probe, _: &Call) -> Result<Held, ToolError> {
        panic!("a secret that no client may read")
    }
}

/// Fails.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Fail {}

impl Tool for Fail {
    type Server = Probe;
    type Output = Held;
    const NAME: &'static str = "probe_fail";
    const METHOD: &'static str = "mcp.probe.fail";
    const TITLE: &'static str = "Fail";
    const EFFECTS: &'static [Effect] = &[];
    const TEXT_FROM: &'static [TextSource] = &[];

    fn call(self, _: &Probe, _: &Call) -> Result<Held, ToolError> {
        Err(ToolError::new(ErrorKind::Conflict, "not now: try again"))
    }
}

/// Needs nothing.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Nothing {
    /// It may be left out.
    #[serde(default)]
    maybe: Option<String>,
}

impl Tool for Nothing {
    type Server = Probe;
    type Output = Held;
    const NAME: &'static str = "probe_nothing";
    const METHOD: &'static str = "mcp.probe.nothing";
    const TITLE: &'static str = "Nothing";
    const EFFECTS: &'static [Effect] = &[Effect::Undoable];
    const TEXT_FROM: &'static [TextSource] = &[];

    fn call(self, _: &Probe, _: &Call) -> Result<Held, ToolError> {
        Ok(Held { number: u32::from(self.maybe.is_some()) })
    }
}

/// A running server.
struct Running {
    probe: Probe,
    served: Served,
}

impl Running {
    /// Starts it with so many threads for handlers.
    fn start(threads: usize) -> Self {
        let probe = Probe::default();
        Self { served: Served::start(probe.clone(), threads), probe }
    }

    fn connect(&self) -> Peer {
        self.served.connect()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.probe.release(MAX_CALLS * 2);
    }
}

fn text_of(reply: &Value) -> &str {
    reply["result"]["content"][0]["text"].as_str().unwrap_or_default()
}

fn good() -> Value {
    json!({ "text": "a", "times": 3 })
}

/// A tool whose result in the legacy dialect is a member of its output.
macro_rules! part {
    ($server:ident, $tool:ident, $member:literal) => {
        capability::stateless!($server, "part", "Gives a part", [$tool]);

        /// Gives a part.
        #[derive(Debug, Deserialize, JsonSchema)]
        struct $tool {}

        impl Tool for $tool {
            type Server = $server;
            type Output = Echoed;
            const NAME: &'static str = "part_give";
            const METHOD: &'static str = "mcp.part.give";
            const TITLE: &'static str = "Give a part";
            const EFFECTS: &'static [Effect] = &[];
            const TEXT_FROM: &'static [TextSource] = &[];
            const LEGACY_RESULT: Option<&'static str> = Some($member);

            fn call(self, _: &$server, call: &Call) -> Result<Echoed, ToolError> {
                Ok(Echoed { text: String::new(), client: call.caller().client.clone() })
            }
        }
    };
}
part!(Whole, Give, "client");
part!(Lacking, Lack, "clients");

#[test]
fn the_result_of_the_legacy_dialect_is_a_member_that_there_is() {
    let file = serde_json::to_value(cap_file::<Whole>().unwrap()).unwrap();
    assert_eq!(file["error_code_base"], -32_000);
    let method = &file["capabilities"][0];
    assert_eq!(method["result_member"], "client");
    assert_eq!(method["result_schema"], method["tool"]["outputSchema"]["properties"]["client"]);
    assert_eq!(method["result_schema"]["type"], "string");
    let error = cap_file::<Lacking>().unwrap_err();
    assert!(matches!(error, DeclareError::LegacyResult("part_give", "clients")), "{error}");
}

#[test]
fn the_cap_file_follows_from_the_structs() {
    let first = serde_json::to_vec(&cap_file::<Probe>().unwrap()).unwrap();
    let second = serde_json::to_vec(&cap_file::<Probe>().unwrap()).unwrap();
    assert_eq!(first, second, "the same types make the same bytes");
    let name = ServiceName::try_from("probe").unwrap();
    let parsed = CapFile::parse(&name, &first).unwrap();
    assert_eq!(serde_json::to_vec(&parsed).unwrap(), first, "nothing is lost on the way");

    let file: Value = serde_json::from_slice(&first).unwrap();
    assert_eq!(file["service_name"], "probe");
    assert_eq!(file["description"], "Does what a test asks");
    assert_eq!(file["version"], "1.2.3");
    let names: Vec<_> = parsed.capabilities.iter().map(|method| method.method.as_str()).collect();
    let tools = ["echo", "hold", "panic", "fail", "nothing"];
    assert_eq!(names, tools.map(|tool| format!("mcp.probe.{tool}")), "in the order of the source");

    let echo = &file["capabilities"][0];
    assert_eq!(echo["description"], "Says the same again.\n\nAnd it checks everything first.");
    assert_eq!(echo["effects"], json!(["read_only", "open_world"]));
    let tool = &echo["tool"];
    assert_eq!(tool["description"], echo["description"]);
    assert_eq!(tool["name"], "probe_echo");
    assert_eq!(tool["title"], "Echo");
    let hints = json!({
        "readOnlyHint": true, "destructiveHint": false, "idempotentHint": false, "openWorldHint": true,
    });
    assert_eq!(tool["annotations"], hints);
    let hints = json!({
        "readOnlyHint": false, "destructiveHint": true, "idempotentHint": true, "openWorldHint": false,
    });
    assert_eq!(file["capabilities"][1]["tool"]["annotations"], hints);

    let input = &tool["inputSchema"];
    assert_eq!(input["type"], "object");
    assert_eq!(input["additionalProperties"], false);
    assert_eq!(input["required"], json!(["text", "times"]));
    let members: Vec<_> = input["properties"].as_object().unwrap().keys().collect();
    assert_eq!(
        members,
        ["text", "times", "places", "manner", "offset"],
        "in the order of the struct"
    );
    assert_eq!(input["properties"]["text"]["description"], "What is said.");
    assert_eq!(input["properties"]["times"]["minimum"], 1);
    assert_eq!(input["properties"]["times"]["maximum"], 9);
    assert!(input.get("title").is_none() && input.get("description").is_none());
    assert!(!tool.to_string().contains("$ref"), "a model need not look anything up");
    assert_eq!(tool["outputSchema"]["type"], "object");
    assert_eq!(tool["outputSchema"], echo["result_schema"]);

    // The legacy dialect passes the same by position.
    let positional = &echo["params_schema"];
    assert_eq!(positional["type"], "array");
    assert_eq!(positional["prefixItems"].as_array().unwrap().len(), 5);
    assert_eq!(positional["prefixItems"][0], input["properties"]["text"]);
    assert_eq!(positional["items"], false);
    assert_eq!(positional["minItems"], 2);
    assert_eq!(positional["maxItems"], 5);
    let check = jsonschema::draft202012::new(positional).unwrap();
    for (params, fits) in [
        (json!(["a", 1]), true),
        (json!(["a", 1, [{ "name": "b" }], "loud"]), true),
        (json!(["a"]), false),
        (json!(["a", 10]), false),
        (json!([1, "a"]), false),
        (json!(["a", 1, [], "loud", 0, 0]), false),
    ] {
        assert_eq!(check.is_valid(&params), fits, "{params}");
    }
}

#[test]
fn a_listed_tool_is_the_one_in_the_cap_file() {
    let running = Running::start(2);
    let mut list = request(1, "", &json!({}));
    list["method"] = "tools/list".into();
    let listed = running.connect().ask(&list);
    let file = serde_json::to_value(cap_file::<Probe>().unwrap()).unwrap();
    let in_file: Vec<_> =
        file["capabilities"].as_array().unwrap().iter().map(|method| &method["tool"]).collect();
    assert_eq!(listed["result"]["tools"].as_array().unwrap().iter().collect::<Vec<_>>(), in_file);
    let mut discover = request(2, "", &json!({}));
    discover["method"] = "server/discover".into();
    let found = running.connect().ask(&discover);
    assert_eq!(found["result"]["supportedVersions"], json!(["2026-07-28"]));
    let info = &found["result"]["_meta"]["io.modelcontextprotocol/serverInfo"];
    assert_eq!((&info["name"], &info["version"]), (&json!("probe"), &json!("1.2.3")));
}

/// Arguments that do not fit, and what the answer must name. `SECRET` stands in every value that is wrong.
fn check_refused(arguments: &Value, expected: &[&str]) {
    let running = Running::start(2);
    let mut peer = running.connect();
    let reply = peer.call("probe_echo", arguments);
    assert_eq!(reply["result"]["isError"], true, "{arguments}: {reply}");
    assert_eq!(
        reply["result"]["_meta"]["org.llmbasedos/errorKind"], "invalid_arguments",
        "{arguments}: {reply}"
    );
    let text = text_of(&reply);
    for part in expected {
        assert!(text.contains(part), "{arguments}: `{part}` is not named: {text}");
    }
    let whole = reply.to_string();
    assert!(!whole.contains("SECRET") && !whole.contains("7777"), "a value is shown: {whole}");
    assert_eq!(running.probe.counts().begun, 0, "{arguments}: the handler ran");
    // And the next call of the same connection is served.
    assert_eq!(peer.call("probe_echo", &good())["result"]["structuredContent"]["text"], "aaa");
    assert_eq!(running.probe.counts().begun, 1);
}

#[test]
fn arguments_are_checked_before_the_handler_and_each_fault_is_named() {
    check_refused(&json!({}), &["/: ", "text", "times"]);
    check_refused(&json!([]), &["/: "]);
    check_refused(&json!("SECRET"), &["/: "]);
    check_refused(&Value::Null, &["/: "]);
    check_refused(&json!({ "text": 7777, "times": 3 }), &["/text: "]);
    check_refused(&json!({ "text": ["SECRET"], "times": 3 }), &["/text: "]);
    check_refused(&json!({ "text": "a", "times": 0 }), &["/times: "]);
    check_refused(&json!({ "text": "a", "times": 7777 }), &["/times: "]);
    check_refused(&json!({ "text": "a", "times": "SECRET" }), &["/times: "]);
    check_refused(&json!({ "text": "a", "times": 1, "other": "SECRET" }), &["/: ", "other"]);
    let places = json!([{ "name": "a" }, { "name": 7777 }, { "nome": "SECRET" }]);
    let nested = json!({ "text": "a", "times": 1, "places": places });
    check_refused(&nested, &["/places/1/name: ", "/places/2: "]);
    check_refused(&json!({ "text": "a", "times": 1, "manner": "SECRET" }), &["/manner: "]);
    let all = json!({ "text": 7777, "times": "SECRET", "manner": 7777, "offset": "SECRET" });
    check_refused(&all, &["/text: ", "/times: ", "/manner: ", "/offset: "]);
}

#[test]
fn no_value_is_shown_that_the_schema_takes_and_the_struct_does_not() {
    // To JSON Schema an integer may have 23 digits; to the struct it may not.
    let offset: Value = serde_json::from_str("77770000000000000000000").unwrap();
    check_refused(&json!({ "text": "a", "times": 1, "offset": offset }), &["offset"]);
}

#[test]
fn an_integer_may_be_written_as_models_write_it() {
    let running = Running::start(2);
    let reply = running.connect().call("probe_echo", &json!({ "text": "a", "times": 2.0 }));
    assert_eq!(reply["result"]["isError"], false, "{reply}");
}

#[test]
fn no_more_faults_are_named_than_can_be_read() {
    let running = Running::start(2);
    let places: Vec<Value> = (0..50).map(|_| json!({ "name": 1 })).collect();
    let reply =
        running.connect().call("probe_echo", &json!({ "text": "a", "times": 1, "places": places }));
    let text = text_of(&reply);
    assert_eq!(text.matches("/places/").count(), MAX_ARGUMENT_FAULTS, "{text}");
}

#[test]
fn absent_arguments_are_none() {
    let running = Running::start(2);
    let mut absent = request(1, "probe_nothing", &Value::Null);
    absent["params"].as_object_mut().unwrap().remove("arguments");
    let mut peer = running.connect();
    assert_eq!(peer.ask(&absent)["result"]["structuredContent"]["number"], 0);
    assert_eq!(peer.call("probe_nothing", &json!({}))["result"]["structuredContent"]["number"], 0);
    let maybe = json!({ "maybe": "x" });
    assert_eq!(peer.call("probe_nothing", &maybe)["result"]["structuredContent"]["number"], 1);
}

#[test]
fn a_handler_that_fails_or_panics_takes_nothing_with_it() {
    let running = Running::start(2);
    let mut peer = running.connect();
    let failed = peer.call("probe_fail", &json!({}));
    assert_eq!(failed["result"]["isError"], true, "{failed}");
    assert_eq!(failed["result"]["_meta"]["org.llmbasedos/errorKind"], "conflict");
    assert_eq!(text_of(&failed), "not now: try again");
    for _ in 0..10 {
        let reply = peer.call("probe_panic", &json!({}));
        assert_eq!(reply["error"]["code"], -32_603, "{reply}");
        assert_eq!(reply["id"], 1);
        assert!(!reply.to_string().contains("secret"), "{reply}");
    }
    assert_eq!(peer.call("probe_echo", &good())["result"]["structuredContent"]["text"], "aaa");
    // The places of those calls are free again.
    for id in 0..MAX_CALLS as u64 {
        peer.send(&request(id, "probe_panic", &json!({})));
        assert_eq!(peer.next().unwrap()["error"]["code"], -32_603);
    }
}

/// A reply that is there already.
fn waiting(peer: &mut Peer) -> Option<Value> {
    let mut chunk = [0; 8192];
    peer.stream.set_nonblocking(true).unwrap();
    if let Ok(length) = peer.stream.read(&mut chunk) {
        peer.received.extend_from_slice(&chunk[..length]);
    }
    peer.stream.set_nonblocking(false).unwrap();
    peer.received.contains(&0).then(|| peer.next()).flatten()
}

/// Sends `count` calls that hold, and tells how many were refused as too many.
fn check_busy(count: usize, expected: usize) {
    let running = Running::start(MAX_CALLS + 8);
    let mut peer = running.connect();
    for id in 0..count as u64 {
        peer.send(&request(id, "probe_hold", &json!({ "number": id })));
    }
    let refused = peer.replies(expected);
    for (id, reply) in &refused {
        assert_eq!(reply["error"]["code"], -31_503, "{reply}");
        assert!(*id >= MAX_CALLS as u64, "call {id} came before the server was full");
    }
    running.probe.until_begun(count - expected);
    peer.check_silence();
    assert_eq!(running.probe.counts().running, count - expected);
    // What was refused did nothing, and there is room again once a call has ended: its place is free when its answer is written,
    // which may be a moment after it is read.
    running.probe.release(1);
    let done = peer.replies(1);
    let one_more = request(9999, "probe_hold", &json!({ "number": 9999 }));
    peer.send(&one_more);
    until("room for one more", PATIENCE, || {
        if let Some(refused) = waiting(&mut peer) {
            assert_eq!(refused["error"]["code"], -31_503, "{refused}");
            peer.send(&one_more);
        }
        (running.probe.counts().begun > count - expected).then_some(())
    });
    running.probe.release(count);
    let rest = peer.replies(count - expected);
    for (id, reply) in done.iter().chain(&rest) {
        assert_eq!(reply["result"]["structuredContent"]["number"], *id, "{reply}");
    }
}

#[test]
fn a_full_server_refuses_exactly_what_is_too_much() {
    check_busy(MAX_CALLS - 1, 0);
    check_busy(MAX_CALLS, 0);
    check_busy(MAX_CALLS + 1, 1);
    check_busy(MAX_CALLS + 20, 20);
}

#[test]
fn what_blocks_runs_on_so_many_threads_and_no_more() {
    const THREADS: usize = 3;
    let running = Running::start(THREADS);
    let mut peer = running.connect();
    for id in 0..30 {
        peer.send(&request(id, "probe_hold", &json!({ "number": id })));
    }
    running.probe.until_begun(THREADS);
    peer.check_silence();
    assert_eq!(running.probe.counts().begun, THREADS, "the others wait");
    for begun in 1..=30 {
        running.probe.release(1);
        peer.replies(1);
        running.probe.until_begun((THREADS + begun).min(30));
    }
    assert_eq!(running.probe.counts().peak, THREADS);
}

#[test]
fn only_the_gateway_may_call_and_only_in_its_dialect() {
    const VERSION: &str = "io.modelcontextprotocol/protocolVersion";
    let running = Running::start(2);
    let mut peer = running.connect();
    let mut check = |bend: &dyn Fn(&mut Value), code: i64, data: Value| {
        let mut message = request(5, "probe_echo", &good());
        bend(&mut message);
        let reply = peer.ask(&message);
        assert_eq!(reply["error"]["code"], code, "{message}: {reply}");
        assert_eq!(reply["error"]["data"], data, "{message}");
        assert_eq!(reply["id"], 5);
    };
    let meta =
        |message: &mut Value, key: &str, value: Value| message["params"]["_meta"][key] = value;
    let caller = "org.llmbasedos/caller";
    for other in [Value::Null, json!("anna"), json!({}), json!({ "client": "anna" })] {
        check(&|message| meta(message, caller, other.clone()), -32_602, Value::Null);
    }
    let forget = |message: &mut Value, key: &str| {
        assert!(message["params"]["_meta"].as_object_mut().unwrap().remove(key).is_some());
    };
    check(&|message| forget(message, caller), -32_602, Value::Null);
    check(&|message| forget(message, VERSION), -32_602, Value::Null);
    for other in ["2025-11-25", "2024-11-05", "2099-01-01", ""] {
        let data = json!({ "supported": ["2026-07-28"], "requested": other });
        check(&|message| meta(message, VERSION, other.into()), -32_022, data);
    }
    check(&|message| message["params"]["name"] = "none".into(), -32_602, Value::Null);
    check(&|message| message["params"]["name"] = json!(1), -32_602, Value::Null);
    check(&|message| message["params"] = json!([1]), -32_602, Value::Null);
    check(&|message| message["method"] = "resources/list".into(), -32_601, Value::Null);
    assert_eq!(running.probe.counts().begun, 0, "a handler ran");
}

#[test]
fn what_is_no_request_gets_what_it_should() {
    let running = Running::start(2);
    let mut peer = running.connect();
    for (text, code) in [("{", -32_700), ("[]", -32_600), ("{}", -32_600)] {
        peer.write(format!("{text}\0").as_bytes());
        let reply = peer.next().unwrap();
        assert_eq!(reply["error"]["code"], code, "{text}: {reply}");
        assert!(reply.get("id").is_none(), "{reply}");
    }
    peer.write(b"\xff\0");
    assert_eq!(peer.next().unwrap()["error"]["code"], -32_700);
    // Notifications, answers and empty frames are passed over.
    for text in [r#"{"jsonrpc":"2.0","method":"x"}"#, r#"{"jsonrpc":"2.0","id":1,"result":{}}"#, ""]
    {
        peer.write(format!("{text}\0").as_bytes());
    }
    peer.check_silence();
    // A frame may come in pieces.
    let frame = format!("{}\0", request(8, "probe_echo", &good()));
    for piece in frame.as_bytes().chunks(7) {
        peer.write(piece);
    }
    assert_eq!(peer.next().unwrap()["id"], 8);
}

#[test]
fn each_call_gets_its_own_reply() {
    const BATCH: u64 = 200;
    let running = Running::start(8);
    let mut peers = [running.connect(), running.connect()];
    for round in 0..10 {
        for id in 0..BATCH {
            // Some are long, so that they end in another order than they began.
            let length = if id % 3 == 0 { 20_000 } else { 1 };
            for (at, peer) in peers.iter_mut().enumerate() {
                if id % 2 == at as u64 % 2 {
                    let text = format!("{at}/{round}/{id}/").repeat(length);
                    let mut call = request(id, "probe_echo", &json!({ "text": text, "times": 1 }));
                    let client = format!("client {at} {id}");
                    call["params"]["_meta"]["org.llmbasedos/caller"]["client"] = client.into();
                    peer.send(&call);
                }
            }
        }
        for (at, peer) in peers.iter_mut().enumerate() {
            let replies = peer.replies(usize::try_from(BATCH).unwrap() / 2);
            for (id, reply) in replies {
                let content = &reply["result"]["structuredContent"];
                let text = content["text"].as_str().unwrap_or_else(|| panic!("{reply}"));
                assert!(text.starts_with(&format!("{at}/{round}/{id}/")), "{id}: {text:.40}");
                assert_eq!(content["client"], format!("client {at} {id}"));
            }
        }
    }
}

#[test]
fn replies_overtake_a_call_that_takes_long() {
    let running = Running::start(2);
    let mut peer = running.connect();
    peer.send(&request(1, "probe_hold", &json!({ "number": 1 })));
    running.probe.until_begun(1);
    peer.send(&request(2, "probe_echo", &good()));
    assert_eq!(peer.next().unwrap()["id"], 2);
    running.probe.release(1);
    assert_eq!(peer.next().unwrap()["id"], 1);
}

#[test]
fn a_peer_that_leaves_takes_nothing_with_it() {
    let running = Running::start(4);
    let mut leaver = running.connect();
    leaver.send(&request(1, "probe_hold", &json!({ "number": 1 })));
    running.probe.until_begun(1);
    drop(leaver);
    let mut broken = running.connect();
    broken.write(b"{\"half\":");
    drop(broken);
    let mut other = running.connect();
    assert_eq!(other.call("probe_echo", &good())["result"]["structuredContent"]["text"], "aaa");
    running.probe.release(1);
    until("the call to end", PATIENCE, || (running.probe.counts().running == 0).then_some(()));
    assert_eq!(other.call("probe_echo", &good())["result"]["isError"], false);
}

#[test]
fn calls_under_way_are_answered_before_the_end() {
    let mut running = Running::start(4);
    let mut peers = [running.connect(), running.connect()];
    for (at, peer) in (0_u64..).zip(&mut peers) {
        peer.send(&request(at, "probe_hold", &json!({ "number": at })));
    }
    running.probe.until_begun(2);
    running.served.signal();
    until("the listener to close", PATIENCE, || UnixStream::connect(running.served.socket()).err());
    assert!(!running.served.is_finished(), "it waits for its calls");
    let began = Instant::now();
    running.probe.release(2);
    for (at, peer) in (0_u64..).zip(&mut peers) {
        let reply = peer.next().expect("the reply comes before the end");
        assert_eq!(reply["result"]["structuredContent"]["number"], at);
        assert!(peer.next().is_none(), "then the connection ends");
    }
    running.served.ended();
    assert!(began.elapsed() < DRAIN / 2, "it ends when the last call has: {:?}", began.elapsed());
}

#[test]
fn an_idle_server_ends_at_once() {
    let mut running = Running::start(2);
    let mut peer = running.connect();
    assert_eq!(peer.call("probe_echo", &good())["result"]["isError"], false);
    let began = Instant::now();
    running.served.signal();
    assert!(peer.next().is_none());
    running.served.ended();
    assert!(began.elapsed() < DRAIN / 2, "{:?}", began.elapsed());
}

#[test]
fn a_call_that_outlives_the_drain_is_given_up() {
    let mut running = Running::start(2);
    let mut peer = running.connect();
    peer.send(&request(1, "probe_hold", &json!({ "number": 1 })));
    running.probe.until_begun(1);
    let began = Instant::now();
    running.served.signal();
    running.served.ended();
    let took = began.elapsed();
    assert!(peer.next().is_none(), "no reply, and the connection ends");
    println!("given up after {took:?}");
    assert!(took >= DRAIN && took < DRAIN + Duration::from_secs(2), "{took:?}");
}
