//! From the arguments of a call to the struct of its tool.
//!
//! Every fault is named with its place and without its value: a value may be large, or private.

use jsonschema::Validator;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::limits::MAX_ARGUMENT_FAULTS;
use crate::tool::{ErrorKind, ToolError};

/// Checks arguments against the schema of the tool and reads them.
pub(crate) fn read<T: DeserializeOwned>(
    schema: &Validator,
    mut arguments: Value,
) -> Result<T, ToolError> {
    check(schema, &arguments)?;
    whole_numbers(&mut arguments);
    // What the schema takes and the struct does not is a number that no integer of its size can hold.
    serde_path_to_error::deserialize(arguments).map_err(|error| {
        let place = error.path().to_string().replace('.', "/");
        refused(&format!("/{place}: not a value that this tool can take"))
    })
}

fn check(schema: &Validator, arguments: &Value) -> Result<(), ToolError> {
    let faults: Vec<String> = schema
        .iter_errors(arguments)
        .take(MAX_ARGUMENT_FAULTS)
        .map(|fault| {
            let place = fault.instance_path().to_string();
            let place = if place.is_empty() { "/" } else { &place };
            format!("{place}: {}", fault.masked())
        })
        .collect();
    if faults.is_empty() { Ok(()) } else { Err(refused(&faults.join("; "))) }
}

fn refused(faults: &str) -> ToolError {
    ToolError::new(ErrorKind::InvalidArguments, format!("invalid arguments: {faults}"))
}

/// Makes an integer of every number that is one: to JSON Schema 10.0 is an integer, and models write it so.
fn whole_numbers(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(whole_numbers),
        Value::Object(members) => members.values_mut().for_each(whole_numbers),
        Value::Number(number) => {
            if let Some(whole) = number.as_f64().filter(|_| number.is_f64()).and_then(as_integer) {
                *value = whole.into();
            }
        }
        Value::Null | Value::Bool(_) | Value::String(_) => {}
    }
}

/// The integer that a float is, where floats are exact.
pub(crate) fn as_integer(float: f64) -> Option<i64> {
    /// Beyond 2 to the 53rd a float stands for several integers.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    if float.fract() != 0.0 || float.abs() > EXACT {
        return None;
    }
    // Its digits are those of the integer, which spares a cast that could cut.
    format!("{float:.0}").parse().ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_an_integer_becomes_one_and_nothing_else_changes() {
        let table = [
            (
                json!({ "a": [10.0, -0.0, 1e3], "b": "10.0" }),
                json!({ "a": [10, 0, 1000], "b": "10.0" }),
            ),
            (json!([1.5, 1e300, null, true, 7]), json!([1.5, 1e300, null, true, 7])),
            (json!(9_007_199_254_740_992.0), json!(9_007_199_254_740_992_i64)),
        ];
        for (mut value, expected) in table {
            whole_numbers(&mut value);
            assert_eq!(value, expected);
        }
    }
}
