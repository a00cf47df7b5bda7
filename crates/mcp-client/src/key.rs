//! The client key, which is never shown.

use std::fmt;
use std::str::FromStr;

use reqwest::header::HeaderValue;

use crate::limits::MAX_KEY_CHARS;

/// A client key. It is shown by nothing: not by `Debug`, and not by an error.
#[derive(Clone, PartialEq, Eq)]
pub struct Key(String);

/// Why a text cannot be a client key; the text itself is not told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// There is nothing.
    #[error("the key is empty: take the one that the gateway's administrator gave you")]
    Empty,
    /// More than [`MAX_KEY_CHARS`] characters.
    #[error("the key has more than {MAX_KEY_CHARS} characters: it is something else")]
    TooLong,
    /// A space, a control character or one that is not ASCII.
    #[error("the key has a character that no key has, such as a space: copy it again")]
    Character,
}

impl Key {
    /// Takes a key; white space around it, which copying brings along, is dropped.
    #[expect(clippy::needless_pass_by_value, reason = "the caller should keep no copy of it")]
    pub fn new(key: String) -> Result<Self, KeyError> {
        let key = key.trim();
        match key {
            "" => Err(KeyError::Empty),
            _ if key.len() > MAX_KEY_CHARS => Err(KeyError::TooLong),
            _ if !key.bytes().all(|byte| byte.is_ascii_graphic()) => Err(KeyError::Character),
            _ => Ok(Self(key.to_owned())),
        }
    }

    /// `Bearer KEY`, marked so that no log of the libraries below shows it.
    pub(crate) fn bearer(&self) -> Result<HeaderValue, KeyError> {
        let mut value =
            HeaderValue::try_from(format!("Bearer {}", self.0)).map_err(|_| KeyError::Character)?;
        value.set_sensitive(true);
        Ok(value)
    }
}

impl FromStr for Key {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        Self::new(text.to_owned())
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_one_word_and_is_not_shown() {
        let key = Key::new(" s3cret-\n".to_owned()).unwrap();
        assert_eq!(key.bearer().unwrap(), "Bearer s3cret-");
        let shown = format!("{key:?} {:?}", key.bearer());
        assert!(!shown.contains("s3cret"), "{shown}");
        for (bad, error) in [
            (" \n", KeyError::Empty),
            ("a b", KeyError::Character),
            ("a\nb", KeyError::Character),
            ("é", KeyError::Character),
        ] {
            assert_eq!(Key::new(bad.to_owned()), Err(error), "{bad:?}");
        }
        assert!(Key::new("k".repeat(MAX_KEY_CHARS)).is_ok());
        assert_eq!(Key::new("k".repeat(MAX_KEY_CHARS + 1)), Err(KeyError::TooLong));
    }
}
