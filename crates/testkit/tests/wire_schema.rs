//! What a running appliance really answers is what MCP's published JSON Schema says.
//!
//! A client of either era that checks its answers relies on this, for tools of servers that we did not write too.
//! `mcp-types` checks each type by itself; here the gateway has put them together, for the era of the client.
#![cfg(test)]

mod schema;

use std::time::Duration;

use schema::check;
use serde_json::{Value, json};
use testkit::{Appliance, Request, until};

/// The revisions of both eras.
const MODERN: &str = "2026-07-28";
const LEGACY: &str = "2025-11-25";

/// A request of the older era that comes after the handshake.
fn older(appliance: &Appliance, method: &str, params: &Value) -> Value {
    older_request(appliance, method, params).send().json()
}

fn older_request(appliance: &Appliance, method: &str, params: &Value) -> Request {
    appliance.request().legacy(method, params).header("MCP-Protocol-Version", LEGACY)
}

fn modern(appliance: &Appliance, method: &str, params: &Value) -> Value {
    appliance.request().modern(method, params).send().json()
}

/// What each era must not say to the other.
fn check_era(result: &Value, modern: bool) {
    for member in ["resultType", "ttlMs", "cacheScope"] {
        let found = result.get(member).is_some();
        assert!(modern || !found, "`{member}` is for the modern era: {result}");
    }
    assert_eq!(result.get("resultType") == Some(&json!("complete")), modern, "{result}");
}

fn appliance() -> Appliance {
    Appliance::new().file("a/b.txt", "text").file("c.bin", [0xff, 0, 1]).start()
}

#[test]
fn who_we_are() {
    let appliance = appliance();
    let discovered = modern(&appliance, "server/discover", &json!({}));
    check(MODERN, "DiscoverResultResponse", &discovered, "/result/supportedVersions");
    check_era(&discovered["result"], true);
    for asked in [LEGACY, "2025-06-18", "2025-03-26", "2024-11-05", MODERN] {
        let params = json!({
            "protocolVersion": asked, "capabilities": {}, "clientInfo": { "name": "t", "version": "1" },
        });
        let reply = appliance.request().legacy("initialize", &params).send().json();
        check(LEGACY, "JSONRPCResultResponse", &reply, "/result");
        check(LEGACY, "InitializeResult", &reply["result"], "/serverInfo");
        check_era(&reply["result"], false);
    }
    let pong = older(&appliance, "ping", &json!({}));
    check(LEGACY, "JSONRPCResultResponse", &pong, "/id");
}

#[test]
fn lists_of_tools() {
    let appliance = appliance();
    let listed = modern(&appliance, "tools/list", &json!({}));
    check(MODERN, "ListToolsResultResponse", &listed, "/result/tools");
    check_era(&listed["result"], true);
    let older = older(&appliance, "tools/list", &json!({}));
    check(LEGACY, "JSONRPCResultResponse", &older, "/result");
    check(LEGACY, "ListToolsResult", &older["result"], "/tools");
    check_era(&older["result"], false);
    let tools = listed["result"]["tools"].as_array().unwrap();
    assert_eq!(older["result"]["tools"], listed["result"]["tools"], "both eras see the same tools");
    assert_eq!(tools.len(), 24);
    for tool in tools {
        check(MODERN, "Tool", tool, "/inputSchema");
        check(LEGACY, "Tool", tool, "/outputSchema/type");
        // The schemas themselves are valid, and say what is wrong with arguments that do not fit.
        for schema in ["inputSchema", "outputSchema"] {
            let schema = jsonschema::draft202012::new(&tool[schema]).unwrap();
            assert!(!schema.is_valid(&json!([])), "{tool}");
        }
    }
}

#[test]
fn calls_of_tools() {
    let appliance = appliance();
    let tools = modern(&appliance, "tools/list", &json!({}));
    let table = [
        ("fs_list", json!({ "path": "/" }), false),
        ("fs_list", json!({ "path": "/", "limit": 1 }), false),
        ("fs_read", json!({ "path": "/a/b.txt" }), false),
        ("fs_read", json!({ "path": "/c.bin", "encoding": "base64" }), false),
        ("fs_write", json!({ "path": "/new", "content": "x" }), false),
        ("fs_delete", json!({ "path": "/new" }), false),
        ("fs_read", json!({ "path": "/c.bin" }), true),
        ("fs_read", json!({ "path": "/none" }), true),
        ("fs_read", json!({ "path": 7 }), true),
        ("fs_read", json!({}), true),
        ("fs_delete", json!({ "path": "/a" }), true),
    ];
    for era_is_modern in [true, false] {
        for (tool, arguments, fails) in &table {
            let params = json!({ "name": tool, "arguments": arguments });
            let reply = if era_is_modern {
                modern(&appliance, "tools/call", &params)
            } else {
                older(&appliance, "tools/call", &params)
            };
            let result = &reply["result"];
            if era_is_modern {
                check(MODERN, "CallToolResultResponse", &reply, "/result");
                check(MODERN, "CallToolResult", result, "/content");
            } else {
                check(LEGACY, "JSONRPCResultResponse", &reply, "/id");
                check(LEGACY, "CallToolResult", result, "/content");
            }
            check_era(result, era_is_modern);
            assert_eq!(result["isError"], *fails, "{tool} {arguments}: {reply}");
            if !fails {
                check_output(&tools, tool, &result["structuredContent"]);
            }
        }
    }
}

/// Structured content is what the tool's own output schema says.
fn check_output(tools: &Value, name: &str, output: &Value) {
    let tools = tools["result"]["tools"].as_array().unwrap();
    let tool = tools.iter().find(|tool| tool["name"] == name).unwrap();
    let schema = jsonschema::draft202012::new(&tool["outputSchema"]).unwrap();
    assert!(schema.is_valid(output), "{name}: {output}");
    let mut broken = output.clone();
    broken["path"] = json!(1);
    assert!(!schema.is_valid(&broken), "{name}");
}

#[test]
fn refusals() {
    let appliance = appliance();
    let unknown = json!({ "name": "no_such_tool", "arguments": {} });
    check(MODERN, "JSONRPCErrorResponse", &modern(&appliance, "tools/call", &unknown), "/error");
    check(
        LEGACY,
        "JSONRPCErrorResponse",
        &older(&appliance, "tools/call", &unknown),
        "/error/code",
    );
    for era_is_modern in [true, false] {
        let reply = if era_is_modern {
            modern(&appliance, "no/such/method", &json!({}))
        } else {
            older(&appliance, "no/such/method", &json!({}))
        };
        let revision = if era_is_modern { MODERN } else { LEGACY };
        check(revision, "JSONRPCErrorResponse", &reply, "/error/message");
        assert_eq!(reply["error"]["code"], -32_601);
        assert_eq!(reply["id"], 1);
    }
    let request = appliance.request().modern("tools/list", &json!({}));
    let bent = [
        (request.clone().header("Mcp-Method", "tools/call"), "HeaderMismatchError", "/error/code"),
        (request.clone().without("Mcp-Method"), "HeaderMismatchError", "/error/code"),
        (
            appliance
                .request()
                .legacy("tools/list", &json!({}))
                .header("MCP-Protocol-Version", "1"),
            "UnsupportedProtocolVersionError",
            "/error/data",
        ),
        (request.clone().body("{"), "JSONRPCErrorResponse", "/error/code"),
        (request.clone().body("[]"), "JSONRPCErrorResponse", "/error/code"),
        (request.clone().header("Authorization", "Bearer x"), "JSONRPCErrorResponse", "/error"),
        (request.clone().header("Host", "evil.example"), "JSONRPCErrorResponse", "/error"),
        (request.clone().header("Content-Type", "text/plain"), "JSONRPCErrorResponse", "/error"),
        (request.method("GET"), "JSONRPCErrorResponse", "/error"),
    ];
    for (request, name, needed) in bent {
        let response = request.send();
        assert!(response.status >= 400, "{response:?}");
        check(MODERN, name, &response.json(), needed);
    }
}

#[test]
fn tools_of_a_server_that_is_not_ours() {
    let appliance = appliance();
    let _peer = appliance.peer("strange", |frame| {
        let request: Value = serde_json::from_slice(frame).unwrap();
        let result = json!({
            "resultType": "complete",
            "content": [{ "type": "text", "text": "t" }],
            "structuredContent": { "big": 1, "ttlMs": 3 },
            "isError": false,
        });
        let reply = json!({ "jsonrpc": "2.0", "id": request["id"], "result": result });
        Some(format!("{reply}\0").into_bytes())
    });
    let params = json!({ "name": "strange", "arguments": {} });
    let reply = modern(&appliance, "tools/call", &params);
    check(MODERN, "CallToolResultResponse", &reply, "/result");
    check(MODERN, "CallToolResult", &reply["result"], "/content");
    check_era(&reply["result"], true);
    let reply = older(&appliance, "tools/call", &params);
    check(LEGACY, "CallToolResult", &reply["result"], "/content");
    check_era(&reply["result"], false);
    assert_eq!(reply["result"]["structuredContent"]["ttlMs"], 3, "only the envelope is translated");
    appliance.undeclare("strange");
    until("the tool to go", Duration::from_secs(20), || {
        (!appliance.tools().iter().any(|tool| tool == "strange")).then_some(())
    });
}
