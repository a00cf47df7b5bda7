//! Every bound of the crate, each with the reason for its number.

/// Longest path text in bytes: the kernel's own `PATH_MAX`, so that no path is accepted here which
/// no program on the host could use.
pub const MAX_PATH_BYTES: usize = 4096;

/// Longest component in bytes: `NAME_MAX` of every file system in use, so that a longer one is
/// refused with a clear message rather than by the kernel in the middle of a walk.
pub const MAX_NAME_BYTES: usize = 255;

/// Deepest folder that a walk enters, in components below the root: a walk holds one handle for
/// each level, and a few walks at once must fit into the usual 1,024 handles of a process.
pub const MAX_DEPTH: usize = 128;

/// Symbolic links that one walk expands: the number at which the kernel itself gives up.
pub const MAX_LINKS: usize = 40;

/// Single steps of one walk: twice what the longest path text can ask for (2,048 components of one
/// byte), so that links which expand to long paths cannot multiply the work.
pub const MAX_STEPS: usize = 4096;

/// Attempts of one `openat2`: the kernel answers `EAGAIN` when a rename anywhere on the host raced
/// with a beneath-lookup, and 16 losses in a row mean that somebody does this on purpose.
pub const MAX_OPEN_ATTEMPTS: usize = 16;

/// Attempts of an operation whose file was exchanged between its examination and its opening:
/// beyond 16 the caller is better served by an error than by a busy loop.
pub const MAX_RACE_ATTEMPTS: usize = 16;

/// Largest file that an append may make, in bytes (64 MiB): an append copies the file, so its cost
/// is that of the whole file and not of the text appended.
pub const APPEND_MAX_BYTES: u64 = 64 * 1024 * 1024;

/// Bytes copied at a time by an append: large enough that the calls do not count, small enough for
/// the stack of nobody (it is on the heap) and for a hundred appends at once.
pub const COPY_BUFFER_BYTES: usize = 128 * 1024;

/// Deepest folder, counted from the one to remove, that a recursive removal accepts: each level
/// holds one handle.
pub const MAX_TREE_DEPTH: usize = 128;

/// Entries that a recursive removal accepts: a scan of a million entries takes seconds, and more is
/// an administrator's work.
pub const MAX_TREE_ENTRIES: usize = 1_000_000;

/// Passes over one folder that a recursive removal makes while others fill it again.
pub const MAX_CLEAR_PASSES: usize = 8;

/// Entries of one folder that a list reads: they are sorted in memory, and names of 255 bytes make
/// this 25 MB at worst.
pub const MAX_LIST_SCAN: usize = 100_000;

/// Locks over which targets of writes are spread: far more than the writes that run at once, so
/// that two files seldom share one.
pub const LOCK_STRIPES: usize = 64;

/// Records of unfinished writes that one recovery reads: a crash leaves one for each write that
/// was running, so thousands are already a sign of something else.
pub const MAX_PENDING_RECORDS: usize = 10_000;

/// Largest record of an unfinished write, in bytes: a path of [`MAX_PATH_BYTES`] in which JSON
/// escapes every byte as `\u00xx`, and the names around it.
pub const MAX_RECORD_BYTES: u64 = 6 * MAX_PATH_BYTES as u64 + 1024;

/// Random bytes in the name of a temporary file: 128 bits are never drawn twice, so a record can
/// name only the file that it was made for.
pub const TEMP_RANDOM_BYTES: usize = 16;

/// Largest value, and largest list of names, of extended attributes, in bytes: the kernel's own
/// `XATTR_SIZE_MAX` and `XATTR_LIST_MAX`.
pub const MAX_XATTR_BYTES: usize = 64 * 1024;
