//! Every bound of this crate, and why it has that value.

use landlock::ABI;

/// The oldest Landlock that counts as confinement.
///
/// Before ABI 2 (Linux 5.19) no file may be moved between two directories at all, so replacing a
/// file by rename, which every safe write does, fails.
pub const LANDLOCK_OLDEST: ABI = ABI::V2;

/// The newest Landlock whose rights are asked for.
///
/// ABI 7 (Linux 6.15) is the newest that the tests of this crate have run on, and the `landlock`
/// crate asks for rights that were tested, not for all that a future kernel may know. What later
/// ABIs add (UDP, named sockets) the system-call filter refuses already.
pub const LANDLOCK_NEWEST: ABI = ABI::V7;

/// How many bytes of `/proc/self/status` are read to count threads.
///
/// The file has about 1.5 KiB; its processor and memory-node masks grow with the machine, and 64
/// KiB holds the masks of the largest that Linux supports.
pub const PROC_STATUS_MAX_BYTES: u64 = 64 * 1024;

/// How many directories one process may declare.
///
/// Each costs the kernel a rule that every path walk may visit. A person has a handful of roots,
/// so a list longer than this is a mistake in a configuration, not a need.
pub const NEEDS_MAX_DIRECTORIES: usize = 1024;
