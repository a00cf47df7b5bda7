//! The bounds of the file server.

/// The largest file that one call reads, in bytes. A reply carries content twice, and a model can take less than
/// this anyway.
pub const MAX_READ_BYTES: u64 = 1024 * 1024;

/// What the entries of one page may take as JSON, in bytes, however long their names: a reply carries them twice, and a
/// model reads no more than this anyway.
pub const MAX_LIST_BYTES: usize = 1024 * 1024;

/// The entries that one call lists; the rest is one cursor away.
pub const MAX_LIST_ENTRIES: usize = 1000;

/// The folders that are exposed at most. A person has a handful, and each costs open handles.
pub const MAX_ROOTS: usize = 64;

/// The bytes of replaced content that are kept, where the owner says nothing: some thousand documents, on disks of today
/// a small part.
pub const HISTORY_BYTES: u64 = 10 * 1024 * 1024 * 1024;

/// The days for which a change can be undone, where the owner says nothing: whoever notices a fault after a month has it in
/// his backups too.
pub const HISTORY_DAYS: u32 = 30;

/// The changes that the history holds at most. At some hundred bytes each this is a database of tens of megabytes, which
/// is checked at each start within a second.
pub const MAX_CHANGES: i64 = 100_000;

/// The changes that one request of the history looks at: as many as there can be.
pub const MAX_HISTORY_LISTED: usize = 100_000;

/// The changes that one call undoes: each waits for the disk some times, and this many take less than a minute.
pub const MAX_UNDONE: usize = 1000;

/// The changes that one page of the history shows; a model reads no more.
pub const MAX_HISTORY_PAGE: usize = 200;

/// The bytes that are read from a file at a time, where only a part of it is wanted.
pub const READ_CHUNK_BYTES: usize = 64 * 1024;

/// The patterns that one argument gives at most.
pub const MAX_PATTERNS: usize = 64;

/// The bytes of one pattern: longer than any that a person writes, and short enough to be compiled at once.
pub const MAX_PATTERN_BYTES: usize = 1024;

/// The entries that one call of a tool that goes through a tree shows: a model reads no more.
pub const MAX_FOUND: usize = 1000;

/// The bytes of one line that a search shows.
pub const MAX_LINE_BYTES: usize = 1000;

/// The memory of one search of one file, in bytes: lines may be long.
pub const SEARCH_BYTES: usize = 4 * 1024 * 1024;

/// The size of a compiled regular expression, in bytes: that of one with some thousand states.
pub const REGEX_BYTES: usize = 4 * 1024 * 1024;

/// The files that a search for duplicates compares: their paths are held in memory.
pub const MAX_COMPARED: usize = 100_000;

/// The bytes that their paths may take, however long they are.
pub const MAX_COMPARED_BYTES: usize = 32 * 1024 * 1024;

/// The paths that one call reads or puts into an archive.
pub const MAX_PATHS: usize = 100;

/// The bytes of an image or a sound, which a reply carries once, as base64.
pub const MAX_MEDIA_BYTES: u64 = 4 * 1024 * 1024;

/// The bytes of a file that is edited: it is held in memory some times over.
pub const MAX_EDIT_BYTES: u64 = 4 * 1024 * 1024;

/// The edits of one call.
pub const MAX_EDITS: usize = 100;

/// How long a search for the smallest difference may take, after which a larger one serves.
pub const DIFF_TIME: std::time::Duration = std::time::Duration::from_secs(1);

/// The entries of an archive that is made or extracted.
pub const MAX_ARCHIVE_ENTRIES: usize = 20_000;

/// The bytes that the list of entries of an archive may take: more is no archive of [`MAX_ARCHIVE_ENTRIES`].
pub const MAX_ARCHIVE_INDEX_BYTES: u64 = 8 * 1024 * 1024;

/// The bytes that an archive is extracted to, all in all.
pub const MAX_EXTRACTED_BYTES: u64 = 1024 * 1024 * 1024;

/// How many times as large as the archive what it is extracted to may be: text is packed to a tenth, a bomb to a
/// thousandth.
pub const MAX_EXTRACTED_RATIO: u64 = 100;

/// The bytes that may be extracted whatever the ratio is: small archives of one repeated letter are no bombs.
pub const ALWAYS_EXTRACTED_BYTES: u64 = 1024 * 1024;
