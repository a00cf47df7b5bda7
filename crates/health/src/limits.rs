//! Every bound of this crate, and why it has that value.

use std::time::Duration;

/// How long `systemctl` may take to answer.
///
/// It takes some 20 ms, and a second on a machine that is busy starting; where PID 1 or the bus is stuck it would take
/// 25 s, and a person wants to read the rest before.
pub const SYSTEMCTL_WAIT: Duration = Duration::from_secs(5);

/// How much of what `systemctl` prints is read, in bytes.
///
/// A unit is some 300 bytes, and there are some dozens of units.
pub const MAX_SYSTEMCTL_BYTES: u64 = 1024 * 1024;

/// From how few free bytes on a disk is called full.
///
/// SQLite, a log and one small file still fit in less, and the next large one does not.
pub const FULL_BYTES: u64 = 16 * 1024 * 1024;

/// From how few free files (inodes) on a disk is called full.
pub const FULL_FILES: u64 = 128;

/// From what used part on a disk is called nearly full, in percent.
pub const NEARLY_FULL_PERCENT: u64 = 95;
