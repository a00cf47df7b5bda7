//! Every decision and effect, in a chain that shows what was changed, dropped or moved.
//!
//! A row holds the hash of itself and of the row before it; the last row's hash is signed with every commit, and now and then
//! for good (a checkpoint). So whoever changes, drops, inserts or moves rows without the key is found by [`verify()`]. Who has
//! the key, which is root and the gateway, can write another log from the beginning: against them helps only what has left the
//! machine, such as a checkpoint that was noted elsewhere, to which [`verify()`] compares.
//!
//! What changes or sends something is on the disk before it is done ([`Audit::begin`]). What only reads is in the chain within
//! [`limits::GROUP`]: a crash may take the last of these back, and a row of its own then says so.

mod checkpoint;
mod entry;
mod key;
pub mod limits;
mod open;
mod read;
mod redact;
mod retain;
mod row;
mod schema;
mod secret;
mod verify;
mod walk;
mod writer;

pub use checkpoint::Checkpoint;
pub use entry::{Entry, Kind};
pub use key::{KEY_FILE, PUBLIC_KEY_FILE};
pub use open::{FILE, Log, OpenError};
pub use read::{Filter, ReadError, Reader};
pub use redact::Redactor;
pub use row::Row;
pub use verify::{Fault, Verified, VerifyError, verify};
pub use writer::{Audit, Closed, Durable, Place};
