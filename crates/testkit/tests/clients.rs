//! MCP clients that nobody here wrote list, read, write and delete real files through the gateway: the official
//! TypeScript and Python clients, each in both eras.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test fails on what is missing, and shows figures"
)]

use std::fs;
use std::process::Command;
use std::time::Duration;

use serde_json::Value;
use testkit::{Appliance, Tools, checkout, until};

/// How long a log may take to be written.
const PATIENCE: Duration = Duration::from_secs(10);
/// The calls that each client makes at least.
const CALLS: usize = 4;

/// The file that was there before, and must be there after.
const OTHER: &str = "notes/other.txt";

/// Runs a client's script against a real tree; it checks each step itself and says what it saw.
fn check(
    sdk: &str,
    client: impl FnOnce(&Tools) -> Command,
    script: &str,
    era: &str,
    protocol: &str,
) {
    // Of calls that are done, the logs tell where they are asked to tell all.
    let appliance = Appliance::new().file(OTHER, "untouched").log_level("debug").start();
    let output = client(&Tools::installed())
        .arg(checkout().join("crates/testkit/clients").join(script))
        .env("MCP_URL", &appliance.facts().endpoint)
        .env("MCP_KEY", &appliance.facts().key)
        .env("MCP_ERA", era)
        .output()
        .unwrap();
    let (out, log) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{sdk} {era}: {out}\n{log}\n{}", appliance.log("gateway"));

    let report: Value = serde_json::from_str(out.lines().last().unwrap()).unwrap();
    assert_eq!(report["ok"], true, "{report}");
    assert_eq!(report["protocol"], protocol, "{report}");
    println!("{sdk}, {era} era: {}", report["steps"]);
    assert!(log.is_empty(), "the client complains: {log}");

    // What it made it also deleted, and it touched nothing else.
    let left: Vec<_> = fs::read_dir(appliance.root().join("notes")).unwrap().flatten().collect();
    assert_eq!(left.len(), 1, "{left:?}");
    assert_eq!(fs::read_to_string(appliance.root().join(OTHER)).unwrap(), "untouched");

    one_request_id_through_all(&appliance);
}

/// Each call stands in both logs under one id.
fn one_request_id_through_all(appliance: &Appliance) {
    let ids = |log: &str| -> Vec<String> {
        let ids = log.lines().filter_map(|line| {
            let at = line.find("request_id=")?;
            line.get(at..)?.split([' ', '}']).next().map(ToOwned::to_owned)
        });
        ids.collect()
    };
    // Logs are written behind the daemons' backs, so that no call waits for them.
    let seen = until("calls in the server's log", PATIENCE, || {
        Some(ids(&appliance.log("fs"))).filter(|seen| seen.len() >= CALLS)
    });
    until("the same ids in the gateway's log", PATIENCE, || {
        let known = ids(&appliance.log("gateway"));
        seen.iter().all(|id| known.contains(id)).then_some(())
    });
}

#[test]
fn the_typescript_client_in_the_modern_era() {
    check("TypeScript", Tools::node, "typescript/four_calls.mjs", "modern", "2026-07-28");
}

#[test]
fn the_typescript_client_in_the_older_era() {
    check("TypeScript", Tools::node, "typescript/four_calls.mjs", "legacy", "2025-11-25");
}

#[test]
fn the_python_client_in_the_modern_era() {
    check("Python", Tools::python, "python/four_calls.py", "modern", "2026-07-28");
}

#[test]
fn the_python_client_in_the_older_era() {
    check("Python", Tools::python, "python/four_calls.py", "legacy", "2025-11-25");
}
