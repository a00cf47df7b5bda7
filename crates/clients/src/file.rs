//! The file of client keys.

use data_encoding::HEXLOWER;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// The hash of a key: SHA-256 of its text.
pub type KeyHash = [u8; 32];

/// The file of client keys. Keys are 256 random bits, so a plain hash keeps them safe at rest.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClientsFile {
    /// Every client.
    pub clients: Vec<Client>,
}

/// A client and the hash of its key.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Client {
    /// Its name, for policy and logs.
    pub name: String,
    /// SHA-256 of the key's text, in hexadecimal: see [`key_hash`].
    pub key_sha256: String,
}

/// The hash that [`Client::key_sha256`] holds for a key.
pub fn key_hash(key: &str) -> String {
    HEXLOWER.encode(&hash(key))
}

/// The hash of a key.
pub fn hash(key: &str) -> KeyHash {
    Sha256::digest(key.as_bytes()).into()
}
