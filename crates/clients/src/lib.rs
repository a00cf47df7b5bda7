//! Client keys: how they are made, the file of their hashes, and when each was used.
//!
//! Whoever makes a key shows it once and keeps its hash in the file of clients, which an administrator writes and the gateway
//! reads. What the gateway itself has to keep, when a key was last used and which key it gave out for a pairing code, is in
//! a store of its own: it never writes the administrator's file.

mod edit;
mod file;
mod key;
pub mod limits;
mod name;
mod pairing;
mod uses;

pub use edit::{EditError, edit};
pub use file::{Budgets, Client, ClientsFile, Pairing, Rate};
pub use key::{Digest, digest, is_key, new_key};
pub use name::{ClientName, NameError};
pub use pairing::{as_code, new_code};
pub use uses::{Paired, Uses};
