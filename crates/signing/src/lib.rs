//! Ed25519 keys and signatures (RFC 8032), as text that a person can copy.
//!
//! ```
//! let key = signing::SigningKey::generate()?;
//! let signature = key.sign(b"said by me");
//! assert!(key.public().verify(b"said by me", &signature).is_ok());
//! assert!(key.public().verify(b"said by another", &signature).is_err());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

/// How a public key begins.
const PUBLIC_PREFIX: &str = "llmbpub_";
/// How a key to sign with begins, so that a scanner for leaked secrets can find it.
const SECRET_PREFIX: &str = "llmbsec_";
/// The bytes of either key.
const KEY_BYTES: usize = 32;
/// The bytes of a signature.
pub const SIGNATURE_BYTES: usize = 64;

/// A signature.
pub type Signature = [u8; SIGNATURE_BYTES];

/// A key to sign with. What it shows of itself is its public half.
pub struct SigningKey {
    seed: Zeroizing<[u8; KEY_BYTES]>,
    pair: Ed25519KeyPair,
}

/// A key to verify with.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PublicKey([u8; KEY_BYTES]);

/// A text is no key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// It is no public key.
    #[error("a public key is `{PUBLIC_PREFIX}` and 43 letters, digits, `-` and `_`")]
    Public,
    /// It is no key to sign with.
    #[error("a signing key is `{SECRET_PREFIX}` and 43 letters, digits, `-` and `_`")]
    Secret,
}

/// A signature is not of this key and this text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the signature does not fit")]
pub struct Forged;

impl SigningKey {
    /// A new key.
    ///
    /// # Errors
    ///
    /// The kernel gives no random bytes.
    pub fn generate() -> Result<Self, getrandom::Error> {
        let mut seed = Zeroizing::new([0; KEY_BYTES]);
        getrandom::fill(seed.as_mut_slice())?;
        Self::of(seed).map_err(|_| getrandom::Error::UNEXPECTED)
    }

    /// The key that a text is.
    ///
    /// # Errors
    ///
    /// It is none.
    pub fn from_text(text: &str) -> Result<Self, KeyError> {
        Self::of(Zeroizing::new(decode(text, SECRET_PREFIX).ok_or(KeyError::Secret)?))
    }

    fn of(seed: Zeroizing<[u8; KEY_BYTES]>) -> Result<Self, KeyError> {
        let pair = Ed25519KeyPair::from_seed_unchecked(seed.as_slice());
        Ok(Self { pair: pair.map_err(|_| KeyError::Secret)?, seed })
    }

    /// The key as text, which is a secret.
    pub fn to_text(&self) -> Zeroizing<String> {
        let plain = Zeroizing::new(URL_SAFE_NO_PAD.encode(self.seed.as_slice()));
        Zeroizing::new(format!("{SECRET_PREFIX}{}", *plain))
    }

    /// Its public half.
    pub fn public(&self) -> PublicKey {
        let mut bytes = [0; KEY_BYTES];
        bytes.copy_from_slice(self.pair.public_key().as_ref());
        PublicKey(bytes)
    }

    /// Signs a text.
    pub fn sign(&self, text: &[u8]) -> Signature {
        let mut signature = [0; SIGNATURE_BYTES];
        signature.copy_from_slice(self.pair.sign(text).as_ref());
        signature
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SigningKey").field(&self.public()).finish()
    }
}

impl PublicKey {
    /// Whether this text was signed by the other half of this key.
    ///
    /// # Errors
    ///
    /// It was not.
    pub fn verify(&self, text: &[u8], signature: &[u8]) -> Result<(), Forged> {
        UnparsedPublicKey::new(&ED25519, self.0).verify(text, signature).map_err(|_| Forged)
    }
}

impl FromStr for PublicKey {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        decode(text, PUBLIC_PREFIX).map(Self).ok_or(KeyError::Public)
    }
}

impl TryFrom<String> for PublicKey {
    type Error = KeyError;

    fn try_from(text: String) -> Result<Self, KeyError> {
        text.parse()
    }
}

impl From<PublicKey> for String {
    fn from(key: PublicKey) -> Self {
        key.to_string()
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PUBLIC_PREFIX}{}", URL_SAFE_NO_PAD.encode(self.0))
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

fn decode(text: &str, prefix: &str) -> Option<[u8; KEY_BYTES]> {
    let bytes = Zeroizing::new(URL_SAFE_NO_PAD.decode(text.strip_prefix(prefix)?).ok()?);
    bytes.as_slice().try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_read_as_they_are_written() {
        let key = SigningKey::generate().unwrap();
        let again = SigningKey::from_text(&key.to_text()).unwrap();
        assert_eq!(key.public(), again.public());
        assert_eq!(key.public().to_string().parse(), Ok(key.public()));
        let shown = format!("{key:?}");
        assert!(!shown.contains(SECRET_PREFIX), "{shown}");
        for wrong in ["", "llmbpub_", "llmbpub_AAAA", &*key.to_text()] {
            assert_eq!(wrong.parse::<PublicKey>(), Err(KeyError::Public), "{wrong}");
        }
        assert!(SigningKey::from_text(&key.public().to_string()).is_err());
    }

    /// RFC 8032, 7.1, test 2.
    #[test]
    fn signs_as_the_standard_says() {
        let mut bytes = [0; KEY_BYTES];
        let hex = "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb";
        for (at, byte) in bytes.iter_mut().enumerate() {
            *byte = u8::from_str_radix(hex.get(2 * at..2 * at + 2).unwrap(), 16).unwrap();
        }
        let key = SigningKey::of(Zeroizing::new(bytes)).unwrap();
        let signature = key.sign(&[0x72]);
        let expected = [0x92, 0xa0, 0x09, 0xa9, 0xf0, 0xd4, 0xca, 0xb8];
        assert_eq!(signature.get(..8), Some(expected.as_slice()));
        assert_eq!(key.public().verify(&[0x72], &signature), Ok(()));
        for at in 0..SIGNATURE_BYTES {
            let mut forged = signature;
            forged[at] ^= 1;
            assert_eq!(key.public().verify(&[0x72], &forged), Err(Forged));
        }
        assert_eq!(
            SigningKey::generate().unwrap().public().verify(&[0x72], &signature),
            Err(Forged)
        );
    }
}
