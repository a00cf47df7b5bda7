//! C7: every tool, in every tier, with every kind of key. Whoever adds a tool adds its row, or this fails.
#![cfg(test)]

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Value, json};
use testkit::{Appliance, Request, until};

/// How long a test waits for what must come.
const PATIENCE: Duration = Duration::from_secs(20);
/// The tiers, in the order of the columns below.
const TIERS: [&str; 3] = ["FREE", "PRO", "ELITE"];
/// The error of a call that this client, or this appliance, may not make.
const NOT_PERMITTED: i64 = -31407;

/// A tool, its name for scopes, something that can be asked of it, and in which tier it may be called.
struct Row {
    tool: &'static str,
    method: &'static str,
    arguments: fn() -> Value,
    tiers: [bool; 3],
}

const ROWS: [Row; 4] = [
    Row {
        tool: "fs_list",
        method: "mcp.fs.list",
        arguments: || json!({ "path": "/" }),
        tiers: [true, true, true],
    },
    Row {
        tool: "fs_read",
        method: "mcp.fs.read",
        arguments: || json!({ "path": "/a.txt" }),
        tiers: [true, true, true],
    },
    Row {
        tool: "fs_write",
        method: "mcp.fs.write",
        arguments: || json!({ "path": "/b.txt", "content": "b" }),
        tiers: [false, true, true],
    },
    Row {
        tool: "fs_delete",
        method: "mcp.fs.delete",
        arguments: || json!({ "path": "/none.txt" }),
        tiers: [false, true, true],
    },
];

/// How a call is met.
#[derive(Debug, PartialEq, Eq)]
enum Met {
    /// It reached the server.
    Called,
    /// It may not be made.
    NotPermitted,
    /// No good key was shown.
    Unknown,
}

fn call(appliance: &Appliance, key: Option<&str>, row: &Row) -> Met {
    let params = json!({ "name": row.tool, "arguments": (row.arguments)() });
    let request = Request::new(appliance.port(), key.unwrap_or_default());
    let request = if key.is_none() { request.without("Authorization") } else { request };
    let response = request.modern("tools/call", &params).send();
    match response.status {
        // The one, or the other where many wrong ones have come.
        401 | 429 => Met::Unknown,
        200 => match response.json()["error"]["code"].as_i64() {
            None => Met::Called,
            Some(NOT_PERMITTED) => Met::NotPermitted,
            Some(other) => panic!("{}: {other}", row.tool),
        },
        other => panic!("{}: {other}", row.tool),
    }
}

/// The tools that a client is shown.
fn shown(appliance: &Appliance, key: &str) -> BTreeSet<String> {
    let request = Request::new(appliance.port(), key).modern("tools/list", &json!({}));
    let reply = request.send().json();
    let tools = reply["result"]["tools"].as_array().expect("a list of tools");
    tools.iter().map(|tool| tool["name"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn every_tool_in_every_tier_with_every_kind_of_key() {
    let appliance = Appliance::new().file("a.txt", "a").start();
    let all: BTreeSet<String> = appliance.tools().into_iter().collect();
    let rows: BTreeSet<String> = ROWS.iter().map(|row| row.tool.to_owned()).collect();
    assert_eq!(all, rows, "every tool has a row here, and nothing else has");

    let everything = appliance.client("everything", &["*"]);
    let stranger = appliance.client("stranger", &["mcp.other.*"]);
    let revoked = appliance.client("revoked", &["*"]);
    appliance.administer(&["client", "revoke", "revoked"]);
    let expired = appliance.administer(&[
        "client",
        "add",
        "expired",
        "--scope",
        "*",
        "--expires",
        "2020-01-01T00:00:00Z",
    ]);
    until("the client to be gone", PATIENCE, || {
        (appliance.status_of(&revoked) != 200).then_some(())
    });
    let bad = everything.replace("llmb_", "llmb_x");

    for (at, tier) in TIERS.into_iter().enumerate() {
        appliance.set_tier(tier);
        for row in &ROWS {
            let allowed = if row.tiers[at] { Met::Called } else { Met::NotPermitted };
            let own = appliance.client(&format!("{tier}-{}", row.tool), &[row.method]);
            for (kind, key, expected) in [
                ("its own scope", Some(own.as_str()), &allowed),
                ("every scope", Some(everything.as_str()), &allowed),
                ("another client", Some(stranger.as_str()), &Met::NotPermitted),
                ("no key", None, &Met::Unknown),
                ("a bad key", Some(bad.as_str()), &Met::Unknown),
                ("an expired key", Some(expired.as_str()), &Met::Unknown),
                ("a revoked key", Some(revoked.as_str()), &Met::Unknown),
            ] {
                assert_eq!(call(&appliance, key, row), *expected, "{tier} {} {kind}", row.tool);
            }
            let listed = if row.tiers[at] { vec![row.tool] } else { Vec::new() };
            assert!(shown(&appliance, &own).iter().eq(&listed), "{tier} {}", row.tool);
        }
        let allowed = ROWS.iter().filter(|row| row.tiers[at]).map(|row| row.tool.to_owned());
        assert_eq!(shown(&appliance, &everything), allowed.collect(), "{tier}");
        assert!(shown(&appliance, &stranger).is_empty());
    }
}
