//! Parameters of the legacy dialect: checked, and turned into the arguments of a tool.

use mcp_wire::{Object, RpcError, code};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::registry::{Fault, Kind, Method, Schema};

/// What stands for the parameters as a whole where the old contract names a place.
const WHOLE: &str = "params";

/// The parameters as the server of the method gets them, as JSON text: an object of arguments for a tool, else the array
/// that the client sent.
pub(super) fn arguments(method: &Method, params: Option<&RawValue>) -> Result<String, RpcError> {
    let given = params.map_or("[]", RawValue::get);
    match &method.kind {
        Kind::Tool(tool) if given.starts_with('{') => {
            // Two readers of one call must not see two values.
            Object::parse(given).map_err(|error| invalid(WHOLE, &error.to_string()))?;
            check(&tool.named, given)?;
            Ok(given.to_owned())
        }
        Kind::Tool(tool) => {
            check(&method.positional, given)?;
            let items: Vec<&RawValue> = serde_json::from_str(given).map_err(|_| unreadable())?;
            Ok(named(&tool.arguments, &items))
        }
        Kind::Old => {
            check(&method.positional, given)?;
            Ok(given.to_owned())
        }
    }
}

/// Arguments by name, each with its text as it came.
fn named(names: &[String], items: &[&RawValue]) -> String {
    let members = names.iter().zip(items).map(|(name, item)| {
        let name = Value::from(name.as_str());
        format!("{name}:{}", item.get())
    });
    format!("{{{}}}", members.collect::<Vec<_>>().join(","))
}

fn check(schema: &Schema, params: &str) -> Result<(), RpcError> {
    let value: Value = serde_json::from_str(params).map_err(|_| unreadable())?;
    schema.check(&value).map_err(|fault| match fault {
        Fault::Schema => {
            let text = "the cap file of this method holds no valid schema: tell the administrator";
            RpcError::new(code::INTERNAL_ERROR, text)
        }
        Fault::Parameter { path, reason } if path.is_empty() => invalid(WHOLE, &reason),
        Fault::Parameter { path, reason } => invalid(&path.join(" -> "), &reason),
    })
}

fn invalid(place: &str, reason: &str) -> RpcError {
    RpcError::new(code::INVALID_PARAMS, format!("Invalid parameter '{place}': {reason}"))
}

/// What cannot be read as JSON has been refused before, save for numbers and text that have no value.
fn unreadable() -> RpcError {
    invalid(WHOLE, "it holds a text or a number that cannot be read")
}
