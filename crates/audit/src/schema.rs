//! The file.

use store::{Check, Schema};

/// What the file holds. `head` and `base` have one row at the most.
pub(crate) const SCHEMA: Schema = Schema {
    application_id: 0x6c6d_6175,
    migrations: &["
        CREATE TABLE rows (
            seq INTEGER PRIMARY KEY,
            -- Microseconds since the Unix epoch.
            at INTEGER NOT NULL,
            kind TEXT NOT NULL,
            request TEXT NOT NULL,
            client TEXT NOT NULL,
            origin TEXT NOT NULL,
            what TEXT NOT NULL,
            arguments TEXT,
            outcome TEXT NOT NULL,
            code INTEGER NOT NULL,
            bytes INTEGER NOT NULL,
            micros INTEGER NOT NULL,
            refers INTEGER,
            hash BLOB NOT NULL
        ) STRICT;
        CREATE TABLE checkpoints (
            seq INTEGER PRIMARY KEY,
            at INTEGER NOT NULL,
            hash BLOB NOT NULL,
            signature BLOB NOT NULL
        ) STRICT;
        -- The last row, signed with every commit: without it the last rows could be dropped unseen.
        CREATE TABLE head (
            id INTEGER PRIMARY KEY CHECK (id = 1),
            seq INTEGER NOT NULL,
            at INTEGER NOT NULL,
            hash BLOB NOT NULL,
            signature BLOB NOT NULL
        ) STRICT;
        -- The last row that was removed because of its age, or for want of room.
        CREATE TABLE base (
            id INTEGER PRIMARY KEY CHECK (id = 1),
            seq INTEGER NOT NULL,
            at INTEGER NOT NULL,
            hash BLOB NOT NULL,
            signature BLOB NOT NULL
        ) STRICT;
    ", "
        -- What a start after a crash asks for, so that it does not read all rows. Reads, the many, are in neither.
        CREATE INDEX begun ON rows (kind) WHERE kind = 'start' OR kind = 'intent';
        CREATE INDEX ended ON rows (refers) WHERE kind = 'outcome';
    "],
    // The chain proves itself, and may have gigabytes.
    check: Check::Opening,
};
