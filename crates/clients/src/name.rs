//! Names of clients.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::limits::MAX_NAME_BYTES;

/// The name by which whoever comes through `gateway.sock` is known; no client can have it.
const LOCAL: &str = "local";

/// The name by which whoever comes through `person.sock` is known; no client can have it.
const PERSON: &str = "person";

/// The name of a client: letters, digits, `.`, `_` and `-`, the first one no sign.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ClientName(String);

/// A text is no name of a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "a client's name has at most {MAX_NAME_BYTES} letters, digits, `.`, `_` and `-`, begins with a letter or a digit, and \
     is neither `{LOCAL}` nor `{PERSON}`"
)]
pub struct NameError;

impl ClientName {
    /// Whoever comes through `gateway.sock`, who has no key.
    pub fn local() -> Self {
        Self(LOCAL.to_owned())
    }

    /// Whoever comes through `person.sock`, who has no key either.
    pub fn person() -> Self {
        Self(PERSON.to_owned())
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for ClientName {
    type Error = NameError;

    fn try_from(text: String) -> Result<Self, NameError> {
        let is_sign = |byte: u8| b"._-".contains(&byte);
        let known = |byte: u8| byte.is_ascii_alphanumeric() || is_sign(byte);
        let begins = text.bytes().next().is_some_and(|first| !is_sign(first));
        let fits = text.len() <= MAX_NAME_BYTES && ![LOCAL, PERSON].contains(&text.as_str());
        if begins && fits && text.bytes().all(known) { Ok(Self(text)) } else { Err(NameError) }
    }
}

impl FromStr for ClientName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        Self::try_from(text.to_owned())
    }
}

impl From<ClientName> for String {
    fn from(name: ClientName) -> Self {
        name.0
    }
}

impl fmt::Display for ClientName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_short_and_plain() {
        let long = "a".repeat(MAX_NAME_BYTES);
        for good in ["a", "first", "Claude.Desktop_2-b", "7", "person-2", &long] {
            assert_eq!(good.parse::<ClientName>().unwrap().as_str(), good);
        }
        let longer = format!("{long}a");
        for bad in ["", "local", "person", "-a", ".a", "a b", "a\n", "é", "a/b", &longer] {
            assert_eq!(bad.parse::<ClientName>(), Err(NameError), "{bad}");
        }
    }
}
