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

/// How many checkpoints' rows are removed at once: more than come in meanwhile, and little enough that nobody waits.
pub const PRUNED_AT_ONCE: usize = 2;

/// The bytes of arguments that are looked through for what must not be kept. What is longer is kept as its length and hash.
pub const MAX_ARGUMENT_BYTES: usize = 64 * 1024;

/// The bytes of one text among the arguments that is kept as it is: a path or a query, and no document.
pub const MAX_TEXT_BYTES: usize = 256;

/// Calls whose end is unknown that are named after a crash: as many as may be under way at one server.
pub const MAX_OPEN_INTENTS: usize = 256;
