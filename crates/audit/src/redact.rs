//! What is recorded as it is kept: without what must not be.

use std::borrow::Cow;
use std::collections::HashSet;

use data_encoding::HEXLOWER;
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::entry::Entry;
use crate::limits::{
    HEAD_BYTES, LOOKED_THROUGH, MAX_ARGUMENT_BYTES, MAX_NAME_BYTES, MAX_TEXT_BYTES, TAIL_BYTES,
};
use crate::secret::hide;
use crate::walk;

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
/// Names that say the same where nothing else is in them: within other words they mean nothing (`keyword`, `spinner`).
const SECRET_WHOLE: [&str; 4] = ["key", "keys", "pin", "pwd"];
/// The end of names of keys: `sshKey`, `access_key`.
const KEY: &str = "key";
/// Names of members that hold what a person wrote: that it was there is kept, and how long it was.
const CONTENT: [&str; 9] =
    ["content", "contents", "body", "text", "html", "data", "newtext", "oldtext", "messages"];
/// Words in the name of a member that says what something is done to.
const NAME: [&str; 4] = ["path", "file", "folder", "director"];
/// Names that say the same where nothing else is in them.
const NAME_WHOLE: [&str; 8] =
    ["from", "to", "source", "src", "target", "destination", "uri", "url"];
/// How many digits of a hash tell two long texts apart.
const HASH_DIGITS: usize = 16;

/// The rules by which arguments are kept.
#[derive(Debug, Clone, Default)]
pub struct Redactor {
    /// Names of members that are secret besides those that are by themselves.
    more: HashSet<String>,
    /// Those that are for a method, or for all whose names begin so.
    of_method: Vec<(String, String)>,
}

impl Redactor {
    /// The rules that always hold, and these names of members, whose values are never kept either. A name may be one of a method's
    /// alone: `mcp.mail.send:subject`, or `mcp.mail.*:subject` for all that begin so.
    pub fn new<'a>(more: impl IntoIterator<Item = &'a str>) -> Self {
        let mut rules = Self::default();
        for name in more {
            match name.rsplit_once(':') {
                Some((method, name)) => rules.of_method.push((method.to_owned(), plain(name))),
                None => _ = rules.more.insert(plain(name)),
            }
        }
        rules
    }

    /// Leaves in an entry what may be kept of what others have sent.
    pub(crate) fn clean(&self, entry: &mut Entry) {
        let Entry { request, client, what, arguments, .. } = entry;
        if let Some(given) = arguments {
            *given = self.redact(what, given).into();
        }
        for text in [request, client, what] {
            if let Cow::Owned(kept) = keep(text, false) {
                *text = kept.into();
            }
        }
    }

    /// The arguments of a method as they are kept, as JSON text. What is too long to be looked through, or no JSON, is kept as its
    /// length and the beginning of its hash.
    pub fn redact(&self, method: &str, arguments: &str) -> String {
        let kept = (arguments.len() <= MAX_ARGUMENT_BYTES).then(|| {
            let rule = |name: &str| self.rule(method, name);
            walk::walk(arguments, &rule)
        });
        kept.flatten().unwrap_or_else(|| Value::from(cut(arguments)).to_string())
    }

    /// How the value of a member is kept.
    fn rule(&self, method: &str, name: &str) -> Rule {
        if self.is_secret(method, name) {
            return Rule::Hide;
        }
        let name = plain(name);
        let names =
            NAME.iter().any(|word| name.contains(word)) || NAME_WHOLE.contains(&name.as_str());
        if names { Rule::Name } else { Rule::Keep }
    }

    /// Whether the value of a member is not kept.
    fn is_secret(&self, method: &str, name: &str) -> bool {
        let name = plain(name);
        let of_method = |(pattern, secret): &(String, String)| {
            let fits = match pattern.strip_suffix('*') {
                Some(beginning) => method.starts_with(beginning),
                None => method == pattern,
            };
            fits && *secret == name
        };
        SECRET.iter().any(|word| name.contains(word))
            || SECRET_WHOLE.contains(&name.as_str())
            || name.ends_with(KEY)
            || CONTENT.contains(&name.as_str())
            || self.more.contains(&name)
            || self.of_method.iter().any(of_method)
    }
}

/// A name without what people part its words by: `API-Key`, `api_key` and `apiKey` are one.
fn plain(name: &str) -> String {
    name.chars().filter(|sign| sign.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// How the value of a member is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rule {
    /// Not, but for its length.
    Hide,
    /// As it is, if it is short.
    Keep,
    /// The same, and it may be longer: it says what something is done to.
    Name,
}

/// What is kept of a text: no secrets, and of one that is too long its two ends.
pub(crate) fn keep(text: &str, is_name: bool) -> Cow<'_, str> {
    let at_most = if is_name { MAX_NAME_BYTES } else { MAX_TEXT_BYTES };
    if text.len() <= at_most {
        return hide(text, is_name);
    }
    let begin = text.get(..text.floor_char_boundary(LOOKED_THROUGH)).unwrap_or_default();
    let end = text.len().saturating_sub(LOOKED_THROUGH);
    let end = text.get(text.ceil_char_boundary(end)..).unwrap_or_default();
    let (begin, end) = (hide(begin, is_name), hide(end, is_name));
    let head = begin.get(..begin.floor_char_boundary(HEAD_BYTES)).unwrap_or_default();
    let tail = end.len().saturating_sub(TAIL_BYTES);
    let tail = end.get(end.ceil_char_boundary(tail)..).unwrap_or_default();
    Cow::Owned(format!("{head}{}{tail}", cut(text)))
}

/// What stands for what is not kept.
pub(crate) fn hidden(bytes: usize, hash: Option<&str>) -> String {
    match hash {
        Some(hash) => format!("[redacted, {bytes} bytes, sha256 {hash}]"),
        None => format!("[redacted, {bytes} bytes]"),
    }
}

pub(crate) fn cut(text: &str) -> String {
    format!("[cut, {} bytes, sha256 {}]", text.len(), digits(text))
}

/// The beginning of a text's hash.
pub(crate) fn digits(text: &str) -> String {
    let mut hash = HEXLOWER.encode(&Sha256::digest(text.as_bytes()));
    hash.truncate(HASH_DIGITS);
    hash
}
