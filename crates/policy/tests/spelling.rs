//! No spelling of a path escapes a rule about its folder.

mod appliance;

use std::cell::Cell;

use appliance::{DENY, question, with};
use policy::Policies;
use proptest::prelude::*;

/// Another spelling of the path: detours and what means nothing, put between its parts.
fn spelling(parts: &'static [&'static str]) -> impl Strategy<Value = String> {
    let noise = prop::sample::select(vec!["", ".", "x/..", "./y/../", "a/b/../..", "//", "z/./.."]);
    let noises = prop::collection::vec(noise, parts.len() + 1);
    let start = prop::sample::select(vec!["", "/", "//", "../", "/../..//", "./"]);
    (start, noises).prop_map(move |(start, noises)| {
        let pairs = noises.iter().zip(parts.iter().chain([&""]));
        let spelled: Vec<String> = pairs.map(|(noise, part)| format!("{noise}/{part}")).collect();
        let joined = spelled.join("/");
        format!("{start}{}", joined.trim_start_matches('/'))
    })
}

fn denied(policies: &Policies, path: &str) -> bool {
    let arguments = serde_json::json!({ "path": path }).to_string();
    policies.decide(&question("mcp.fs.read", &arguments)).answer == DENY
}

/// What somebody writes who thinks that a path is its text.
const NAIVE: &str = r#"forbid (principal, action == Action::"mcp.fs.read", resource)
    when { context.arguments.path == "/notes/private" || context.arguments.path like "/notes/private/*" };"#;

#[test]
fn no_spelling_of_a_path_escapes_a_rule_about_its_folder() {
    let policies = with(r#"forbid (principal, action, resource in Path::"/notes/private");"#);
    let naive = with(NAIVE);
    let escaped = Cell::new(0);
    proptest!(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() }, |(
        within in spelling(&["notes", "private", "a.md"]),
        folder in spelling(&["notes", "private"]),
        beside in spelling(&["notes", "public", "private"]),
    )| {
        prop_assert!(denied(&policies, &within), "{within}");
        prop_assert!(denied(&policies, &folder), "{folder}");
        prop_assert!(!denied(&policies, &beside), "{beside}");
        escaped.set(escaped.get() + usize::from(!denied(&naive, &within)));
    });
    let escaped = escaped.get();
    assert!(escaped > 100, "the spellings are no test: only {escaped} escape a rule about text");
}

/// Text made of what paths are made of.
fn any_path() -> impl Strategy<Value = String> {
    let part =
        prop::sample::select(vec!["/", "..", ".", "notes", "private", "a", "%2e", "\\", " "]);
    prop::collection::vec(part, 0..12).prop_map(|parts| parts.concat())
}

#[test]
fn a_rule_about_a_folder_agrees_with_a_walk_from_the_root() {
    let policies = with(r#"forbid (principal, action, resource in Path::"/notes/private");"#);
    proptest!(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() }, |(path in any_path())| {
        // The standard library splits, and what it calls the parent is walked to.
        let mut walked = std::path::PathBuf::from("/");
        for part in std::path::Path::new(&path).components() {
            match part {
                std::path::Component::Normal(name) => walked.push(name),
                std::path::Component::ParentDir => drop(walked.pop()),
                _ => {}
            }
        }
        prop_assert_eq!(denied(&policies, &path), walked.starts_with("/notes/private"), "{}", path);
    });
}
