//! What is recorded as it is kept: without what must not be.

use std::collections::HashSet;

use data_encoding::HEXLOWER;
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::entry::Entry;
use crate::limits::{MAX_ARGUMENT_BYTES, MAX_TEXT_BYTES};
use crate::secret::looks_secret;
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
            if let Some(kept) = instead(text) {
                *text = kept.into();
            }
        }
    }

    /// The arguments of a method as they are kept, as JSON text. What is too long to be looked through, or no JSON, is kept as its
    /// length and the beginning of its hash.
    pub fn redact(&self, method: &str, arguments: &str) -> String {
        let kept = (arguments.len() <= MAX_ARGUMENT_BYTES).then(|| {
            let secret = |name: &str| self.is_secret(method, name);
            walk::walk(arguments, &secret)
        });
        kept.flatten().unwrap_or_else(|| Value::from(cut(arguments)).to_string())
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

/// What is kept instead of a text, where that is not kept itself.
pub(crate) fn instead(text: &str) -> Option<String> {
    if text.len() > MAX_TEXT_BYTES {
        Some(cut(text))
    } else {
        looks_secret(text).then(|| hidden(text.len()))
    }
}

pub(crate) fn hidden(bytes: usize) -> String {
    format!("[redacted, {bytes} bytes]")
}

pub(crate) fn cut(text: &str) -> String {
    let hash = HEXLOWER.encode(&Sha256::digest(text.as_bytes()));
    let hash = hash.get(..HASH_DIGITS).unwrap_or_default();
    format!("[cut, {} bytes, sha256 {hash}]", text.len())
}
