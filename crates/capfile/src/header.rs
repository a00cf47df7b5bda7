//! Arguments that clients repeat in HTTP headers: `x-mcp-header` in the input schema of a tool.

use std::collections::HashSet;

use serde_json::{Map, Value};

/// The annotation, in the schema of a property.
const ANNOTATION: &str = "x-mcp-header";

/// An argument that a client repeats in the header `Mcp-Param-NAME` (MCP 2026-07-28, "Custom Headers from Tool
/// Parameters").
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeaderParameter {
    /// `NAME`, in lower case, since names of headers are compared without it.
    pub name: String,
    /// The members that lead to the argument, from the arguments on.
    pub path: Vec<String>,
}

/// The annotated arguments of an input schema, or why the annotations make it invalid.
pub(crate) fn parameters(schema: &Value) -> Result<Vec<HeaderParameter>, &'static str> {
    let mut found = Vec::new();
    read_properties(schema, &[], &mut found)?;
    if found.len() < count(schema, false) {
        return Err(
            "`x-mcp-header` must stand in a property that is reached by `properties` alone",
        );
    }
    let names: HashSet<&str> = found.iter().map(|found| found.name.as_str()).collect();
    if names.len() < found.len() {
        return Err("an `x-mcp-header` stands twice");
    }
    Ok(found)
}

fn read_properties(
    schema: &Value,
    path: &[String],
    found: &mut Vec<HeaderParameter>,
) -> Result<(), &'static str> {
    for (property, schema) in properties(schema).into_iter().flatten() {
        let path = [path, std::slice::from_ref(property)].concat();
        if let Some(name) = schema.get(ANNOTATION) {
            let name = name.as_str().filter(|name| is_token(name));
            let name = name.ok_or("`x-mcp-header` must be the end of a header's name")?;
            let kind = schema.get("type").and_then(Value::as_str);
            if !matches!(kind, Some("string" | "integer" | "boolean")) {
                return Err("`x-mcp-header` needs a property that is string, integer or boolean");
            }
            found.push(HeaderParameter { name: name.to_ascii_lowercase(), path: path.clone() });
        }
        read_properties(schema, &path, found)?;
    }
    Ok(())
}

fn properties(schema: &Value) -> Option<&Map<String, Value>> {
    schema.get("properties")?.as_object()
}

/// How often the annotation stands anywhere in a schema. Under `properties` the keys are names of the author's, and one of
/// them may be that of the annotation.
fn count(value: &Value, keys_are_names: bool) -> usize {
    match value {
        Value::Array(items) => items.iter().map(|item| count(item, false)).sum(),
        Value::Object(members) => {
            let here = usize::from(!keys_are_names && members.contains_key(ANNOTATION));
            let below = |(key, value): (&String, &Value)| {
                count(value, !keys_are_names && key == "properties")
            };
            here + members.iter().map(below).sum::<usize>()
        }
        _ => 0,
    }
}

/// The form of a header's name (RFC 9110, 5.6.2).
fn is_token(text: &str) -> bool {
    let is_mark = |byte: u8| b"!#$%&'*+-.^_`|~".contains(&byte);
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || is_mark(byte))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(properties: &Value, expected: Result<&[(&str, &[&str])], &str>) {
        let schema = json!({ "type": "object", "properties": properties });
        match (parameters(&schema), expected) {
            (Ok(found), Ok(expected)) => {
                let found: Vec<_> = found
                    .iter()
                    .map(|it| (it.name.as_str(), it.path.iter().map(String::as_str).collect()))
                    .collect();
                let expected: Vec<(&str, Vec<&str>)> =
                    expected.iter().map(|(name, path)| (*name, path.to_vec())).collect();
                assert_eq!(found, expected);
            }
            (Err(reason), Err(part)) => assert!(reason.contains(part), "{reason}"),
            (found, expected) => panic!("{found:?} instead of {expected:?}"),
        }
    }

    #[test]
    fn annotated_properties_are_found_at_any_depth() {
        check(&json!({ "a": { "type": "string" } }), Ok(&[]));
        let region = json!({ "type": "string", "x-mcp-header": "Region" });
        check(&json!({ "a": region }), Ok(&[("region", &["a"])]));
        let nested = json!({ "b": { "type": "object", "properties": { "c": region } } });
        check(&nested, Ok(&[("region", &["b", "c"])]));
        let named_so = json!({ "x-mcp-header": { "type": "string" } });
        check(&named_so, Ok(&[]));
    }

    #[test]
    fn what_the_protocol_forbids_is_refused() {
        for name in [json!(""), json!("a b"), json!("a\r\n"), json!("\u{e9}"), json!(1)] {
            let schema = json!({ "a": { "type": "string", "x-mcp-header": name } });
            check(&schema, Err("end of a header's name"));
        }
        for kind in [json!("number"), json!("array"), json!(["string", "null"]), json!(null)] {
            let schema = json!({ "a": { "type": kind, "x-mcp-header": "A" } });
            check(&schema, Err("string, integer or boolean"));
        }
        let a = json!({ "type": "string", "x-mcp-header": "A" });
        let same = json!({ "type": "string", "x-mcp-header": "a" });
        check(&json!({ "a": a, "b": same }), Err("twice"));
        for around in ["items", "not", "if"] {
            check(&json!({ "b": { around: a } }), Err("`properties` alone"));
            check(&json!({ "b": { around: { "properties": { "c": a } } } }), Err("alone"));
        }
        check(&json!({ "b": { "anyOf": [a] } }), Err("alone"));
    }
}
