//! A secret, which nothing shows.

use std::fmt;

use zeroize::Zeroizing;

use crate::error::Reason;
use crate::limits::MAX_SECRET_BYTES;

/// What stands in the place of a secret wherever one would be shown.
const HIDDEN: &str = "[secret]";

/// The bytes of a secret.
///
/// They are overwritten when this is dropped. `Debug` and `Display` show `[secret]`, nothing can serialise it, and there
/// is no copy of it that its owner does not make by hand.
pub struct Secret(Zeroizing<Vec<u8>>);

impl Secret {
    /// Takes what a store gave, without the newline that editors and `echo` leave at its end: one, not more, since more
    /// can only be meant.
    pub(crate) fn new(mut bytes: Zeroizing<Vec<u8>>) -> Result<Self, Reason> {
        if bytes.last() == Some(&b'\n') {
            bytes.pop();
        }
        match bytes.len() {
            0 => Err(Reason::Empty),
            length if length > MAX_SECRET_BYTES => Err(Reason::TooLarge),
            _ => Ok(Self(bytes)),
        }
    }

    /// The bytes. Give them to what needs them, and keep no copy.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }

    /// The same as text; `None` where they are none.
    pub fn expose_text(&self) -> Option<&str> {
        str::from_utf8(&self.0).ok()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(HIDDEN)
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(HIDDEN)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(bytes: &[u8]) -> Result<Secret, Reason> {
        Secret::new(Zeroizing::new(bytes.to_vec()))
    }

    #[test]
    fn it_is_not_shown() {
        let shown = secret(b"hunter2").unwrap();
        assert_eq!(format!("{shown} {shown:?} {shown:#?}"), "[secret] [secret] [secret]");
        assert_eq!(shown.expose(), b"hunter2");
    }

    #[test]
    fn one_newline_at_the_end_is_none_of_it() {
        for (given, kept) in [
            (b"a\n".as_slice(), b"a".as_slice()),
            (b"a\n\n", b"a\n"),
            (b"\na", b"\na"),
            (b"a b ", b"a b "),
            (b"\xff\0", b"\xff\0"),
        ] {
            assert_eq!(secret(given).unwrap().expose(), kept);
        }
    }

    #[test]
    fn its_text_is_there_if_it_is_text() {
        assert_eq!(secret("é\n".as_bytes()).unwrap().expose_text(), Some("é"));
        assert_eq!(secret(b"\xff").unwrap().expose_text(), None);
    }

    #[test]
    fn its_bounds_are_exact() {
        assert!(matches!(secret(b""), Err(Reason::Empty)));
        assert!(matches!(secret(b"\n"), Err(Reason::Empty)));
        let mut largest = vec![b'x'; MAX_SECRET_BYTES];
        assert_eq!(secret(&largest).unwrap().expose().len(), MAX_SECRET_BYTES);
        largest.push(b'\n');
        assert_eq!(secret(&largest).unwrap().expose().len(), MAX_SECRET_BYTES);
        largest.push(b'\n');
        assert!(matches!(secret(&largest), Err(Reason::TooLarge)));
    }
}
