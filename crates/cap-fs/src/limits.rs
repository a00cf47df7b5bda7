//! The bounds of the file server.

/// The largest file that one call reads, in bytes. A reply carries content twice, and a model can take less than
/// this anyway.
pub const MAX_READ_BYTES: u64 = 1024 * 1024;

/// What the entries of one page may take as JSON, in bytes, however long their names: a reply carries them twice, and a
/// model reads no more than this anyway.
pub const MAX_LIST_BYTES: usize = 1024 * 1024;

/// The entries that one call lists; the rest is one cursor away.
pub const MAX_LIST_ENTRIES: usize = 1000;
