//! The file, and what ends in it by itself.

use std::time::Duration;

use mcp_types::TaskStatus;
use mcp_wire::{RpcError, code};
use store::rusqlite::{self, Connection};
use store::{Check, Schema};

use crate::end::{Outcome, end};
use crate::error::Refused;
use crate::limits::{MAX_KEPT, MAX_KEPT_BYTES, MAX_KEPT_BYTES_PER_CLIENT, MAX_KEPT_PER_CLIENT};
use crate::work::Work;

/// The file of tasks. Times are milliseconds since the Unix epoch.
pub(crate) const SCHEMA: Schema = Schema {
    application_id: 0x6c6d_746b,
    migrations: &["
        CREATE TABLE tasks (
            id TEXT PRIMARY KEY,
            client TEXT NOT NULL,
            method TEXT NOT NULL,
            approval TEXT,
            request TEXT NOT NULL,
            version TEXT NOT NULL,
            status TEXT NOT NULL
                CHECK (status IN ('working', 'input_required', 'completed', 'failed', 'cancelled')),
            message TEXT,
            created_at INTEGER NOT NULL,
            updated_at INTEGER NOT NULL,
            -- When one that is open fails, and one that has ended is forgotten.
            expires_at INTEGER NOT NULL,
            started_at INTEGER,
            cancel_asked_at INTEGER,
            ended_at INTEGER CHECK ((ended_at IS NULL) = (status IN ('working', 'input_required'))),
            -- Bytes of parameters and outcome. What is short stands before what is long, so that it is read alone.
            size INTEGER NOT NULL,
            params TEXT NOT NULL,
            outcome TEXT CHECK ((outcome IS NULL) = (status NOT IN ('completed', 'failed')))
        ) STRICT;
        CREATE INDEX open ON tasks (client) WHERE ended_at IS NULL;
        CREATE INDEX ended ON tasks (client, ended_at, size) WHERE ended_at IS NOT NULL;
        CREATE INDEX by_end ON tasks (expires_at);
        -- What a task asks its client, whose keys are used once. It is gone when the task ends.
        CREATE TABLE inputs (
            task TEXT NOT NULL REFERENCES tasks (id) ON DELETE CASCADE,
            key TEXT NOT NULL,
            state TEXT NOT NULL CHECK (state IN ('asked', 'answered', 'withdrawn')),
            request TEXT NOT NULL,
            response TEXT CHECK ((response IS NULL) = (state <> 'answered')),
            PRIMARY KEY (task, key)
        ) STRICT;
        -- One row: the time that was last seen.
        CREATE TABLE clock (seen_at INTEGER NOT NULL) STRICT;
        INSERT INTO clock VALUES (0);
    "],
    check: Check::Pages,
};

/// Why a task ends that nobody has ended.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Overdue {
    /// It was open for too long.
    Late,
    /// The process that worked on it is gone.
    Interrupted,
    /// The clock was set back while nobody looked.
    ClockSetBack,
}

impl Overdue {
    fn message(self, has_started: bool) -> &'static str {
        match (self, has_started) {
            (Self::Late, false) => {
                "the task was not begun in time and has ended: nothing was done, so the call can be made again"
            }
            (Self::ClockSetBack, false) => {
                "the clock was set back, so that nobody knows how long the task has waited: nothing was done, so the call can be made again"
            }
            (Self::Late, true) => {
                "the task did not end in time, and what it came to is not known: look whether it took effect before you repeat it"
            }
            (Self::Interrupted | Self::ClockSetBack, _) => {
                "the appliance was restarted during the task, and what it came to is not known: look whether it took effect before you repeat it"
            }
        }
    }

    /// Ends this task.
    pub(crate) fn end(self, work: &mut Work<'_>, id: &str) -> Result<(), Refused> {
        let task = work.find(id)?;
        let message = self.message(task.has_started);
        let error = RpcError::new(code::INTERNAL_ERROR, message);
        let error = serde_json::to_string(&error)
            .map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))?;
        let outcome =
            Outcome { status: TaskStatus::Failed, json: Some(&error), message: Some(message) };
        end(work, &task, &outcome).map(drop)
    }
}

/// Ends what is overdue, for good, and forgets what ended long ago.
pub(crate) fn expire(work: &mut Work<'_>) -> Result<(), Refused> {
    let old = "DELETE FROM tasks WHERE ended_at IS NOT NULL AND expires_at <= ?1 RETURNING id";
    let old = ids(&work.store, old, [work.now])?;
    work.touched.extend(old);
    let late = "SELECT id FROM tasks WHERE ended_at IS NULL AND expires_at <= ?1";
    for id in ids(&work.store, late, [work.now])? {
        Overdue::Late.end(work, &id)?;
    }
    Ok(())
}

/// Takes the clock as it is now: what it was set back by does not lengthen anything.
pub(crate) fn set_back(store: &Connection, by: Duration) -> rusqlite::Result<()> {
    let earlier = "UPDATE tasks SET expires_at = expires_at - ?1, ended_at = ended_at - ?1";
    store.prepare_cached(earlier)?.execute([crate::tasks::milliseconds(by)]).map(drop)
}

/// Forgets those that ended first, if too many are kept; never the one that has just ended.
pub(crate) fn trim(work: &mut Work<'_>, but: &str) -> rusqlite::Result<()> {
    let many = "DELETE FROM tasks WHERE id IN (
            SELECT id FROM (
                SELECT id, row_number() OVER own AS number, sum(size) OVER own AS bytes,
                       row_number() OVER every AS number_of_all, sum(size) OVER every AS bytes_of_all
                FROM tasks WHERE ended_at IS NOT NULL
                WINDOW own AS (PARTITION BY client ORDER BY ended_at DESC, rowid DESC ROWS UNBOUNDED PRECEDING),
                       every AS (ORDER BY ended_at DESC, rowid DESC ROWS UNBOUNDED PRECEDING))
            WHERE number > ?1 OR bytes > ?2 OR number_of_all > ?3 OR bytes_of_all > ?4)
        AND id <> ?5
        RETURNING id";
    let bytes = |limit: u64| i64::try_from(limit).unwrap_or(i64::MAX);
    let limits = (
        MAX_KEPT_PER_CLIENT,
        bytes(MAX_KEPT_BYTES_PER_CLIENT),
        MAX_KEPT,
        bytes(MAX_KEPT_BYTES),
        but,
    );
    let gone = ids(&work.store, many, limits)?;
    work.touched.extend(gone);
    Ok(())
}

/// The ids that a statement gives.
pub(crate) fn ids(
    store: &Connection,
    statement: &str,
    params: impl rusqlite::Params,
) -> rusqlite::Result<Vec<String>> {
    store.prepare_cached(statement)?.query_map(params, |row| row.get(0))?.collect()
}
