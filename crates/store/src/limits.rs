//! The bounds of every store.

use std::time::Duration;

/// How long a statement waits for another process's lock. Writers hold theirs for one commit, so whoever waits longer waits for
/// something that is stuck.
pub const BUSY: Duration = Duration::from_secs(5);

/// How large the write-ahead log stays once it has been taken over into the file, in bytes: what a busy minute writes.
pub const WAL_BYTES_KEPT: i64 = 16 * 1024 * 1024;

/// The memory that the pages of one connection may take, in KiB. The stores of a daemon are read by index, so that few pages
/// are in use at a time.
pub const CACHE_KIB: u32 = 2 * 1024;
