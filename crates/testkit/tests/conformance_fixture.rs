//! The fixture of the conformance suite says what MCP's published JSON Schema says, and does what the suite asks for,
//! before any gateway stands before it.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails on what is missing"
)]

mod schema;

use std::fs;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;

use capfile::{CapFile, ServiceName};
use schema::check;
use serde_json::{Value, json};
use tempfile::TempDir;
use testkit::ConformanceServer;

const MODERN: &str = "2026-07-28";

/// The fixture alone, with one connection.
struct Fixture {
    folder: TempDir,
    _server: ConformanceServer,
    stream: UnixStream,
    received: Vec<u8>,
    last_id: u64,
}

impl Fixture {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let server = ConformanceServer::start(folder.path(), &folder.path().join("log"));
        let stream = server.connect();
        Self { folder, _server: server, stream, received: Vec::new(), last_id: 0 }
    }

    /// Sends a request of a client that can be asked everything, and gives its id.
    fn send(&mut self, method: &str, params: &Value) -> u64 {
        let mut params = params.clone();
        params["_meta"]["io.modelcontextprotocol/protocolVersion"] = MODERN.into();
        let all = json!({ "sampling": {}, "elicitation": {}, "roots": {} });
        let capabilities = &mut params["_meta"]["io.modelcontextprotocol/clientCapabilities"];
        if capabilities.is_null() {
            *capabilities = all;
        }
        self.last_id += 1;
        self.write(
            &json!({ "jsonrpc": "2.0", "id": self.last_id, "method": method, "params": params }),
        );
        self.last_id
    }

    fn write(&mut self, message: &Value) {
        self.stream.write_all(format!("{message}\0").as_bytes()).unwrap();
    }

    /// The next message.
    fn receive(&mut self) -> Value {
        let mut chunk = [0; 8192];
        loop {
            if let Some(end) = self.received.iter().position(|byte| *byte == 0) {
                let frame: Vec<u8> = self.received.drain(..=end).take(end).collect();
                return serde_json::from_slice(&frame).unwrap();
            }
            let length = self.stream.read(&mut chunk).expect("a message");
            assert!(length > 0, "it closed the connection");
            self.received.extend_from_slice(&chunk[..length]);
        }
    }

    /// The answer to a request, and the notifications before it.
    fn ask(&mut self, method: &str, params: &Value) -> (Value, Vec<Value>) {
        let id = self.send(method, params);
        let mut notifications = Vec::new();
        loop {
            let message = self.receive();
            if message.get("method").is_none() {
                assert_eq!(message["id"], id, "{message}");
                return (message, notifications);
            }
            notifications.push(message);
        }
    }

    /// The result of a call with these parameters besides the name, held to the schema.
    fn call(&mut self, tool: &str, mut params: Value) -> Value {
        params["name"] = tool.into();
        let (reply, _) = self.ask("tools/call", &params);
        check(MODERN, "CallToolResultResponse", &reply, "/result");
        reply["result"].clone()
    }

    fn names(&mut self, method: &str, member: &str) -> Vec<String> {
        let (reply, _) = self.ask(method, &json!({}));
        let items = reply["result"][member].as_array().unwrap();
        items.iter().map(|item| item["name"].as_str().unwrap().to_owned()).collect()
    }

    fn cap_file(&self) -> Value {
        let text = fs::read(self.folder.path().join("conformance.cap.json")).unwrap();
        CapFile::parse(&ServiceName::try_from("conformance").unwrap(), &text).unwrap();
        serde_json::from_slice(&text).unwrap()
    }
}

/// An answer of a client to what it was asked.
fn answer_to(request: &Value) -> Value {
    match request["method"].as_str().unwrap() {
        "elicitation/create" => {
            json!({ "action": "accept", "content": { "name": "Ada", "ok": true } })
        }
        "sampling/createMessage" => json!({
            "role": "assistant", "model": "m", "content": { "type": "text", "text": "Paris" },
        }),
        "roots/list" => json!({ "roots": [{ "uri": "file:///a" }] }),
        other => panic!("{other}"),
    }
}

#[test]
fn lists() {
    let mut fixture = Fixture::start();
    for (method, response, member) in [
        ("server/discover", "DiscoverResultResponse", "supportedVersions"),
        ("tools/list", "ListToolsResultResponse", "tools"),
        ("prompts/list", "ListPromptsResultResponse", "prompts"),
        ("resources/list", "ListResourcesResultResponse", "resources"),
        ("resources/templates/list", "ListResourceTemplatesResultResponse", "resourceTemplates"),
    ] {
        let (reply, _) = fixture.ask(method, &json!({}));
        check(MODERN, response, &reply, &format!("/result/{member}"));
        assert_eq!(reply["result"]["resultType"], "complete");
    }
    let caps = fixture.cap_file();
    let tools: Vec<&Value> =
        caps["capabilities"].as_array().unwrap().iter().map(|method| &method["tool"]).collect();
    let (listed, _) = fixture.ask("tools/list", &json!({}));
    assert_eq!(json!(tools), listed["result"]["tools"], "the cap file declares what is there");
    let (listed, _) = fixture.ask("prompts/list", &json!({}));
    assert_eq!(caps["prompts"], listed["result"]["prompts"]);
}

#[test]
fn every_tool_answers_and_asks_until_it_knows_all() {
    let mut fixture = Fixture::start();
    for tool in fixture.names("tools/list", "tools") {
        let arguments = json!({ "prompt": "p", "message": "m" });
        let mut result = fixture.call(&tool, json!({ "arguments": arguments }));
        let mut rounds = 0;
        while result["resultType"] == "input_required" {
            rounds += 1;
            assert!(rounds <= 2, "{tool} asks for ever");
            check(MODERN, "InputRequiredResult", &result, "/resultType");
            let asked = result["inputRequests"].as_object().unwrap();
            let answers: Value =
                asked.iter().map(|(key, request)| (key.clone(), answer_to(request))).collect();
            let mut params = json!({ "arguments": arguments, "inputResponses": answers });
            if let Some(state) = result.get("requestState") {
                params["requestState"] = state.clone();
            }
            result = fixture.call(&tool, params);
        }
        check(MODERN, "CallToolResult", &result, "/content");
        assert_eq!(result["isError"], tool == "test_error_handling", "{tool}: {result}");
        let expected = match tool.as_str() {
            "test_input_required_result_multi_round" => 2,
            _ if tool.contains("input_required") || tool.contains("elicitation") => 1,
            "test_sampling" => 1,
            _ => 0,
        };
        assert_eq!(rounds, expected, "{tool}");
    }
    // A call without arguments at all.
    let result = fixture.call("test_simple_text", json!({}));
    assert_eq!(result["content"][0]["text"], "This is a simple text response for testing.");
}

#[test]
fn prompts_and_their_completion() {
    let mut fixture = Fixture::start();
    let arguments = json!({ "arg1": "a", "arg2": "b", "resourceUri": "test://static-text" });
    for name in fixture.names("prompts/list", "prompts") {
        let mut params = json!({ "name": name, "arguments": arguments });
        let (mut reply, _) = fixture.ask("prompts/get", &params);
        if reply["result"]["resultType"] == "input_required" {
            params["inputResponses"] =
                json!({ "user_context": { "action": "accept", "content": { "context": "c" } } });
            reply = fixture.ask("prompts/get", &params).0;
        }
        check(MODERN, "GetPromptResultResponse", &reply, "/result");
        check(MODERN, "GetPromptResult", &reply["result"], "/messages");
    }
    let params = json!({
        "ref": { "type": "ref/prompt", "name": "test_prompt_with_arguments" },
        "argument": { "name": "arg1", "value": "par" },
    });
    let (reply, _) = fixture.ask("completion/complete", &params);
    check(MODERN, "CompleteResultResponse", &reply, "/result/completion");
    assert_eq!(reply["result"]["completion"]["values"], json!(["paris", "park", "party"]));
}

#[test]
fn resources() {
    let mut fixture = Fixture::start();
    for uri in ["static-text", "static-binary", "watched-resource", "template/7/data"] {
        let (reply, _) = fixture.ask("resources/read", &json!({ "uri": format!("test://{uri}") }));
        check(MODERN, "ReadResourceResultResponse", &reply, "/result");
        check(MODERN, "ReadResourceResult", &reply["result"], "/contents");
    }
    for uri in ["test://none", "test://template//data", "file:///etc/passwd"] {
        let (reply, _) = fixture.ask("resources/read", &json!({ "uri": uri }));
        check(MODERN, "JSONRPCErrorResponse", &reply, "/error/code");
        assert_eq!(
            (&reply["error"]["code"], &reply["error"]["data"]["uri"]),
            (&json!(-32_602), &json!(uri))
        );
    }
}

#[test]
fn progress_and_logs_come_where_they_are_asked_for() {
    let mut fixture = Fixture::start();
    let params = json!({ "name": "test_tool_with_progress", "_meta": { "progressToken": "t" } });
    let (_, told) = fixture.ask("tools/call", &params);
    let progress: Vec<&Value> = told.iter().map(|told| &told["params"]["progress"]).collect();
    assert_eq!(progress, [0, 50, 100]);
    for told in &told {
        check(MODERN, "ProgressNotification", told, "/params/progressToken");
    }

    for (level, count) in
        [(json!("debug"), 3), (json!("info"), 3), (json!("error"), 0), (Value::Null, 0)]
    {
        let mut params = json!({ "name": "test_tool_with_logging" });
        if !level.is_null() {
            params["_meta"] = json!({ "io.modelcontextprotocol/logLevel": level });
        }
        let (reply, logged) = fixture.ask("tools/call", &params);
        assert_eq!(logged.len(), count, "{level}");
        for logged in logged {
            check(MODERN, "LoggingMessageNotification", &logged, "/params/level");
            assert_eq!(logged["params"]["_meta"]["org.llmbasedos/request"], reply["id"]);
        }
    }
    for tool in ["test_tool_with_progress", "test_logging_tool", "test_streaming_elicitation"] {
        let (_, told) = fixture.ask("tools/call", &json!({ "name": tool }));
        assert!(told.is_empty(), "{tool} tells what nobody asked for: {told:?}");
    }
}

#[test]
fn a_client_is_asked_only_what_it_can_be() {
    let mut fixture = Fixture::start();
    let with = |tool: &str, capabilities: Value| json!({ "name": tool, "_meta": { "io.modelcontextprotocol/clientCapabilities": capabilities } });
    for tool in ["test_missing_capability", "test_input_required_result_sampling"] {
        let (reply, _) = fixture.ask("tools/call", &with(tool, json!({})));
        check(MODERN, "MissingRequiredClientCapabilityError", &reply, "/error/data");
        assert_eq!(reply["error"]["data"], json!({ "requiredCapabilities": { "sampling": {} } }));
    }
    let tool = "test_input_required_result_capabilities";
    let (reply, _) = fixture.ask("tools/call", &with(tool, json!({ "sampling": {} })));
    let asked: Vec<&String> =
        reply["result"]["inputRequests"].as_object().unwrap().keys().collect();
    assert_eq!(asked, ["greeting"]);
}

#[test]
fn answers_and_states_are_checked() {
    let mut fixture = Fixture::start();
    let answer = json!({ "confirm": { "action": "accept", "content": { "ok": true } } });
    let tool = "test_input_required_result_tampered_state";
    let state = fixture.call(tool, json!({}))["requestState"].as_str().unwrap().to_owned();
    let other = "test_input_required_result_request_state";
    let [fits, longer, of_another, none] = [
        (tool, json!(state)),
        (tool, json!(format!("{state}x"))),
        (other, json!(state)),
        (tool, Value::Null),
    ];
    for ((tool, state), taken) in
        [(fits, true), (longer, false), (of_another, false), (none, false)]
    {
        let params = json!({ "name": tool, "inputResponses": answer, "requestState": state });
        let (reply, _) = fixture.ask("tools/call", &params);
        assert_eq!(reply.get("result").is_some(), taken, "{reply}");
        assert_eq!(reply["error"]["code"] == -32_602, !taken, "{reply}");
    }
    let tool = "test_input_required_result_elicitation";
    for (answers, error) in
        [(json!({ "user_name": 12_345 }), true), (Value::Null, true), (json!({ "x": {} }), false)]
    {
        let (reply, _) =
            fixture.ask("tools/call", &json!({ "name": tool, "inputResponses": answers }));
        assert_eq!(reply.get("error").is_some(), error, "{reply}");
        assert_eq!(reply["result"]["resultType"] == "input_required", !error, "{reply}");
    }
}

#[test]
fn the_lists_really_change() {
    let mut fixture = Fixture::start();
    for (trigger, method, member, name) in [
        ("test_trigger_tool_change", "tools/list", "tools", "test_changing_tool"),
        ("test_trigger_prompt_change", "prompts/list", "prompts", "test_changing_prompt"),
    ] {
        for there in [true, false] {
            fixture.call(trigger, json!({}));
            assert_eq!(fixture.names(method, member).iter().any(|found| found == name), there);
            assert_eq!(fixture.cap_file().to_string().contains(&format!("\"{name}\"")), there);
        }
    }
}

#[test]
fn calls_run_at_once_and_can_be_stopped() {
    let mut fixture = Fixture::start();
    let params = json!({ "name": "test_tool_with_progress", "_meta": { "progressToken": "t" } });
    let stopped = fixture.send("tools/call", &params);
    assert_eq!(fixture.receive()["params"]["progress"], 0);
    let (_, meanwhile) = fixture.ask("tools/call", &json!({ "name": "test_simple_text" }));
    assert!(meanwhile.is_empty(), "a quick call waits for a slow one: {meanwhile:?}");
    fixture.write(&json!({
        "jsonrpc": "2.0", "method": "notifications/cancelled", "params": { "requestId": stopped },
    }));
    // This takes as long as the stopped one would have taken; `ask` takes no other answer for its own.
    let (_, after) = fixture.ask("tools/call", &json!({ "name": "test_tool_with_logging" }));
    assert!(after.is_empty(), "the stopped call goes on: {after:?}");
}

#[test]
fn what_is_not_of_this_era_is_refused() {
    let mut fixture = Fixture::start();
    for method in ["initialize", "ping", "logging/setLevel", "resources/subscribe"] {
        let (reply, _) = fixture.ask(method, &json!({}));
        assert_eq!(reply["error"]["code"], -32_601, "{method}");
    }
    fixture.write(&json!({ "jsonrpc": "2.0", "id": "bare", "method": "tools/list" }));
    assert_eq!(fixture.receive()["error"]["code"], -32_602);
}
