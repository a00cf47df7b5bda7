//! The file, and what expires in it.

use store::rusqlite::{self, Connection};
use store::{Check, Schema};

use crate::inbox::milliseconds;
use crate::limits::CLOCK_TOLERANCE;

/// The file of approvals. Times are milliseconds since the Unix epoch.
pub(crate) const SCHEMA: Schema = Schema {
    application_id: 0x6c6d_6170,
    migrations: &[
        "
        CREATE TABLE approvals (
            id TEXT PRIMARY KEY,
            -- SHA-256 of client, method and canonical arguments.
            call BLOB NOT NULL,
            client TEXT NOT NULL,
            origin TEXT NOT NULL,
            method TEXT NOT NULL,
            tool TEXT NOT NULL,
            arguments TEXT NOT NULL,
            rule TEXT NOT NULL,
            audience TEXT NOT NULL CHECK (audience IN ('host', 'person')),
            -- One a line.
            untrusted TEXT NOT NULL,
            request TEXT NOT NULL,
            run TEXT,
            asked_at INTEGER NOT NULL,
            expires_at INTEGER NOT NULL,
            state TEXT NOT NULL
                CHECK (state IN ('pending', 'approved', 'denied', 'used', 'expired', 'cancelled')),
            answered_by TEXT,
            answered_as TEXT CHECK (answered_as IN ('host', 'person')),
            answered_at INTEGER,
            reason TEXT,
            edited TEXT,
            usable_until INTEGER,
            closed_at INTEGER
        ) STRICT, WITHOUT ROWID;
        -- A call is open once.
        CREATE UNIQUE INDEX open ON approvals (call) WHERE state IN ('pending', 'approved');
        CREATE INDEX denied ON approvals (call, answered_at) WHERE state = 'denied';
        CREATE INDEX of_client ON approvals (client, asked_at);
        CREATE INDEX by_time ON approvals (asked_at);
        CREATE TABLE standing (
            id TEXT PRIMARY KEY,
            client TEXT NOT NULL,
            method TEXT NOT NULL,
            -- Empty where it is for every call of the method.
            folder TEXT NOT NULL,
            allowed_by TEXT NOT NULL,
            allowed_at INTEGER NOT NULL,
            UNIQUE (client, method, folder)
        ) STRICT, WITHOUT ROWID;
    ",
        // How often its server has asked something back, so that it was made again.
        "ALTER TABLE approvals ADD COLUMN rounds INTEGER NOT NULL DEFAULT 0;",
    ],
    check: Check::Pages,
};

/// Ends what is over: for good, so that a clock that is set back revives nothing. `set_back`: the clock was, and nobody can tell how
/// long anything has waited.
pub(crate) fn expire(store: &Connection, now: i64, set_back: bool) -> rusqlite::Result<()> {
    let mut end = store.prepare_cached(
        "UPDATE approvals SET state = 'expired', closed_at = ?1
         WHERE state IN ('pending', 'approved')
           AND (?2 OR coalesce(usable_until, expires_at) <= ?1
                OR asked_at > ?3 OR coalesce(answered_at, asked_at) > ?3)",
    )?;
    end.execute((now, set_back, now.saturating_add(milliseconds(CLOCK_TOLERANCE))))?;
    Ok(())
}
