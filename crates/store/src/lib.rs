//! SQLite opened the one right way: durable, migrated, and checked.
//!
//! What a daemon must not lose is kept in a SQLite file. [`open()`] gives a connection on which a committed transaction is on
//! the disk, and refuses a file that is of another kind, of a later version, or damaged: a store that is wrong is never
//! mended by guessing.
//!
//! ```
//! use store::{Check, Schema};
//!
//! const SCHEMA: Schema = Schema {
//!     application_id: 0x6c6c_0001,
//!     migrations: &["CREATE TABLE words (word TEXT PRIMARY KEY) STRICT;"],
//!     check: Check::Pages,
//! };
//! # let folder = tempfile::tempdir()?;
//! # let path = folder.path().join("words.db");
//! let words = store::open(&path, &SCHEMA)?;
//! words.execute("INSERT INTO words VALUES (?1)", ["hello"])?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod error;
pub mod limits;
mod open;

pub use error::StoreError;
pub use open::{Check, Schema, open, open_read_only};
pub use rusqlite;
