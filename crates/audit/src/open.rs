//! Opening the log, and adding to it.

use std::io;
use std::path::Path;

use jiff::Timestamp;
use signing::KeyError;
use store::StoreError;
use store::rusqlite::{self, Connection, OptionalExtension as _};

use crate::checkpoint::{Checkpoint, Purpose, Signed, put};
use crate::entry::{Entry, Kind};
use crate::key::{Key, tell_public};
use crate::limits::{CHECKPOINT_AGE, CHECKPOINT_ROWS, MAX_BYTES, MAX_DAYS, MAX_WAITING};
use crate::redact::Redactor;
use crate::row::{BEGINNING, REPLACED, Row, TAKEN_AWAY};
use crate::schema::SCHEMA;

/// The file of the log, in its folder.
pub const FILE: &str = "audit.db";

/// The log, before anything is recorded by others.
#[derive(Debug)]
pub struct Log {
    pub(crate) store: Connection,
    pub(crate) key: Key,
    pub(crate) redactor: Redactor,
    pub(crate) last: Checkpoint,
    /// The row of the last checkpoint, and when that was.
    checkpointed: (u64, i64),
    /// Whether there may be rows to remove.
    pub(crate) prune_due: bool,
    pub(crate) max_bytes: u64,
    pub(crate) max_days: u32,
}

/// Why the log is not opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The file cannot be opened.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The file cannot be written.
    #[error("the audit log: {0}")]
    Sqlite(#[from] rusqlite::Error),
    /// The key cannot be read or made.
    #[error("`{name}`: {source}")]
    KeyFile {
        /// The file.
        name: String,
        /// What the kernel said.
        source: io::Error,
    },
    /// The file of the key holds something else.
    #[error(
        "`{name}`: {source}: put the key back that the log was begun with, or move log and key away"
    )]
    Key {
        /// The file.
        name: String,
        /// What is wrong.
        source: KeyError,
    },
    /// Another process writes it.
    #[error(
        "`{name}` is in use: another gateway writes the audit log of this folder; stop it, or give this one a folder"
    )]
    InUse {
        /// The file of the key, which whoever writes the log holds.
        name: String,
    },
    /// No new key can be made.
    #[error("no signing key can be made: {0}")]
    Random(String),
}

impl Log {
    /// Opens the log in `folder`, where it and its key are made if they are not there. Of what an earlier process has not ended
    /// in order it is recorded what may be missing; and that the log is not as it was left, where it is not.
    ///
    /// # Errors
    ///
    /// Those of [`OpenError`].
    pub fn open(folder: &Path, redactor: Redactor) -> Result<Self, OpenError> {
        let (key, known) = Key::open(folder)?;
        let store = store::open(&folder.join(FILE), &SCHEMA)?;
        let head = Signed::one(&store, Purpose::Head)?;
        let base = Signed::one(&store, Purpose::Base)?;
        let begin = Checkpoint { seq: 0, hash: BEGINNING };
        let end = last_row(&store)?;
        let base = base.map_or(begin, |base| base.place);
        let last = end.as_ref().map_or(base, |row| Checkpoint { seq: row.seq, hash: row.hash });
        let wrong = match &head {
            None if last.seq == 0 => known.then_some(TAKEN_AWAY),
            Some(head) if head.place == last && head.is_good(&key.public(), Purpose::Head) => None,
            _ => Some(REPLACED),
        };
        let checkpointed = (last.seq, Timestamp::now().as_microsecond());
        let (max_bytes, max_days, prune_due) = (MAX_BYTES, MAX_DAYS, true);
        let mut log =
            Self { store, key, redactor, last, checkpointed, prune_due, max_bytes, max_days };
        log.begin(end.as_ref(), wrong)?;
        tell_public(folder, &log.key)?;
        Ok(log)
    }

    /// The same with other bounds of its size, in bytes, and of the age of its rows, in days.
    #[must_use]
    pub fn keeping(mut self, max_bytes: u64, max_days: u32) -> Self {
        (self.max_bytes, self.max_days) = (max_bytes, max_days);
        self
    }

    /// Records that the log is open, and before it what may be missing.
    fn begin(&mut self, end: Option<&Row>, wrong: Option<&'static str>) -> rusqlite::Result<()> {
        let now = Timestamp::now().as_microsecond();
        let mut entries = Vec::new();
        if let Some(wrong) = wrong {
            tracing::error!(wrong, "the audit log is not as it was left");
            let mut gap = Entry::new(Kind::Gap, "audit");
            gap.outcome = wrong;
            entries.push((gap, now));
        }
        if let Some(end) = end.filter(|end| !end.is(Kind::Stop)) {
            let mut gap = Entry::new(Kind::Gap, "audit");
            gap.outcome =
                "not closed in order: reads since the row that this refers to may be missing";
            gap.refers = Some(end.seq);
            entries.push((gap, now));
            for (seq, what, request, client) in self.open_intents()? {
                let mut outcome = Entry::new(Kind::Outcome, what);
                (outcome.request, outcome.client) = (request.into(), client.into());
                outcome.outcome = "unknown";
                outcome.refers = Some(seq);
                entries.push((outcome, now));
            }
        }
        entries.push((Entry::new(Kind::Start, "audit"), now));
        self.commit(entries, Purpose::Checkpoint)
    }

    /// Intents of the last run that have no outcome: no more than can be under way at a time.
    fn open_intents(&self) -> rusqlite::Result<Vec<(u64, String, String, String)>> {
        let start = self.store.query_row(
            "SELECT coalesce(max(seq), 0) FROM rows INDEXED BY begun WHERE kind = 'start'",
            [],
            |row| row.get::<_, i64>(0),
        )?;
        let mut open = self.store.prepare(
            "SELECT seq, what, request, client FROM rows INDEXED BY begun
             WHERE kind = 'intent' AND seq > ?1 AND NOT EXISTS (
                 SELECT 1 FROM rows AS outcomes INDEXED BY ended
                 WHERE outcomes.kind = 'outcome' AND outcomes.refers = rows.seq)
             ORDER BY seq LIMIT ?2",
        )?;
        let most = i64::try_from(MAX_WAITING).unwrap_or(i64::MAX);
        let rows = open.query_map([start, most], |row| {
            let seq = row.get::<_, i64>(0)?.cast_unsigned();
            Ok((seq, row.get(1)?, row.get(2)?, row.get(3)?))
        })?;
        rows.collect()
    }

    /// The place of the row that comes next.
    pub(crate) fn next_seq(&self) -> u64 {
        self.last.seq + 1
    }

    /// Adds entries in one commit, after which they are on the disk.
    pub(crate) fn append(&mut self, entries: Vec<(Entry, i64)>) -> rusqlite::Result<()> {
        let (seq, at) = self.checkpointed;
        let rows = (self.last.seq - seq).saturating_add(entries.len() as u64);
        let age = Timestamp::now().as_microsecond().abs_diff(at);
        let due = rows >= CHECKPOINT_ROWS || u128::from(age) >= CHECKPOINT_AGE.as_micros();
        self.commit(entries, if due { Purpose::Checkpoint } else { Purpose::Head })
    }

    /// The same, with a checkpoint or without.
    fn commit(&mut self, entries: Vec<(Entry, i64)>, purpose: Purpose) -> rusqlite::Result<()> {
        let now = Timestamp::now().as_microsecond();
        let transaction = self.store.unchecked_transaction()?;
        let last = self.add(&transaction, entries, now)?;
        let is_checkpoint = purpose == Purpose::Checkpoint;
        if is_checkpoint {
            put(&transaction, &self.key, Purpose::Checkpoint, &last, now)?;
        }
        transaction.commit()?;
        self.last = last;
        if is_checkpoint {
            (self.checkpointed, self.prune_due) = ((last.seq, now), true);
            // The journal holds what the file alone cannot prove.
            tracing::info!(checkpoint = %last, "audit");
        }
        Ok(())
    }

    /// Adds rows to the end and signs that, within a transaction; gives the end that there is once it is committed.
    pub(crate) fn add(
        &self,
        transaction: &Connection,
        entries: Vec<(Entry, i64)>,
        now: i64,
    ) -> rusqlite::Result<Checkpoint> {
        let mut last = self.last;
        for (entry, at) in entries {
            let row = row(entry, at, &last);
            row.insert(transaction)?;
            last = Checkpoint { seq: row.seq, hash: row.hash };
        }
        put(transaction, &self.key, Purpose::Head, &last, now)?;
        Ok(last)
    }

    /// Records that the log is closed in order.
    pub(crate) fn stop(&mut self) -> rusqlite::Result<()> {
        let now = Timestamp::now().as_microsecond();
        self.commit(vec![(Entry::new(Kind::Stop, "audit"), now)], Purpose::Checkpoint)
    }
}

/// The row of an entry after the last one.
fn row(entry: Entry, at: i64, last: &Checkpoint) -> Row {
    let mut row = Row {
        seq: last.seq + 1,
        at,
        kind: entry.kind.name().to_owned(),
        request: entry.request.to_string(),
        client: entry.client.to_string(),
        origin: entry.origin.to_owned(),
        what: entry.what.to_string(),
        arguments: entry.arguments.map(String::from),
        outcome: entry.outcome.to_owned(),
        code: entry.code,
        bytes: entry.bytes,
        micros: entry.micros,
        refers: entry.refers,
        hash: BEGINNING,
    };
    row.hash = row.hash_after(&last.hash);
    row
}

fn last_row(store: &Connection) -> rusqlite::Result<Option<Row>> {
    let query = format!("SELECT {} FROM rows ORDER BY seq DESC LIMIT 1", Row::COLUMNS);
    store.query_row(&query, [], Row::read).optional()
}
