//! `flake.lock` holds what `flake.nix` asks for, each to the byte.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use crate::say;

const REVISION_DIGITS: usize = 40;
const SHA256_BYTES: usize = 32;

/// Compares the two.
pub(super) fn check(root: &Path) -> Result<()> {
    let flake = fs::read_to_string(root.join("flake.nix"))?;
    let lock = fs::read_to_string(root.join("flake.lock"))?;
    let inputs = agrees(&flake, &lock)?;
    say::line(format!("`flake.lock` locks {}", inputs.join(", ")));
    Ok(())
}

/// The names of the inputs, where the lock is right.
fn agrees(flake: &str, lock: &str) -> Result<Vec<String>> {
    let lock: Value = serde_json::from_str(lock).context("read `flake.lock`")?;
    let locked = lock["nodes"]["root"]["inputs"].as_object().context("`flake.lock` has a root")?;
    let names: BTreeSet<&str> = locked.keys().map(String::as_str).collect();
    // An input is named where its URL is: `NAME.url = "…"`, or `url = "…"` in the braces of `NAME`.
    let mut asked = BTreeSet::new();
    let mut within = "";
    for line in flake.lines().map(str::trim) {
        if let Some(name) = line.strip_suffix(" = {") {
            within = name;
        }
        let Some((name, url)) = line.split_once("url = \"") else { continue };
        let name = name.trim_end_matches('.');
        let name = if name.is_empty() { within } else { name };
        let url = url.trim_end_matches("\";");
        // The lock may call its node otherwise, where an input of an input has the name.
        let node = &lock["nodes"][locked[name].as_str().unwrap_or_default()];
        let original = &node["original"];
        let text = |member: &str| original[member].as_str().unwrap_or_default();
        let mut source = format!("github:{}/{}", text("owner"), text("repo"));
        if !text("ref").is_empty() {
            source = format!("{source}/{}", text("ref"));
        }
        ensure!(url == source, "`flake.nix` asks for {url}, and `flake.lock` has {source}");
        for member in ["owner", "repo"] {
            let same = node["locked"][member] == original[member];
            ensure!(same, "`{name}` is locked to another {member} than {url}");
        }
        asked.insert(name);
    }
    ensure!(asked == names, "`flake.nix` has the inputs {asked:?}, `flake.lock` {names:?}");
    // What an input asks for in its turn is fetched as well.
    let nodes = lock["nodes"].as_object().context("`flake.lock` has nodes")?;
    for (name, node) in nodes.iter().filter(|(name, _)| *name != "root") {
        whole(name, &node["locked"])?;
    }
    Ok(asked.into_iter().map(str::to_owned).collect())
}

fn whole(name: &str, locked: &Value) -> Result<()> {
    let revision = locked["rev"].as_str().unwrap_or_default();
    let hex = revision.len() == REVISION_DIGITS && revision.bytes().all(|b| b.is_ascii_hexdigit());
    ensure!(hex, "`{name}` is locked to {revision:?}, which is no revision");
    let hash = locked["narHash"].as_str().and_then(|hash| hash.strip_prefix("sha256-"));
    let bytes = hash.and_then(|hash| STANDARD.decode(hash).ok()).map(|bytes| bytes.len());
    ensure!(bytes == Some(SHA256_BYTES), "`{name}` is locked without a SHA-256");
    ensure!(locked["lastModified"].is_u64(), "`{name}` is locked without its time");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const FLAKE: &str =
        "inputs = {\n  a.url = \"github:o/r\";\n  b = {\n    url = \"github:p/q/x\";\n  };\n};\n";

    type Break = fn(&mut Value);

    fn lock(change: impl FnOnce(&mut Value)) -> String {
        let node = |owner: &str, repo: &str, original: &str| -> Value {
            let original: Value = serde_json::from_str(original).unwrap();
            serde_json::json!({
                "locked": { "owner": owner, "repo": repo, "rev": "0".repeat(40), "lastModified": 1,
                    "narHash": format!("sha256-{}", STANDARD.encode([0; 32])) },
                "original": original
            })
        };
        let mut lock = serde_json::json!({ "nodes": {
            "root": { "inputs": { "a": "a", "b": "b_2" } },
            "a": node("o", "r", r#"{"owner":"o","repo":"r"}"#),
            "b": node("s", "t", r#"{"owner":"s","repo":"t"}"#),
            "b_2": node("p", "q", r#"{"owner":"p","repo":"q","ref":"x"}"#),
        } });
        change(&mut lock);
        lock.to_string()
    }

    #[test]
    fn a_lock_is_of_this_flake_and_whole() {
        assert_eq!(agrees(FLAKE, &lock(|_| ())).unwrap(), ["a", "b"]);
        let breaks: [(Break, &str); 9] = [
            (|lock| lock["nodes"]["a"]["locked"]["rev"] = "main".into(), "no revision"),
            (|lock| lock["nodes"]["a"]["locked"]["rev"] = "g".repeat(40).into(), "no revision"),
            (|lock| lock["nodes"]["a"]["locked"]["narHash"] = "sha256-AAAA".into(), "a SHA-256"),
            (|lock| lock["nodes"]["b"]["locked"]["narHash"] = Value::Null, "`b` is locked without"),
            (|lock| lock["nodes"]["b_2"]["original"]["ref"] = "y".into(), "asks for"),
            (|lock| lock["nodes"]["b_2"]["locked"]["owner"] = "z".into(), "another owner"),
            (|lock| lock["nodes"]["root"]["inputs"]["c"] = "c".into(), "has the inputs"),
            (|lock| lock["nodes"]["a"]["locked"]["lastModified"] = Value::Null, "its time"),
            (|lock| lock["nodes"]["root"] = Value::Null, "has a root"),
        ];
        for (change, why) in breaks {
            let error = agrees(FLAKE, &lock(change)).unwrap_err().to_string();
            assert!(error.contains(why), "{error} for {why}");
        }
        let other = FLAKE.replace("github:o/r", "github:o/other");
        assert!(agrees(&other, &lock(|_| ())).is_err(), "the flake asks for another");
        assert!(agrees(FLAKE, "{").is_err(), "no JSON");
    }
}
