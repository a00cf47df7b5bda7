//! Request ids, kept as their own text so that they go back as they came.

use std::fmt;

use serde_json::value::RawValue;

use crate::limits::MAX_ID_BYTES;

/// A request id: a string or an integer, as its JSON text.
///
/// MCP forbids `null` (schema `RequestId`); a fraction or an exponent is refused too, because two readers
/// may disagree about what number it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Id<'a>(&'a str);

impl<'a> Id<'a> {
    /// The id that `raw` holds, or `None` if that is not a string or an integer of a sane length.
    pub fn new(raw: &'a RawValue) -> Option<Self> {
        let text = raw.get();
        let integer = || {
            let digits = text.strip_prefix('-').unwrap_or(text);
            !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit())
        };
        let known = text.starts_with('"') || integer();
        (known && text.len() <= MAX_ID_BYTES).then_some(Self(text))
    }

    /// The JSON text of the id.
    pub fn as_str(self) -> &'a str {
        self.0
    }
}

impl fmt::Display for Id<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(json: &str, accepted: bool) {
        let raw: Box<RawValue> = serde_json::from_str(json).unwrap();
        assert_eq!(Id::new(&raw).map(Id::as_str), accepted.then_some(json), "{json}");
    }

    #[test]
    fn strings_and_integers_only() {
        for good in ["0", "-7", "12345678901234567890123", r#""a""#, r#""\u0061""#, r#""""#] {
            check(good, true);
        }
        for bad in ["null", "true", "1.0", "1e3", "[1]", "{}", "-0.5"] {
            check(bad, false);
        }
    }

    #[test]
    fn the_length_bound_is_exact() {
        check(&format!("\"{}\"", "x".repeat(MAX_ID_BYTES - 2)), true);
        check(&format!("\"{}\"", "x".repeat(MAX_ID_BYTES - 1)), false);
    }
}
