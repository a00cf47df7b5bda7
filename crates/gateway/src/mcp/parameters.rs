//! `Mcp-Param-NAME`: arguments that a client repeats in headers, which must say the same as the body (MCP 2026-07-28, "Server
//! Behavior for Custom Headers").

use axum::http::{HeaderMap, HeaderName};
use capfile::HeaderParameter;
use mcp_wire::{Object, RpcError};
use serde_json::Value;

use crate::mcp::modern;

/// Checks the headers of every annotated argument: each is there if, and only if, the argument is, and says the same.
pub(super) fn check(
    annotated: &[HeaderParameter],
    params: &Object<'_>,
    headers: &HeaderMap,
) -> Result<(), RpcError> {
    if annotated.is_empty() {
        return Ok(());
    }
    let arguments = params.get("arguments").map(|raw| serde_json::from_str::<Value>(raw.get()));
    // What is no object has no arguments, and the server refuses it.
    let arguments = arguments.and_then(Result::ok).unwrap_or_default();
    for parameter in annotated {
        let name = HeaderName::try_from(format!("mcp-param-{}", parameter.name));
        // The cap file was refused if it is none.
        let Ok(name) = name else { continue };
        let value = parameter.path.iter().try_fold(&arguments, |value, key| value.get(key));
        let value = value.filter(|value| !value.is_null());
        match (modern::header(headers, &name)?, value) {
            (None, None) => {}
            (None, Some(_)) => return Err(modern::mismatch(&name, "is missing")),
            (Some(_), None) => {
                return Err(modern::mismatch(&name, "stands for an argument that is not there"));
            }
            (Some(header), Some(value)) => {
                let header = modern::decoded(&name, &header)?;
                if !says(value, &header) {
                    return Err(modern::mismatch(&name, "differs from the body"));
                }
            }
        }
    }
    Ok(())
}

/// Whether a header says what an argument is ("Value Encoding").
fn says(value: &Value, header: &str) -> bool {
    match value {
        Value::String(text) => text == header,
        Value::Bool(flag) => header == if *flag { "true" } else { "false" },
        Value::Number(number) => header.parse::<i64>().is_ok_and(|stated| {
            // An integer may be written with a fraction of zero in JSON, and Rust writes such a float without.
            let float = || number.as_f64().map(|float| float.to_string());
            number.as_i64() == Some(stated) || float() == Some(stated.to_string())
        }),
        Value::Null | Value::Array(_) | Value::Object(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;
    use serde_json::json;

    use super::*;

    fn check_one(arguments: &Value, header: Option<&str>, expected: Result<(), &str>) {
        let annotated =
            [HeaderParameter { name: "at".to_owned(), path: vec!["a".into(), "b".into()] }];
        let params = json!({ "arguments": arguments }).to_string();
        let mut headers = HeaderMap::new();
        if let Some(header) = header {
            headers.insert("mcp-param-at", HeaderValue::from_str(header).unwrap());
        }
        let checked = check(&annotated, &Object::parse(&params).unwrap(), &headers);
        match (&checked, expected) {
            (Ok(()), Ok(())) => {}
            (Err(error), Err(reason)) if error.message.contains(reason) => {}
            _ => panic!("{arguments} {header:?}: {checked:?} instead of {expected:?}"),
        }
    }

    #[test]
    fn a_header_says_what_its_argument_is() {
        let with = |value: Value| json!({ "a": { "b": value } });
        for (value, header) in [
            (json!("x"), "x"),
            (json!("\u{e9}"), "=?base64?w6k=?="),
            (json!("=?base64?w6k="), "=?base64?w6k="),
            (json!(42), "42"),
            (json!(-7.0), "-7"),
            (json!(true), "true"),
        ] {
            check_one(&with(value), Some(header), Ok(()));
        }
        for (value, header) in [
            (json!("x"), "X"),
            (json!(42), "43"),
            (json!(42), "x"),
            (json!(4.5), "4"),
            (json!(true), "True"),
            (json!([1]), "[1]"),
        ] {
            check_one(&with(value), Some(header), Err("differs"));
        }
        for header in ["=?base64?w6k?=", "=?base64?w!k=?=", "=?base64?/w==?="] {
            check_one(&with(json!("x")), Some(header), Err("base64"));
        }
    }

    #[test]
    fn a_header_is_there_if_its_argument_is() {
        check_one(&json!({ "a": { "b": "x" } }), None, Err("missing"));
        for without in [json!({}), json!({ "a": { "b": null } }), json!({ "a": 1 }), json!(null)] {
            check_one(&without, None, Ok(()));
            check_one(&without, Some("x"), Err("not there"));
        }
    }
}
