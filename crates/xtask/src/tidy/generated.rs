//! Files that are generated and tracked, which are only the two lock files: Cargo makes one from the manifests of the
//! crates, npm the other from that of the clients.
//!
//! Cap files are made where they are needed, the published schemas are downloaded, and the corpora of fuzzing, the golden
//! messages and the expected failures are written by hand.

use std::fs;
use std::process::Stdio;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::workspace::Workspace;

/// Where npm's files are.
const CLIENTS: &str = "crates/testkit/clients/typescript";

/// The members of a manifest that npm copies to the lock file.
const COPIED: [&str; 4] =
    ["dependencies", "devDependencies", "optionalDependencies", "peerDependencies"];

/// Which of them are stale, one line each.
pub(super) fn check(workspace: &Workspace) -> Result<Vec<String>> {
    let mut problems: Vec<String> = cargo(workspace)?.into_iter().collect();
    let folder = workspace.root.join(CLIENTS);
    let read = |name: &str| -> Result<Value> {
        let file = folder.join(name);
        let text =
            fs::read_to_string(&file).with_context(|| format!("read `{}`", file.display()))?;
        serde_json::from_str(&text).with_context(|| format!("parse `{}`", file.display()))
    };
    if !npm(&read("package.json")?, &read("package-lock.json")?) {
        problems.push(format!("`{CLIENTS}/package-lock.json` is stale: run `npm install` there"));
    }
    Ok(problems)
}

/// Asks Cargo whether it would write another `Cargo.lock`. (The alias `cargo xtask` asks before it compiles this, or it
/// would be mended by then, and nobody would learn that the one that is tracked is stale.)
fn cargo(workspace: &Workspace) -> Result<Option<String>> {
    let output = workspace
        .cargo(["metadata", "--locked", "--format-version", "1"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .output()
        .context("start `cargo metadata`")?;
    let said = String::from_utf8_lossy(&output.stderr);
    let said = said.trim();
    Ok((!output.status.success()).then(|| format!("`Cargo.lock` cannot be taken as it is: {said}")))
}

/// Whether npm's lock file has the dependencies of the manifest, as `npm ci` asks.
fn npm(manifest: &Value, lock: &Value) -> bool {
    let root = &lock["packages"][""];
    COPIED.iter().all(|member| manifest.get(member) == root.get(member))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::cache::Cache;

    #[test]
    fn a_dependency_of_npm_is_locked() {
        let manifest = json!({ "name": "n", "dependencies": { "a": "1.0.0" } });
        let lock = |dependencies: Value| json!({ "name": "n", "packages": { "": { "name": "n", "dependencies": dependencies } } });
        assert!(npm(&manifest, &lock(json!({ "a": "1.0.0" }))));
        assert!(!npm(&manifest, &lock(json!({ "a": "1.0.1" }))));
        assert!(!npm(&manifest, &lock(json!({ "a": "1.0.0", "b": "1.0.0" }))));
        assert!(!npm(&manifest, &json!({})));
    }

    #[test]
    fn a_dependency_of_cargo_is_locked() {
        let temp = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let file = temp.path().join(name);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, text).unwrap();
        };
        let manifest =
            "[package]\nname = \"a\"\nversion = \"0.1.0\"\nedition = \"2024\"\n[workspace]\n";
        write("Cargo.toml", manifest);
        write("src/lib.rs", "");
        write("b/Cargo.toml", "[package]\nname = \"b\"\nversion = \"0.1.0\"\nedition = \"2024\"\n");
        write("b/src/lib.rs", "");
        write("Cargo.lock", "version = 4\n\n[[package]]\nname = \"a\"\nversion = \"0.1.0\"\n");
        let mut workspace = Workspace::load(&Cache::from_env().unwrap()).unwrap();
        temp.path().clone_into(&mut workspace.root);
        assert_eq!(cargo(&workspace).unwrap(), None);
        write("Cargo.toml", &format!("{manifest}[dependencies]\nb = {{ path = \"b\" }}\n"));
        let problem = cargo(&workspace).unwrap().unwrap();
        assert!(problem.contains("--locked"), "{problem}");
    }
}
