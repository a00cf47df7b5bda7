//! The first client's key.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// How every key begins, so that a scanner for leaked secrets can find it.
const PREFIX: &str = "llmb_";
/// The random bytes of a key: as many as nobody will ever guess.
const KEY_BYTES: usize = 32;

/// A new key.
pub(crate) fn new_key() -> Result<String, getrandom::Error> {
    let mut bytes = [0; KEY_BYTES];
    getrandom::fill(&mut bytes)?;
    Ok(format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(bytes)))
}
