//! MCP's published JSON Schema, which messages are held to.

use std::fs;

use jsonschema::Validator;
use serde_json::{Value, json};
use testkit::Tools;

/// The validator of one definition of a revision.
fn definition(revision: &str, name: &str) -> Validator {
    let text = fs::read(Tools::installed().path(&format!("schema/{revision}.json"))).unwrap();
    let document: Value = serde_json::from_slice(&text).unwrap();
    assert!(document["$defs"][name].is_object(), "{revision} has no `{name}`");
    let schema = json!({
        "$schema": document["$schema"],
        "$ref": format!("#/$defs/{name}"),
        "$defs": document["$defs"],
    });
    jsonschema::draft202012::new(&schema).unwrap()
}

/// Checks a value, and that it fails once the member at the pointer is `null`.
#[track_caller]
pub(crate) fn check(revision: &str, name: &str, value: &Value, needed: &str) {
    let validator = definition(revision, name);
    let faults: Vec<String> = validator.iter_errors(value).map(|fault| fault.to_string()).collect();
    assert!(faults.is_empty(), "{name} of {revision}: {faults:?}\n{value:#}");
    let mut broken = value.clone();
    *broken.pointer_mut(needed).unwrap_or_else(|| panic!("no {needed} in {value:#}")) = Value::Null;
    assert!(!validator.is_valid(&broken), "{name} of {revision} is valid without {needed}");
}
