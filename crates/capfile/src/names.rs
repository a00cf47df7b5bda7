//! The kinds of name, each of which can only be made from text that is one.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The longest name, in bytes: what model interfaces accept as a function name.
const MAX_NAME_BYTES: usize = 64;

/// A name does not have the form that its kind asks for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{kind} must match {form}")]
pub struct NameError {
    kind: &'static str,
    form: &'static str,
}

macro_rules! name {
    ($(#[$doc:meta])* $name:ident, $form:literal, $valid:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = NameError;

            fn try_from(text: String) -> Result<Self, NameError> {
                let valid: fn(&str) -> bool = $valid;
                if text.len() <= MAX_NAME_BYTES && valid(&text) {
                    Ok(Self(text))
                } else {
                    Err(NameError { kind: stringify!($name), form: $form })
                }
            }
        }

        impl TryFrom<&str> for $name {
            type Error = NameError;

            fn try_from(text: &str) -> Result<Self, NameError> {
                Self::try_from(text.to_owned())
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> Self {
                name.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

name!(
    /// The name of a capability server, which its cap file and its socket are called by: `fs`.
    ServiceName,
    "[a-z][a-z0-9-]{0,63}",
    |text| {
        text.starts_with(|c: char| c.is_ascii_lowercase())
            && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
    }
);
name!(
    /// The name of an MCP tool: `fs_list`.
    ToolName,
    "[A-Za-z0-9_-]{1,64}",
    |text| {
        !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
    }
);
name!(
    /// The name of an MCP prompt: `mail_summary`.
    PromptName,
    "[A-Za-z0-9_-]{1,64}",
    |text| ToolName::try_from(text).is_ok()
);
name!(
    /// With what the URIs of a server's resources begin: `mail://`.
    UriPrefix,
    "[a-z][a-z0-9+.-]*:[!-~]*, at most 64 bytes",
    |text| {
        text.split_once(':').is_some_and(|(scheme, rest)| {
            scheme.starts_with(|c: char| c.is_ascii_lowercase())
                && scheme.bytes().all(|b| {
                    b.is_ascii_lowercase() || b.is_ascii_digit() || b"+.-".contains(&b)
                })
                && rest.bytes().all(|b| b.is_ascii_graphic())
        })
    }
);
name!(
    /// The name of a method in the legacy dialect: `mcp.fs.list`.
    MethodName,
    "mcp(.[A-Za-z0-9_-]+){2,}, at most 64 bytes",
    |text| {
        let mut parts = text.split('.');
        let is_word = |part: &str| {
            !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
        };
        parts.next() == Some("mcp") && parts.clone().count() >= 2 && parts.all(is_word)
    }
);

#[cfg(test)]
mod tests {
    use super::*;

    fn check<T: TryFrom<String>>(good: &[&str], bad: &[&str]) {
        for text in good {
            assert!(T::try_from((*text).to_owned()).is_ok(), "{text}");
        }
        for text in bad {
            assert!(T::try_from((*text).to_owned()).is_err(), "{text}");
        }
    }

    #[test]
    fn each_kind_takes_its_own_form() {
        let (long, too_long) = ("a".repeat(64), "a".repeat(65));
        check::<ServiceName>(&["fs", "a-1", &long], &["", "Fs", "1a", "a.b", "../x", &too_long]);
        check::<ToolName>(&["fs_list", "A-9", &long], &["", "a.b", "a b", "\u{444}s", &too_long]);
        check::<MethodName>(
            &["mcp.fs.list", "mcp.licence.check", "mcp.a-b.b_c"],
            &["mcp.fs", "mcp", "fs.list", "mcp..list", "mcp.fs.", "mcp.fs.li st"],
        );
        check::<PromptName>(&["mail_summary"], &["", "a b", &too_long]);
        check::<UriPrefix>(
            &["mail://", "test:", "x-y+z.1://a/b"],
            &["", "mail", ":", "Mail://", "1a:", "a b:", "mail://\u{444}", "mail:// ", &too_long],
        );
    }
}
