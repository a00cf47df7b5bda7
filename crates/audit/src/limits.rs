//! The bounds of the log.

use std::time::Duration;

/// How long a row of what only reads may wait for the commit that it shares with others: half of the 100 ms within which it must
/// be there.
pub const GROUP: Duration = Duration::from_millis(50);

/// Rows that may be under way or wait for their commit: what a busy gateway makes in a fifth of a second.
pub const MAX_WAITING: usize = 16 * 1024;

/// Rows of one commit, so that an intent waits for no longer than these take.
pub const MAX_GROUP: usize = 4096;

/// Rows between two checkpoints: two minutes of a busy hour, and an Ed25519 signature for 4,096 rows costs nothing.
pub const CHECKPOINT_ROWS: u64 = 4096;

/// How large the log may become, in bytes, if it is not told otherwise: some ten million rows.
pub const MAX_BYTES: u64 = 2 * 1024 * 1024 * 1024;

/// How many days rows are kept, if it is not told otherwise: a year, after which nobody asks who read a file.
pub const MAX_DAYS: u32 = 366;

/// How old the last checkpoint may be when a row comes: who has the key can change what came after the last one that was noted
/// elsewhere, and a quiet machine makes few rows.
pub const CHECKPOINT_AGE: Duration = Duration::from_hours(1);

/// How many rows are removed at once, or as many as there are up to the next checkpoint: more than come in meanwhile, and so few
/// that nobody waits.
pub const PRUNED_ROWS: i64 = 2 * 4096;

/// The bytes of arguments that are looked through for what must not be kept: as many as a message may have. What is longer is
/// kept as its length and hash.
pub const MAX_ARGUMENT_BYTES: usize = 4 * 1024 * 1024;

/// The bytes of arguments that are kept: those of a call that names some dozens of files. What follows is left out, and the length
/// and hash of all stand there.
pub const MAX_KEPT_BYTES: usize = 8 * 1024;

/// The bytes of one text that is kept as it is: a query or a method, and no document.
pub const MAX_TEXT_BYTES: usize = 256;

/// The same of a text that names what something is done to: as long as a path of Linux may be, so that whoever deletes a file
/// cannot have its name left out.
pub const MAX_NAME_BYTES: usize = 4096;

/// The bytes that names may take besides [`MAX_KEPT_BYTES`], wherever they stand among other arguments.
pub const MAX_NAMES_BYTES: usize = 8 * 1024;

/// The bytes that are kept of a longer text's beginning and end: folders and a file's name.
pub const HEAD_BYTES: usize = 64;
/// See [`HEAD_BYTES`].
pub const TAIL_BYTES: usize = 160;

/// The bytes at each end of a longer text that are looked through for secrets, which are longer than what is kept.
pub const LOOKED_THROUGH: usize = 4096;

/// How deep values within values are looked at; what is deeper is kept as its length and hash.
pub const MAX_DEPTH: usize = 64;

/// Rows that are read at once: while somebody reads, the write-ahead log grows, so what writes them to a slow reader must not read
/// meanwhile. Some hundred KiB.
pub const ROWS_AT_ONCE: usize = 1000;
