//! Why a store is not opened.

use std::io;

/// Why a store is not opened. Nothing of it was changed then.
///
/// The messages are for the administrator and name the file as it was given; never send one to a client.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The file could not be made or opened.
    #[error("`{name}`: {source}: correct the owner and mode of its folder")]
    File {
        /// The file.
        name: String,
        /// What the kernel said.
        source: io::Error,
    },
    /// It is a database, but not ours.
    #[error("`{name}` is a database of another program: move it away")]
    Foreign {
        /// The file.
        name: String,
    },
    /// A later version has written it.
    #[error(
        "`{name}` was written by a later version ({found}, and this one knows {known}): install that version again, or move the file away"
    )]
    Later {
        /// The file.
        name: String,
        /// The version of the file.
        found: usize,
        /// The latest that is known here.
        known: usize,
    },
    /// It is damaged.
    #[error("`{name}` is damaged ({what}): move it away, or put a backup in its place")]
    Damaged {
        /// The file.
        name: String,
        /// The first thing that is wrong.
        what: String,
    },
    /// SQLite refused something else.
    #[error("`{name}`: {source}")]
    Sqlite {
        /// The file.
        name: String,
        /// What it said.
        source: rusqlite::Error,
    },
}
