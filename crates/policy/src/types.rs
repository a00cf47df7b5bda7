//! The Cedar types of a method's arguments, from its JSON Schema, and values of them.
//!
//! What has no type in Cedar (numbers that are no integers, lists of other things than text, what may be of several types) is left
//! out, so that no policy can speak of it.

use std::fmt;

use cedar_policy::RestrictedExpression;
use serde_json::{Map, Value};

use crate::limits::MAX_TYPE_DEPTH;

/// A type that Cedar and JSON share.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Type {
    String,
    Long,
    Bool,
    Strings,
    Record(Vec<Field>),
}

/// A member of a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Field {
    pub(crate) name: String,
    pub(crate) kind: Type,
    pub(crate) required: bool,
}

/// A value is not of its declared type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct WrongType;

/// The arguments of a method.
pub(crate) fn arguments(schema: Option<&Value>) -> Vec<Field> {
    let fields = schema.and_then(|schema| fields(schema, schema, 0));
    fields.unwrap_or_default()
}

fn fields(schema: &Value, root: &Value, depth: usize) -> Option<Vec<Field>> {
    let properties = schema.get("properties")?.as_object()?;
    let required = schema.get("required").and_then(Value::as_array);
    let is_required =
        |name: &str| required.is_some_and(|all| all.iter().any(|one| one.as_str() == Some(name)));
    let field = |(name, schema): (&String, &Value)| {
        let (kind, nullable) = type_of(schema, root, depth + 1)?;
        Some(Field { name: name.clone(), kind, required: is_required(name) && !nullable })
    };
    Some(properties.iter().filter_map(field).collect())
}

/// The type, and whether `null` may stand for it.
fn type_of(schema: &Value, root: &Value, depth: usize) -> Option<(Type, bool)> {
    if depth > MAX_TYPE_DEPTH {
        return None;
    }
    if let Some(reference) = schema.get("$ref").and_then(Value::as_str) {
        return type_of(root.pointer(reference.strip_prefix('#')?)?, root, depth + 1);
    }
    for choice in ["anyOf", "oneOf", "allOf"] {
        if let Some(choices) = schema.get(choice).and_then(Value::as_array) {
            return one_of(choices, root, depth);
        }
    }
    match schema.get("type")? {
        Value::String(name) => Some((named(name, schema, root, depth)?, false)),
        Value::Array(names) => {
            let (nulls, others): (Vec<_>, Vec<_>) =
                names.iter().filter_map(Value::as_str).partition(|name| *name == "null");
            let [name] = others.as_slice() else { return None };
            Some((named(name, schema, root, depth)?, !nulls.is_empty()))
        }
        _ => None,
    }
}

/// The type that all choices but `null` have.
fn one_of(choices: &[Value], root: &Value, depth: usize) -> Option<(Type, bool)> {
    let is_null = |schema: &&Value| schema.get("type").and_then(Value::as_str) == Some("null");
    let (nulls, others): (Vec<_>, Vec<_>) = choices.iter().partition(is_null);
    let mut types = others.into_iter().map(|schema| type_of(schema, root, depth + 1));
    let (first, mut nullable) = types.next()??;
    for other in types {
        let (other, null) = other?;
        if other != first {
            return None;
        }
        nullable |= null;
    }
    Some((first, nullable || !nulls.is_empty()))
}

fn named(name: &str, schema: &Value, root: &Value, depth: usize) -> Option<Type> {
    match name {
        "string" => Some(Type::String),
        "integer" => Some(Type::Long),
        "boolean" => Some(Type::Bool),
        "array" => {
            let (items, _) = type_of(schema.get("items")?, root, depth + 1)?;
            (items == Type::String).then_some(Type::Strings)
        }
        "object" => fields(schema, root, depth).map(Type::Record),
        _ => None,
    }
}

/// The members of an object that have a type, as Cedar has them.
pub(crate) fn record(
    fields: &[Field],
    values: &Map<String, Value>,
) -> Result<Vec<(String, RestrictedExpression)>, String> {
    let mut all = Vec::with_capacity(fields.len());
    for field in fields {
        match values.get(&field.name) {
            None | Some(Value::Null) => {}
            Some(value) => {
                let value = field.kind.value(value).map_err(|WrongType| field.name.clone())?;
                all.push((field.name.clone(), value));
            }
        }
    }
    Ok(all)
}

impl Type {
    fn value(&self, value: &Value) -> Result<RestrictedExpression, WrongType> {
        match (self, value) {
            (Self::String, Value::String(text)) => {
                Ok(RestrictedExpression::new_string(text.clone()))
            }
            (Self::Bool, Value::Bool(value)) => Ok(RestrictedExpression::new_bool(*value)),
            (Self::Long, Value::Number(number)) => {
                let number = number.as_i64().or_else(|| whole(number.as_f64()?));
                number.map(RestrictedExpression::new_long).ok_or(WrongType)
            }
            (Self::Strings, Value::Array(all)) => {
                let texts = all.iter().map(|one| Self::String.value(one));
                Ok(RestrictedExpression::new_set(texts.collect::<Result<Vec<_>, _>>()?))
            }
            (Self::Record(fields), Value::Object(values)) => {
                let pairs = record(fields, values).map_err(|_| WrongType)?;
                RestrictedExpression::new_record(pairs).map_err(|_| WrongType)
            }
            _ => Err(WrongType),
        }
    }
}

/// The whole number that JSON may also write as `1.0` or `1e3`.
fn whole(number: f64) -> Option<i64> {
    /// Up to here every whole number is a number of JSON of its own.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    #[expect(clippy::cast_possible_truncation, reason = "it is whole, and within what is exact")]
    (number.fract() == 0.0 && number.abs() <= EXACT).then_some(number as i64)
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::String => f.write_str("String"),
            Self::Long => f.write_str("Long"),
            Self::Bool => f.write_str("Bool"),
            Self::Strings => f.write_str("Set<String>"),
            Self::Record(fields) => write!(f, "{}", Fields(fields)),
        }
    }
}

/// The members of a record, as the Cedar schema writes them.
pub(crate) struct Fields<'a>(pub(crate) &'a [Field]);

impl fmt::Display for Fields<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("{")?;
        for (at, Field { name, kind, required }) in self.0.iter().enumerate() {
            let comma = if at == 0 { " " } else { ", " };
            let mark = if *required { "" } else { "?" };
            write!(f, "{comma}\"{}\"{mark}: {kind}", name.escape_debug())?;
        }
        f.write_str(if self.0.is_empty() { "}" } else { " }" })
    }
}
