//! When two calls are the same call.
//!
//! The canonicalisation of RFC 8785 is of no use here: it reads numbers as doubles, and 12345678901234567890123 and …124 would be one
//! account number. So the JSON is read by `serde_json`, level by level, and numbers stay the text that they are.

use std::fmt;

use serde::de::{Deserializer, MapAccess, Visitor};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};

use crate::limits::{MAX_ARGUMENTS_BYTES, MAX_DEPTH};

/// Why arguments are not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ArgumentsError {
    /// They are not JSON, or hold a string that is not Unicode.
    #[error("the arguments are not JSON: correct them")]
    NotJson,
    /// They are JSON, and no object.
    #[error("the arguments must be a JSON object: name each of them")]
    NotAnObject,
    /// An object has a member twice, and a server might read the one that the person did not see.
    #[error("an object in the arguments has a member twice: leave one of them out")]
    Twice,
    /// They are too long.
    #[error(
        "the arguments have more than {MAX_ARGUMENTS_BYTES} bytes, which nobody could judge: send less at a time"
    )]
    TooLarge,
    /// They are nested too deep.
    #[error("the arguments are nested more than {MAX_DEPTH} deep: flatten them")]
    TooDeep,
}

/// The members of an object, in their order.
struct Members<'a>(Vec<(String, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Each;
        impl<'de> Visitor<'de> for Each {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Each)
    }
}

/// How a value is written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    /// As short as can be and with the members sorted: for comparing.
    Canonical,
    /// On many lines and in the order in which it came: for reading.
    Pretty,
}

/// The same text for the same arguments.
pub(crate) fn canonical(arguments: &str) -> Result<String, ArgumentsError> {
    written(arguments, Form::Canonical)
}

/// The arguments on many lines, for a person; every number stays as it was written.
///
/// # Errors
///
/// They are not arguments.
pub fn pretty(arguments: &str) -> Result<String, ArgumentsError> {
    written(arguments, Form::Pretty)
}

/// What tells a call from every other one.
pub(crate) fn call_digest(client: &str, method: &str, canonical: &str) -> [u8; 32] {
    // A list of strings can be read in one way only, whatever stands in them.
    let call = serde_json::json!([client, method, canonical]);
    Sha256::digest(call.to_string()).into()
}

fn written(arguments: &str, form: Form) -> Result<String, ArgumentsError> {
    if arguments.len() > MAX_ARGUMENTS_BYTES {
        return Err(ArgumentsError::TooLarge);
    }
    let value: &RawValue = read(arguments)?;
    if !value.get().starts_with('{') {
        return Err(ArgumentsError::NotAnObject);
    }
    let mut out = String::with_capacity(arguments.len());
    write(value, form, 0, &mut out)?;
    Ok(out)
}

fn write(
    value: &RawValue,
    form: Form,
    depth: usize,
    out: &mut String,
) -> Result<(), ArgumentsError> {
    if depth > MAX_DEPTH {
        return Err(ArgumentsError::TooDeep);
    }
    let text = value.get();
    match text.as_bytes().first() {
        Some(b'{') => {
            let Members(mut members) = read(text)?;
            check(&members)?;
            if form == Form::Canonical {
                members.sort_by(|(one, _), (other, _)| one.cmp(other));
            }
            list(('{', '}'), members, form, depth, out, |(name, value), out| {
                string(&name, out)?;
                out.push_str(if form == Form::Pretty { ": " } else { ":" });
                write(value, form, depth + 1, out)
            })
        }
        Some(b'[') => {
            let items: Vec<&RawValue> = read(text)?;
            list(('[', ']'), items, form, depth, out, |value, out| {
                write(value, form, depth + 1, out)
            })
        }
        Some(b'"') => string(&read::<String>(text)?, out),
        // A number, or one of three words.
        _ => {
            out.push_str(text);
            Ok(())
        }
    }
}

/// Writes what an object or an array holds.
fn list<T>(
    (open, close): (char, char),
    items: Vec<T>,
    form: Form,
    depth: usize,
    out: &mut String,
    each: impl Fn(T, &mut String) -> Result<(), ArgumentsError>,
) -> Result<(), ArgumentsError> {
    let new_line = |depth: usize, out: &mut String| {
        if form == Form::Pretty {
            out.push('\n');
            out.extend(std::iter::repeat_n("  ", depth));
        }
    };
    let is_empty = items.is_empty();
    out.push(open);
    for (at, item) in items.into_iter().enumerate() {
        if at > 0 {
            out.push(',');
        }
        new_line(depth + 1, out);
        each(item, out)?;
    }
    if !is_empty {
        new_line(depth, out);
    }
    out.push(close);
    Ok(())
}

fn check(members: &[(String, &RawValue)]) -> Result<(), ArgumentsError> {
    let mut names: Vec<&str> = members.iter().map(|(name, _)| name.as_str()).collect();
    names.sort_unstable();
    let twice = names.windows(2).any(|pair| matches!(pair, [one, other] if one == other));
    if twice { Err(ArgumentsError::Twice) } else { Ok(()) }
}

fn string(text: &str, out: &mut String) -> Result<(), ArgumentsError> {
    out.push_str(&to_json(text)?);
    Ok(())
}

fn to_json(value: impl Serialize) -> Result<String, ArgumentsError> {
    serde_json::to_string(&value).map_err(|_| ArgumentsError::NotJson)
}

fn read<'a, T: Deserialize<'a>>(text: &'a str) -> Result<T, ArgumentsError> {
    serde_json::from_str(text).map_err(|_| ArgumentsError::NotJson)
}
