//! The database of changes.

use store::{Check, Schema};

/// The store of the file server's history.
pub(super) const SCHEMA: Schema = Schema {
    application_id: 0x6c6c_6673,
    migrations: &["
        CREATE TABLE changes (
            change INTEGER PRIMARY KEY AUTOINCREMENT,
            root TEXT NOT NULL,
            at INTEGER NOT NULL,
            client TEXT NOT NULL,
            run TEXT,
            tool TEXT NOT NULL,
            act TEXT NOT NULL,
            path TEXT NOT NULL,
            target TEXT,
            step TEXT NOT NULL,
            kept TEXT,
            bytes INTEGER NOT NULL,
            open INTEGER NOT NULL,
            undoes INTEGER,
            undone_by INTEGER,
            counts INTEGER NOT NULL
        ) STRICT;
        CREATE INDEX by_client ON changes (client, change);
        CREATE INDEX by_run ON changes (run, change) WHERE run IS NOT NULL;
        CREATE INDEX by_kept ON changes (change, bytes) WHERE kept IS NOT NULL;
        CREATE INDEX by_name ON changes (root, kept) WHERE kept IS NOT NULL;
        CREATE INDEX by_open ON changes (root) WHERE open;
        CREATE INDEX by_time ON changes (at);
    "],
    check: Check::Pages,
};

pub(super) const BEGIN: &str = "
    INSERT INTO changes
        (root, at, client, run, tool, act, path, target, step, kept, bytes, open, undoes, counts)
    VALUES
        (:root, :at, :client, :run, :tool, :act, :path, :target, :step, :kept, :bytes, 1, :undoes, :counts)";

/// What the change undoes, and what that one had kept.
pub(super) const UNDONE_BY: &str = "
    SELECT undone.change, undone.kept FROM changes
    JOIN changes AS undone ON undone.change = changes.undoes
    WHERE changes.change = ?1";

pub(super) const TOTAL: &str = "
    SELECT
        coalesce((SELECT sum(bytes) FROM changes WHERE kept IS NOT NULL), 0),
        coalesce((SELECT max(change) FROM changes), 0)";

pub(super) const KEPT: &str = "
    SELECT change, root, kept, bytes, at FROM changes WHERE kept IS NOT NULL AND open = 0 ORDER BY change";

pub(super) const OPEN: &str =
    "SELECT change, step FROM changes WHERE root = ?1 AND open = 1 ORDER BY change";

/// The members of an entry, in the order in which they are read.
macro_rules! entry {
    ($rest:literal) => {
        concat!(
            "SELECT change, root, at, client, run, tool, act, path, target, step, kept, undoes, undone_by, counts \
             FROM changes WHERE open = 0 AND ",
            $rest
        )
    };
}

pub(super) const LIST: &str = entry!(
    "change < :before
        AND (:client IS NULL OR client = :client)
        AND (:run IS NULL OR run = :run)
        AND (:path IS NULL OR path = :path OR target = :path
            OR substr(path, 1, length(:path) + 1) = :path || '/'
            OR substr(target, 1, length(:path) + 1) = :path || '/')
    ORDER BY change DESC"
);

pub(super) const ONE: &str = entry!("change = ?1");

/// What came after a change and is not undone, the newest first.
pub(super) const LATER: &str = "
    SELECT change, client, path, target FROM changes
    WHERE open = 0 AND change > ?1 AND undone_by IS NULL ORDER BY change DESC";

/// Which of them, and of those that are undone, undo another.
pub(super) const UNDOING: &str = "
    SELECT change, undoes FROM changes WHERE open = 0 AND change > ?1 AND undoes IS NOT NULL";
