//! A key: how it looks, and how one is made.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// How every key begins, so that a scanner for leaked secrets can find it.
const PREFIX: &str = "llmb_";
/// The random bytes of a key: as many as nobody will ever guess.
const KEY_BYTES: usize = 32;

/// Whether a text has the form of a key.
pub fn is_key(text: &str) -> bool {
    let decoded = text.strip_prefix(PREFIX).map(|rest| URL_SAFE_NO_PAD.decode(rest));
    matches!(decoded, Some(Ok(bytes)) if bytes.len() == KEY_BYTES)
}

/// A new key.
pub fn new_key() -> Result<String, getrandom::Error> {
    let mut bytes = [0; KEY_BYTES];
    getrandom::fill(&mut bytes)?;
    Ok(format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(bytes)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_known_by_its_form() {
        let key = new_key().unwrap();
        assert!(is_key(&key));
        for other in [
            "",
            "llmb_",
            "a b",
            "-----BEGIN PRIVATE KEY-----",
            &format!("{key}x"),
            &key.replace("llmb_", ""),
        ] {
            assert!(!is_key(other), "{other}");
        }
    }
}
