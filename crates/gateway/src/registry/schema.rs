//! The schema of a method's parameters, compiled when it is first asked.

use std::sync::OnceLock;

use jsonschema::{Draft, Validator};
use serde_json::Value;

/// Members of a schema whose value is data, in which nothing is a schema.
const DATA: [&str; 6] = ["const", "default", "dependentRequired", "enum", "examples", "required"];
/// Members of a schema that hold schemas by names of the author's, which are no members of a schema.
const NAMED: [&str; 5] =
    ["$defs", "definitions", "dependentSchemas", "patternProperties", "properties"];

/// A JSON Schema. Most are never asked, since most calls come in MCP, so it is compiled late.
pub(crate) struct Schema {
    text: Value,
    compiled: OnceLock<Option<Validator>>,
}

/// Why parameters do not fit.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The schema itself is not one.
    Schema,
    /// What does not fit, and where; it names no value.
    Parameter { path: Vec<String>, reason: String },
}

impl Schema {
    pub(super) fn new(text: Value) -> Self {
        Self { text, compiled: OnceLock::new() }
    }

    /// Checks a value and names the first thing that does not fit.
    pub(crate) fn check(&self, value: &Value) -> Result<(), Fault> {
        let validator = self.compiled.get_or_init(|| compile(&self.text));
        let validator = validator.as_ref().ok_or(Fault::Schema)?;
        match validator.iter_errors(value).next() {
            None => Ok(()),
            Some(error) => {
                let path = error.instance_path().to_string();
                let path = path.split('/').skip(1).map(ToOwned::to_owned).collect();
                Err(Fault::Parameter { path, reason: error.masked().to_string() })
            }
        }
    }
}

/// References to other documents are not followed: the library is built without that.
fn compile(text: &Value) -> Option<Validator> {
    let compiled = jsonschema::options().with_draft(draft(text)).build(text);
    compiled.inspect_err(|error| tracing::error!(%error, "a schema in a cap file is none")).ok()
}

/// Draft 7 where `items` is an array anywhere, else 2020-12, in which that is no schema at all: old servers wrote their
/// positional parameters so.
fn draft(schema: &Value) -> Draft {
    if has_tuple(schema) { Draft::Draft7 } else { Draft::Draft202012 }
}

fn has_tuple(schema: &Value) -> bool {
    match schema {
        Value::Array(schemas) => schemas.iter().any(has_tuple),
        Value::Object(members) => members.iter().any(|(key, value)| match key.as_str() {
            "items" if value.is_array() => true,
            data if DATA.contains(&data) => false,
            named if NAMED.contains(&named) => {
                value.as_object().is_some_and(|schemas| schemas.values().any(has_tuple))
            }
            _ => has_tuple(value),
        }),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(schema: Value, value: &Value, expected: Result<(), &[&str]>) {
        match (Schema::new(schema).check(value), expected) {
            (Ok(()), Ok(())) => {}
            (Err(Fault::Parameter { path, reason }), Err(place)) => {
                assert_eq!(path, place);
                assert!(!reason.contains("secret"), "{reason}");
            }
            other => panic!("{value}: {other:?}"),
        }
    }

    #[test]
    fn both_ways_of_writing_positional_parameters() {
        let tuple = json!({ "type": "array", "minItems": 1, "maxItems": 2, "additionalItems": false,
            "items": [{ "type": "string" }, { "type": "boolean", "optional": true }] });
        let prefix = json!({ "type": "array", "minItems": 1, "items": false,
            "prefixItems": [{ "type": "string" }, { "type": "boolean" }] });
        for schema in [tuple, prefix] {
            check(schema.clone(), &json!(["/a"]), Ok(()));
            check(schema.clone(), &json!(["/a", true]), Ok(()));
            check(schema.clone(), &json!([]), Err(&[]));
            check(schema.clone(), &json!([7]), Err(&["0"]));
            check(schema.clone(), &json!(["/a", "secret"]), Err(&["1"]));
            assert!(Schema::new(schema).check(&json!(["/a", true, 1])).is_err());
        }
    }

    #[test]
    fn a_tuple_is_seen_wherever_it_is_and_data_is_no_schema() {
        assert_eq!(draft(&json!({ "items": [{ "properties": {} }] })), Draft::Draft7);
        let nested = json!({ "prefixItems": [{ "properties": { "a": { "items": [{}] } } }] });
        assert_eq!(draft(&nested), Draft::Draft7);
        assert_eq!(draft(&json!({ "items": { "enum": [{ "items": [1] }] } })), Draft::Draft202012);
        let named = json!({ "properties": { "default": { "items": [{}] }, "items": {} } });
        assert_eq!(draft(&named), Draft::Draft7, "a property may be named as a member is");
        let required = json!({ "dependentRequired": { "items": ["x"] } });
        assert_eq!(draft(&required), Draft::Draft202012);
    }

    #[test]
    fn a_schema_that_is_none_fails_its_calls_only() {
        assert_eq!(Schema::new(json!({ "type": "no such" })).check(&json!([])), Err(Fault::Schema));
        let remote = json!({ "$ref": "http://127.0.0.1:1/schema" });
        assert_eq!(Schema::new(remote).check(&json!([])), Err(Fault::Schema));
    }
}
