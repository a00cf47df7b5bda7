//! Every message that we originate is what MCP's published JSON Schema says.
//!
//! A client that checks what it gets against the schema of its revision relies on this. The schemas are those that
//! the official Python SDK pins; `PINNED.json` beside them names the commit of the specification from which each was
//! taken, and the test prints it, so that a drift of the schema is seen where it happens.
#![cfg(test)]

use std::collections::BTreeMap;
use std::fs;

use jsonschema::Validator;
use mcp_types::{
    CacheScope, CallToolResult, Content, DiscoverResult, Era, Extensions, Implementation,
    InitializeResult, List, ListCapability, ListResult, ModernList, Offered, ProtocolVersion,
    ResultType, SUPPORTED_VERSIONS, ServerCapabilities, SubscriptionFilter,
    SubscriptionNotification, SubscriptionsListenResult, Tool, ToolAnnotations, meta,
};
use mcp_wire::{Message, RpcError, code, error_reply, result_reply};
use serde::Serialize;
use serde_json::{Map, Value, json};

/// The newest revision.
const MODERN: &str = "2026-07-28";
/// The newest revision with a handshake.
const LEGACY: &str = "2025-11-25";

/// The published schema of a revision.
struct Schema {
    document: Value,
    revision: &'static str,
}

impl Schema {
    fn of(revision: &'static str) -> Self {
        let tools = testkit::Tools::installed();
        let text = fs::read(tools.path(&format!("schema/{revision}.json"))).unwrap();
        Self { document: serde_json::from_slice(&text).unwrap(), revision }
    }

    /// The validator of one definition, whose references lead into the whole document.
    fn definition(&self, name: &str) -> Validator {
        assert!(self.document["$defs"][name].is_object(), "{} has no `{name}`", self.revision);
        let schema = json!({
            "$schema": self.document["$schema"],
            "$ref": format!("#/$defs/{name}"),
            "$defs": self.document["$defs"],
        });
        jsonschema::draft202012::new(&schema).unwrap()
    }

    /// The members that a definition names. Most definitions allow others too, but what we say should mean
    /// something to whoever reads it.
    fn members(&self, name: &str) -> Vec<&str> {
        let properties = self.document["$defs"][name]["properties"].as_object().unwrap();
        properties.keys().map(String::as_str).collect()
    }
}

/// A change of a value, which must make it fail: a pointer to the member, and what stands there instead; nothing
/// takes the member away.
type Break = (&'static str, Option<Value>);

/// Checks that a value is what the definition says and has no member that it does not name, and that each of the
/// `breaks` makes it fail: a schema that accepts everything would prove nothing.
#[track_caller]
fn check(revision: &'static str, name: &str, value: &impl Serialize, breaks: &[Break]) {
    let schema = Schema::of(revision);
    let validator = schema.definition(name);
    let value = serde_json::to_value(value).unwrap();
    let faults: Vec<String> = validator.iter_errors(&value).map(|f| f.to_string()).collect();
    assert!(faults.is_empty(), "{name} of {revision}: {faults:?}\n{value:#}");
    let known = schema.members(name);
    for member in value.as_object().unwrap().keys() {
        assert!(known.contains(&member.as_str()), "{name} of {revision} names no `{member}`");
    }
    assert!(!breaks.is_empty(), "a check without a control");
    for (place, instead) in breaks {
        let mut broken = value.clone();
        if let Some(instead) = instead {
            *broken.pointer_mut(place).unwrap() = instead.clone();
        } else {
            let (parent, member) = place.rsplit_once('/').unwrap();
            let parent = broken.pointer_mut(parent).unwrap().as_object_mut().unwrap();
            let member = member.replace("~1", "/");
            assert!(parent.remove(&member).is_some(), "{place} is not there");
        }
        assert!(!validator.is_valid(&broken), "{name} of {revision} is valid with {place} broken");
    }
}

fn info() -> Implementation {
    Implementation { name: "llmbasedos", title: "llmbasedos", version: "1.2.3" }
}

fn tool() -> Tool {
    Tool {
        name: "fs_list".to_owned(),
        title: "List a folder".to_owned(),
        description: "Lists what a folder holds.".to_owned(),
        input_schema: json!({
            "type": "object",
            "properties": { "path": { "type": "string" } },
            "required": ["path"],
            "additionalProperties": false,
        }),
        output_schema: json!({ "type": "object", "properties": { "entries": { "type": "array" } } }),
        annotations: ToolAnnotations {
            read_only_hint: true,
            destructive_hint: false,
            idempotent_hint: true,
            open_world_hint: false,
        },
    }
}

/// A list as one era has it.
fn list<T>(list: List, items: Vec<T>, era: Era) -> ListResult<Vec<T>> {
    let modern = ModernList { ttl_ms: 0, cache_scope: CacheScope::Private, server_info: info() };
    let modern = (era == Era::Modern).then_some(modern);
    ListResult {
        list,
        items,
        next_cursor: Some("next".to_owned()),
        untrusted: vec!["server"],
        modern,
    }
}

fn tools(era: Era) -> ListResult<Vec<Tool>> {
    list(List::Tools, vec![tool(), Tool { name: "fs_read".to_owned(), ..tool() }], era)
}

/// Everything that can be offered.
fn capabilities() -> ServerCapabilities {
    ServerCapabilities {
        tools: ListCapability { list_changed: true },
        prompts: Some(ListCapability::default()),
        resources: Some(ListCapability { list_changed: true }),
        completions: Some(Offered {}),
        logging: Some(Offered {}),
        extensions: Some(Extensions::default()),
    }
}

fn succeeded() -> CallToolResult {
    CallToolResult {
        result_type: ResultType::Complete,
        content: vec![Content::Text { text: "text".to_owned() }],
        structured_content: Some(json!({ "entries": [] })),
        is_error: false,
        meta: Map::new(),
    }
}

fn failed() -> CallToolResult {
    let kind = (meta::ERROR_KIND.to_owned(), json!("not_found"));
    CallToolResult {
        structured_content: None,
        is_error: true,
        meta: Map::from_iter([kind]),
        ..succeeded()
    }
}

/// A result as the gateway gives it to a client of the older era.
fn older(result: &CallToolResult) -> Value {
    let mut value = serde_json::to_value(result).unwrap();
    value.as_object_mut().unwrap().remove("resultType");
    value
}

#[test]
fn where_the_schemas_come_from() {
    let text = fs::read(testkit::Tools::installed().path("schema/PINNED.json")).unwrap();
    let pinned: Vec<Value> = serde_json::from_slice(&text).unwrap();
    for revision in [MODERN, LEGACY] {
        let entry = pinned.iter().find(|entry| entry["protocol_version"] == revision).unwrap();
        println!("{revision}: {} at {}", entry["source_path_in_spec_repo"], entry["spec_commit"]);
        assert!(entry["spec_commit"].as_str().is_some_and(|commit| commit.len() == 40), "{entry}");
        if entry["source_path_in_spec_repo"] != json!(format!("schema/{revision}/schema.json")) {
            println!("{revision}: taken from a draft, so what was released may differ");
        }
    }
    assert_eq!(ProtocolVersion::LATEST.as_str(), MODERN);
    assert_eq!(ProtocolVersion::LATEST_LEGACY.as_str(), LEGACY);
}

#[test]
fn discover_result() {
    let result = DiscoverResult {
        result_type: ResultType::Complete,
        supported_versions: SUPPORTED_VERSIONS.iter().map(|version| version.as_str()).collect(),
        capabilities: capabilities(),
        instructions: "What it is for.",
        ttl_ms: 0,
        cache_scope: CacheScope::Private,
        meta: BTreeMap::from([(meta::SERVER_INFO, info())]),
    };
    check(
        MODERN,
        "DiscoverResult",
        &result,
        &[
            ("/resultType", None),
            ("/supportedVersions", None),
            ("/supportedVersions/0", Some(json!(2026))),
            ("/capabilities", None),
            ("/capabilities/tools", Some(json!(true))),
            ("/ttlMs", None),
            ("/ttlMs", Some(json!(-1))),
            ("/cacheScope", Some(json!("nobody"))),
            ("/instructions", Some(json!([]))),
            ("/_meta/io.modelcontextprotocol~1serverInfo/version", Some(json!(1))),
        ],
    );
    // The key under which a client looks for the server's name is that of the schema.
    assert!(Schema::of(MODERN).members("ResultMetaObject").contains(&meta::SERVER_INFO));
}

#[test]
fn the_keys_of_request_metadata() {
    let schema = Schema::of(MODERN);
    let known = schema.members("RequestMetaObject");
    for key in [meta::PROTOCOL_VERSION, meta::CLIENT_CAPABILITIES, meta::CLIENT_INFO] {
        assert!(known.contains(&key), "{key}");
    }
    for ours in [meta::CALLER, meta::ERROR_KIND] {
        assert!(ours.starts_with("org.llmbasedos/"), "{ours} must not look like MCP's own");
    }
    let required = schema.document["$defs"]["RequestMetaObject"]["required"].as_array().unwrap();
    assert_eq!(required, &[json!(meta::CLIENT_CAPABILITIES), json!(meta::PROTOCOL_VERSION)]);
}

#[test]
fn initialize_result() {
    let result = InitializeResult {
        protocol_version: LEGACY,
        capabilities: capabilities(),
        server_info: info(),
        instructions: "What it is for.",
    };
    check(
        LEGACY,
        "InitializeResult",
        &result,
        &[
            ("/protocolVersion", None),
            ("/protocolVersion", Some(json!(20_251_125))),
            ("/capabilities", None),
            ("/serverInfo", None),
            ("/serverInfo/name", Some(Value::Null)),
            ("/instructions", Some(json!(1))),
        ],
    );
}

#[test]
fn list_tools_result_in_both_eras() {
    let of_a_tool: [Break; 4] = [
        ("/tools", None),
        ("/tools/1/name", None),
        ("/tools/0/inputSchema", None),
        ("/tools/0/inputSchema/type", Some(json!("array"))),
    ];
    let of_caching: [Break; 4] = [
        ("/resultType", None),
        ("/ttlMs", None),
        ("/cacheScope", None),
        ("/cacheScope", Some(json!("everybody"))),
    ];
    let both = [&of_a_tool[..], &of_caching].concat();
    check(MODERN, "ListToolsResult", &tools(Era::Modern), &both);
    check(LEGACY, "ListToolsResult", &tools(Era::Legacy), &of_a_tool);
}

#[test]
fn the_other_lists_in_both_eras() {
    let of_all: [Break; 1] = [("/nextCursor", Some(json!(1)))];
    let of_caching: [Break; 3] = [("/resultType", None), ("/ttlMs", None), ("/cacheScope", None)];
    let lists = [
        (List::Prompts, "ListPromptsResult", json!({ "name": "p" }), "/prompts/0/name"),
        (
            List::Resources,
            "ListResourcesResult",
            json!({ "name": "r", "uri": "test://r" }),
            "/resources/0/uri",
        ),
        (
            List::ResourceTemplates,
            "ListResourceTemplatesResult",
            json!({ "name": "t", "uriTemplate": "test://{t}" }),
            "/resourceTemplates/0/uriTemplate",
        ),
    ];
    for (kind, name, item, needed) in lists {
        let of_items: [Break; 1] = [(needed, None)];
        let older = [&of_all[..], &of_items].concat();
        check(LEGACY, name, &list(kind, vec![item.clone()], Era::Legacy), &older);
        let newer = [&older[..], &of_caching].concat();
        check(MODERN, name, &list(kind, vec![item], Era::Modern), &newer);
    }
}

#[test]
fn subscriptions() {
    let id = serde_json::value::to_raw_value(&json!("s1")).unwrap();
    let subscription = "/params/_meta/io.modelcontextprotocol~1subscriptionId";
    let of_all: [Break; 3] =
        [("/method", None), ("/params", Some(json!([]))), (subscription, Some(json!([1])))];
    let granted = SubscriptionFilter {
        tools_list_changed: true,
        prompts_list_changed: true,
        resources_list_changed: true,
        task_ids: Vec::new(),
    };
    let acknowledged = SubscriptionNotification::acknowledged(&id, granted);
    let of_acknowledged: [Break; 4] = [
        ("/params/notifications", None),
        ("/params/notifications/toolsListChanged", Some(json!(1))),
        ("/params/notifications/promptsListChanged", Some(json!(1))),
        ("/params/notifications/resourcesListChanged", Some(json!(1))),
    ];
    let breaks = [&of_all[..], &of_acknowledged].concat();
    check(MODERN, "SubscriptionsAcknowledgedNotification", &acknowledged, &breaks);
    for (name, changed) in [
        ("ToolListChangedNotification", SubscriptionNotification::tools_list_changed(&id)),
        ("PromptListChangedNotification", SubscriptionNotification::prompts_list_changed(&id)),
        ("ResourceListChangedNotification", SubscriptionNotification::resources_list_changed(&id)),
    ] {
        check(MODERN, name, &changed, &of_all);
    }
    let of_result: [Break; 2] =
        [("/resultType", None), ("/_meta/io.modelcontextprotocol~1subscriptionId", None)];
    let ended = SubscriptionsListenResult::new(&id);
    check(MODERN, "SubscriptionsListenResult", &ended, &of_result);
}

#[test]
fn tool_in_both_eras() {
    let breaks: [Break; 7] = [
        ("/name", None),
        ("/title", Some(json!(1))),
        ("/description", Some(json!({}))),
        ("/inputSchema", None),
        ("/inputSchema/type", Some(json!("string"))),
        ("/outputSchema", Some(json!(true))),
        ("/annotations/readOnlyHint", Some(json!("yes"))),
    ];
    check(MODERN, "Tool", &tool(), &breaks);
    // Only the older era wants the output to be an object.
    check(LEGACY, "Tool", &tool(), &[&breaks[..], &[("/outputSchema/type", None)]].concat());
    // Each hint is one that the schema names: a client takes the worst of one that is misspelt.
    let hints = serde_json::to_value(tool().annotations).unwrap();
    let hints = hints.as_object().unwrap();
    assert_eq!(hints.len(), 4);
    for revision in [MODERN, LEGACY] {
        let schema = Schema::of(revision);
        let known = schema.members("ToolAnnotations");
        assert!(hints.keys().all(|hint| known.contains(&hint.as_str())), "{hints:?} {known:?}");
    }
}

#[test]
fn call_tool_result_in_both_eras() {
    let breaks: [Break; 5] = [
        ("/resultType", None),
        ("/content", None),
        ("/content/0/text", None),
        ("/content/0/type", Some(json!("words"))),
        ("/isError", Some(json!("no"))),
    ];
    for result in [succeeded(), failed()] {
        check(MODERN, "CallToolResult", &result, &breaks);
        check(LEGACY, "CallToolResult", &older(&result), &breaks[1..]);
    }
    let no_object: [Break; 1] = [("/structuredContent", Some(json!([])))];
    check(LEGACY, "CallToolResult", &older(&succeeded()), &no_object);
    let schema = Schema::of(MODERN);
    assert_eq!(schema.document["$defs"]["TextContent"]["properties"]["type"]["const"], "text");
}

/// The replies of `mcp-wire` to a request with this id: one with a result, one with an error.
fn replies(id: &str) -> [Value; 2] {
    let text = format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"tools/list"}}"#);
    let Message::Request(request) = Message::parse(&text).unwrap() else {
        panic!("{text} is a request");
    };
    let error = RpcError::new(code::INVALID_PARAMS, "no such \"tool\"").with_data(json!([1]));
    let result = result_reply(request.id, &tools(Era::Modern));
    let error = error_reply(Some(request.id), &error);
    [result, error].map(|bytes| serde_json::from_slice(&bytes).unwrap())
}

#[test]
fn replies_are_json_rpc_responses() {
    let of_both: [Break; 4] = [
        ("/jsonrpc", None),
        ("/jsonrpc", Some(json!("1.0"))),
        ("/id", Some(Value::Null)),
        ("/id", Some(json!([1]))),
    ];
    let of_results: [Break; 3] = [("/id", None), ("/result", None), ("/result", Some(json!([])))];
    let of_errors: [Break; 4] = [
        ("/error", None),
        ("/error/code", None),
        ("/error/code", Some(json!("-1"))),
        ("/error/message", None),
    ];
    for id in ["7", "-1", "0", r#""a\"\u00e9""#, r#""""#] {
        let [result, error] = replies(id);
        for revision in [MODERN, LEGACY] {
            let breaks = [&of_both[..], &of_results].concat();
            check(revision, "JSONRPCResultResponse", &result, &breaks);
            let breaks = [&of_both[..], &of_errors].concat();
            check(revision, "JSONRPCErrorResponse", &error, &breaks);
        }
    }
    // Where no id could be read, the member is absent.
    let nameless = error_reply(None, &RpcError::new(code::PARSE_ERROR, "not JSON"));
    let nameless: Value = serde_json::from_slice(&nameless).unwrap();
    for revision in [MODERN, LEGACY] {
        let breaks: [Break; 1] = [("/error/code", Some(json!(1.5)))];
        check(revision, "JSONRPCErrorResponse", &nameless, &breaks);
    }
}

#[test]
fn errors_have_the_numbers_of_the_newest_revision() {
    let table = [
        ("ParseError", code::PARSE_ERROR),
        ("InvalidRequestError", code::INVALID_REQUEST),
        ("MethodNotFoundError", code::METHOD_NOT_FOUND),
        ("InvalidParamsError", code::INVALID_PARAMS),
        ("InternalError", code::INTERNAL_ERROR),
    ];
    for (name, code) in table {
        let other: [Break; 2] = [("/message", None), ("/code", Some(json!(1.5)))];
        check(MODERN, name, &RpcError::new(code, "what happened"), &other);
        let text = Schema::of(MODERN).document["$defs"][name]["properties"]["code"].to_string();
        assert!(text.contains(&code.to_string()), "{name}: {text}");
    }
    let whole =
        |error: &RpcError| -> Value { serde_json::from_slice(&error_reply(None, error)).unwrap() };
    let mismatch = whole(&RpcError::new(code::HEADER_MISMATCH, "header mismatch"));
    let another: [Break; 1] = [("/error/code", Some(json!(-32_602)))];
    check(MODERN, "HeaderMismatchError", &mismatch, &another);
    let data = json!({ "supported": [MODERN], "requested": "2024-11-05" });
    let version = whole(&RpcError::new(code::UNSUPPORTED_PROTOCOL_VERSION, "no").with_data(data));
    let breaks: [Break; 3] = [
        ("/error/code", Some(json!(-32_602))),
        ("/error/data", None),
        ("/error/data/supported", None),
    ];
    check(MODERN, "UnsupportedProtocolVersionError", &version, &breaks);
}
