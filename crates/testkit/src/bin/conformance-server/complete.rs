//! Completion of what a person types.

use mcp_wire::RpcError;
use serde_json::{Value, json};

use crate::call::{Call, invalid};

/// What can be completed: a kind of reference, its name, the argument, and the values that there are.
const KNOWN: [(&str, &str, &str, [&str; 3]); 2] = [
    ("name", "test_prompt_with_arguments", "arg1", ["paris", "park", "party"]),
    ("uri", "test://template/{id}/data", "id", ["1", "12", "123"]),
];

/// The values of an argument that begin with what was typed.
pub(crate) fn complete(call: &Call) -> Result<Value, RpcError> {
    let (reference, argument) = (call.param("ref"), call.param("argument"));
    let typed = argument["value"].as_str();
    let typed = typed.ok_or_else(|| invalid("`argument.value` must be a string"))?;
    let is_named = |(kind, name, _, _): &&(&str, &str, _, _)| reference[*kind] == *name;
    let mut named = KNOWN.iter().filter(is_named).peekable();
    if named.peek().is_none() && !is_reference(reference) {
        return Err(invalid("`ref` must name a prompt or a resource template"));
    }
    // An argument that has no values is no error: there is nothing to propose.
    let values: Vec<&str> = named
        .filter(|(_, _, name, _)| argument["name"] == *name)
        .flat_map(|(_, _, _, values)| values.iter().copied())
        .filter(|value| value.starts_with(typed))
        .collect();
    let completion = json!({ "values": values, "total": values.len(), "hasMore": false });
    Ok(json!({ "resultType": "complete", "completion": completion }))
}

fn is_reference(reference: &Value) -> bool {
    let member = match reference["type"].as_str() {
        Some("ref/prompt") => "name",
        Some("ref/resource") => "uri",
        _ => return false,
    };
    reference[member].is_string()
}
