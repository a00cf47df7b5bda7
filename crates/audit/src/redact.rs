//! Arguments as they are kept: without what must not be.

use std::collections::HashSet;

use data_encoding::HEXLOWER;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use crate::limits::{MAX_ARGUMENT_BYTES, MAX_TEXT_BYTES};

/// Words in the name of a member whose value is never kept.
const SECRET: [&str; 12] = [
    "password",
    "passwd",
    "passphrase",
    "secret",
    "token",
    "authorization",
    "apikey",
    "credential",
    "cookie",
    "privatekey",
    "signature",
    "otp",
];
/// Names of members that hold what a person wrote: that it was there is kept, and how long it was.
const CONTENT: [&str; 9] =
    ["content", "contents", "body", "text", "html", "data", "newtext", "oldtext", "messages"];
/// What the value of a secret looks like, wherever it stands.
const LOOKS_SECRET: [&str; 5] = ["llmb_", "llmbsec_", "Bearer ", "-----BEGIN", "sk-"];
/// How many digits of a hash tell two long texts apart.
const HASH_DIGITS: usize = 16;

/// The rules by which arguments are kept.
#[derive(Debug, Clone, Default)]
pub struct Redactor {
    /// Names of members that are secret besides those that are by themselves.
    more: HashSet<String>,
}

impl Redactor {
    /// The rules that always hold, and these names of members, whose values are never kept either.
    pub fn new<'a>(more: impl IntoIterator<Item = &'a str>) -> Self {
        Self { more: more.into_iter().map(plain).collect() }
    }

    /// Arguments as they are kept, as JSON text. What is too long to be looked through, or no JSON, is kept as its length and
    /// the beginning of its hash.
    pub fn redact(&self, arguments: &str) -> String {
        if arguments.len() > MAX_ARGUMENT_BYTES {
            return Value::from(cut(arguments)).to_string();
        }
        match serde_json::from_str::<Value>(arguments) {
            Ok(mut value) => {
                self.walk(&mut value);
                value.to_string()
            }
            Err(_) => Value::from(cut(arguments)).to_string(),
        }
    }

    fn walk(&self, value: &mut Value) {
        match value {
            Value::Object(members) => self.walk_members(members),
            Value::Array(items) => items.iter_mut().for_each(|item| self.walk(item)),
            Value::String(text) if LOOKS_SECRET.iter().any(|mark| text.contains(mark)) => {
                *text = hidden(text.len());
            }
            Value::String(text) if text.len() > MAX_TEXT_BYTES => *text = cut(text),
            _ => {}
        }
    }

    fn walk_members(&self, members: &mut Map<String, Value>) {
        // A name that is a secret, or long, is one that somebody put there to have it kept.
        let odd = |name: &String| {
            name.len() > MAX_TEXT_BYTES || LOOKS_SECRET.iter().any(|mark| name.contains(mark))
        };
        let hide: Vec<String> = members.keys().filter(|name| odd(name)).cloned().collect();
        for name in hide {
            members.shift_remove(&name);
            members.insert(hidden(name.len()), Value::Null);
        }
        for (name, value) in members.iter_mut() {
            let name = plain(name);
            let secret = SECRET.iter().any(|word| name.contains(word)) || self.more.contains(&name);
            if secret || CONTENT.contains(&name.as_str()) {
                *value = hidden(length(value)).into();
            } else {
                self.walk(value);
            }
        }
    }
}

/// A name without what people part its words by: `API-Key`, `api_key` and `apiKey` are one.
fn plain(name: &str) -> String {
    name.chars().filter(|sign| sign.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

fn length(value: &Value) -> usize {
    value.as_str().map_or_else(|| value.to_string().len(), str::len)
}

fn hidden(bytes: usize) -> String {
    format!("[redacted, {bytes} bytes]")
}

fn cut(text: &str) -> String {
    let hash = HEXLOWER.encode(&Sha256::digest(text.as_bytes()));
    let hash = hash.get(..HASH_DIGITS).unwrap_or_default();
    format!("[cut, {} bytes, sha256 {hash}]", text.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(given: &str, expected: &str) {
        assert_eq!(Redactor::new(["Colour"]).redact(given), expected);
    }

    #[test]
    fn what_is_needed_to_know_what_was_done_is_kept() {
        check(
            r#"{"path":"/a.txt","append":true,"n":3}"#,
            r#"{"path":"/a.txt","append":true,"n":3}"#,
        );
        check(r#"["/a.txt",null]"#, r#"["/a.txt",null]"#);
    }

    #[test]
    fn secrets_and_what_people_wrote_are_not() {
        check(r#"{"password":"x"}"#, r#"{"password":"[redacted, 1 bytes]"}"#);
        check(
            r#"{"API_Key":"xy","o":{"accessToken":[1]}}"#,
            r#"{"API_Key":"[redacted, 2 bytes]","o":{"accessToken":"[redacted, 3 bytes]"}}"#,
        );
        check(r#"{"pass\u0077ord":"x"}"#, r#"{"password":"[redacted, 1 bytes]"}"#);
        check(r#"{"content":"dear diary"}"#, r#"{"content":"[redacted, 10 bytes]"}"#);
        check(r#"{"colour":"red"}"#, r#"{"colour":"[redacted, 3 bytes]"}"#);
        check(r#"{"q":"my llmb_abc"}"#, r#"{"q":"[redacted, 11 bytes]"}"#);
        check(r#"[["a","Bearer abc"]]"#, r#"[["a","[redacted, 10 bytes]"]]"#);
        check(r#"{"llmb_abc":1}"#, r#"{"[redacted, 8 bytes]":null}"#);
    }

    #[test]
    fn what_is_long_is_kept_as_its_length_and_hash() {
        let long = "a".repeat(MAX_TEXT_BYTES + 1);
        let cut = "[cut, 257 bytes, sha256 ";
        let kept = Redactor::default().redact(&format!(r#"{{"path":"{long}"}}"#));
        assert!(kept.contains(cut) && !kept.contains("aaaa"), "{kept}");
        let huge = format!(r#"{{"path":"{}"}}"#, "a/".repeat(MAX_ARGUMENT_BYTES));
        let kept = Redactor::default().redact(&huge);
        assert!(kept.len() < 100 && kept.starts_with("\"[cut, "), "{kept}");
        assert!(Redactor::default().redact("not json").starts_with("\"[cut, 8 bytes"));
    }
}
