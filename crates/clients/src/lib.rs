//! Client keys: how they are made, and the file of their hashes.
//!
//! Whoever makes a key shows it once and keeps its hash; the gateway, which has the hashes, knows a key when it comes.

mod file;
mod key;

pub use file::{Client, ClientsFile, KeyHash, hash, key_hash};
pub use key::{is_key, new_key};
