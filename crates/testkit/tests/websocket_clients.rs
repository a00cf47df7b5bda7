//! WebSocket clients that nobody here wrote use the file server through `/ws`: those of the official Python and TypeScript
//! SDKs, with the key shown in each of the three ways.
#![cfg(test)]

use std::fs;
use std::process::Command;

use serde_json::Value;
use testkit::{Appliance, Tools, checkout};

fn check(client: impl FnOnce(&Tools) -> Command, script: &str, show: &str) {
    let appliance = Appliance::new().file("notes/other.txt", "untouched").start();
    let output = client(&Tools::installed())
        .arg(checkout().join("crates/testkit/clients").join(script))
        .env("MCP_WS", &appliance.facts().ws)
        .env("MCP_KEY", &appliance.facts().key)
        .env("MCP_SHOW", show)
        .output()
        .unwrap();
    let (out, log) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{script} {show}: {out}\n{log}\n{}", appliance.log("gateway"));
    let report: Value = serde_json::from_str(out.lines().last().unwrap()).unwrap();
    assert_eq!(report["ok"], true, "{report}");
    println!("{script}, key by {show}: {}", report["steps"]);
    assert!(log.is_empty(), "the client complains: {log}");
    assert_eq!(
        fs::read_dir(appliance.root().join("notes")).unwrap().count(),
        1,
        "it left something"
    );
}

#[test]
fn the_python_client_with_its_key_in_a_header() {
    check(Tools::python_with_websocket, "python/websocket_calls.py", "header");
}

#[test]
fn the_typescript_client_with_its_key_as_a_sub_protocol() {
    check(Tools::node, "typescript/websocket_calls.mjs", "protocol");
}

#[test]
fn the_typescript_client_with_its_key_in_a_first_frame() {
    check(Tools::node, "typescript/websocket_calls.mjs", "frame");
}
