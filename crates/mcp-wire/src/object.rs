//! A JSON object as its members' text: read what is needed, put the rest out as it came.

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;

use serde::de::{self, Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

/// Up to this many members a plain scan finds a repeated key faster than a hash set.
const SCAN_MEMBERS: usize = 16;

/// One member of an [`Object`].
#[derive(Debug, Clone)]
pub struct Member<'a> {
    /// The key, decoded: `"\u0061"` is `a`.
    pub key: Cow<'a, str>,
    /// The key as it was written, quotes included.
    pub raw_key: &'a str,
    /// The value as it was written.
    pub value: &'a RawValue,
}

/// The members of a JSON object in their order, each key once.
#[derive(Debug, Clone)]
pub struct Object<'a> {
    members: Vec<Member<'a>>,
}

/// Why a text is not an [`Object`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ObjectError {
    /// The text is not JSON. The reason holds a position and no content.
    #[error("{0}")]
    Syntax(String),
    /// The text is JSON, but not an object.
    #[error("not an object")]
    NotAnObject,
    /// A key stands twice, once its escapes are decoded.
    #[error("a member stands twice")]
    Duplicate,
}

/// What [`Object::write`] does with the member of a given key.
#[derive(Debug, Clone, Copy)]
pub enum Edit<'e> {
    /// The member is left out.
    Remove,
    /// The member's value is this JSON text; a member that is not there is added at the end.
    Raw(&'e str),
    /// The member's value is this object, edited in its turn.
    Object(&'e Object<'e>, &'e [(&'e str, Edit<'e>)]),
}

impl<'a> Object<'a> {
    /// Reads the members of the object that `json` is.
    pub fn parse(json: &'a str) -> Result<Self, ObjectError> {
        let members: Members<'a> = serde_json::from_str(json).map_err(|error| {
            if error.is_data() { ObjectError::NotAnObject } else { syntax(&error) }
        })?;
        let object = Self { members: members.0 };
        if object.repeats_a_key() { Err(ObjectError::Duplicate) } else { Ok(object) }
    }

    /// An object without members.
    pub const fn empty() -> Self {
        Self { members: Vec::new() }
    }

    /// The value of `key`.
    pub fn get(&self, key: &str) -> Option<&'a RawValue> {
        self.members.iter().find(|member| member.key == key).map(|member| member.value)
    }

    /// The value of `key` where it is a string, decoded.
    pub fn get_str(&self, key: &str) -> Option<Cow<'a, str>> {
        decoded(self.get(key)?.get())
    }

    /// The members, in their order.
    pub fn members(&self) -> &[Member<'a>] {
        &self.members
    }

    /// Puts the object out with the named members edited, and every other member's text as it came.
    ///
    /// White space between the members is not kept; that inside a value is.
    pub fn write(&self, edits: &[(&str, Edit<'_>)], out: &mut Vec<u8>) {
        out.push(b'{');
        let start = out.len();
        for member in &self.members {
            match edits.iter().find(|(key, _)| *key == member.key) {
                None => write_member(member.raw_key, &Edit::Raw(member.value.get()), start, out),
                Some((_, edit)) => write_member(member.raw_key, edit, start, out),
            }
        }
        for (key, edit) in edits {
            if self.get(key).is_none() {
                write_member(&quoted(key), edit, start, out);
            }
        }
        out.push(b'}');
    }

    fn repeats_a_key(&self) -> bool {
        if self.members.len() <= SCAN_MEMBERS {
            let seen_before = |(at, member): (usize, &Member<'_>)| {
                self.members.iter().take(at).any(|earlier| earlier.key == member.key)
            };
            return self.members.iter().enumerate().any(seen_before);
        }
        let mut seen = HashSet::with_capacity(self.members.len());
        !self.members.iter().all(|member| seen.insert(member.key.as_ref()))
    }
}

fn write_member(raw_key: &str, edit: &Edit<'_>, start: usize, out: &mut Vec<u8>) {
    if matches!(edit, Edit::Remove) {
        return;
    }
    if out.len() > start {
        out.push(b',');
    }
    out.extend_from_slice(raw_key.as_bytes());
    out.push(b':');
    match edit {
        Edit::Remove => {}
        Edit::Raw(json) => out.extend_from_slice(json.as_bytes()),
        Edit::Object(object, edits) => object.write(edits, out),
    }
}

/// A key as JSON text.
fn quoted(key: &str) -> String {
    serde_json::Value::from(key).to_string()
}

/// The string that a JSON text is; `None` if it is something else.
fn decoded(json: &str) -> Option<Cow<'_, str>> {
    let inner = json.strip_prefix('"')?.strip_suffix('"')?;
    if inner.contains('\\') {
        serde_json::from_str(json).ok().map(Cow::Owned)
    } else {
        Some(Cow::Borrowed(inner))
    }
}

/// A syntax error without any of the text, which may be private.
fn syntax(error: &serde_json::Error) -> ObjectError {
    ObjectError::Syntax(format!("not JSON at line {} column {}", error.line(), error.column()))
}

struct Members<'a>(Vec<Member<'a>>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(MembersVisitor)
    }
}

struct MembersVisitor;

impl<'de> Visitor<'de> for MembersVisitor {
    type Value = Members<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members = Vec::with_capacity(8);
        while let Some((raw_key, value)) = map.next_entry::<&RawValue, &RawValue>()? {
            let raw_key = raw_key.get();
            let key = decoded(raw_key).ok_or_else(|| de::Error::custom("a key is not a string"))?;
            members.push(Member { key, raw_key, value });
        }
        Ok(Members(members))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(json: &str, edits: &[(&str, Edit<'_>)], expected: &str) {
        let object = Object::parse(json).unwrap();
        let mut out = Vec::new();
        object.write(edits, &mut out);
        assert_eq!(std::str::from_utf8(&out).unwrap(), expected);
    }

    #[test]
    fn puts_out_what_came_in() {
        let same = r#"{"z":1.50,"a":{"b" : [ 1,2 ]},"\u0062":12345678901234567890123,"":null}"#;
        check(same, &[], same);
        check("{}", &[], "{}");
    }

    #[test]
    fn edits_by_decoded_key_and_in_place() {
        check(r#"{"a":1,"b":2,"c":3}"#, &[("b", Edit::Raw("[]"))], r#"{"a":1,"b":[],"c":3}"#);
        check(r#"{"\u0062":2,"c":3}"#, &[("b", Edit::Remove)], r#"{"c":3}"#);
        check(r#"{"a":1}"#, &[("b", Edit::Remove), ("n", Edit::Raw("0"))], r#"{"a":1,"n":0}"#);
        let inner = Object::parse(r#"{"x":1}"#).unwrap();
        let edits = [("a", Edit::Object(&inner, &[("y", Edit::Raw("2"))]))];
        check(r#"{"a":{"old":true}}"#, &edits, r#"{"a":{"x":1,"y":2}}"#);
        check("{}", &edits, r#"{"a":{"x":1,"y":2}}"#);
    }

    #[test]
    fn refuses_a_repeated_key_however_it_is_spelt() {
        let many = (0..40).map(|n| format!("\"k{n}\":0,")).collect::<Vec<_>>().concat();
        for json in
            [r#"{"a":1,"a":2}"#, r#"{"a":1,"\u0061":2}"#, &format!("{{{many}\"\\u006b7\":1}}")]
        {
            assert_eq!(Object::parse(json).unwrap_err(), ObjectError::Duplicate, "{json}");
        }
        assert!(Object::parse(&format!("{{{many}\"x\":1}}")).is_ok());
    }

    #[test]
    fn names_what_is_wrong_without_showing_the_text() {
        for json in ["[1]", "1", "\"{}\"", "null"] {
            assert_eq!(Object::parse(json).unwrap_err(), ObjectError::NotAnObject, "{json}");
        }
        for json in ["", "{", "{\"secret\":", "{\"secret\":1}x", "{'a':1}", "{\"a\":\"\u{1}\"}"] {
            let ObjectError::Syntax(reason) = Object::parse(json).unwrap_err() else {
                panic!("{json}")
            };
            assert!(!reason.contains("secret"), "{reason}");
        }
    }
}
