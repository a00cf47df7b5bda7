//! Opening the log, and adding to it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use jiff::{Timestamp, ToSpan};
use settings::Access;
use signing::{KeyError, SigningKey};
use store::StoreError;
use store::rusqlite::{self, Connection, OptionalExtension as _};

use crate::checkpoint::{Checkpoint, Purpose, Signed, put};
use crate::entry::{Entry, Kind};
use crate::limits::{CHECKPOINT_ROWS, MAX_BYTES, MAX_DAYS, MAX_OPEN_INTENTS, PRUNED_AT_ONCE};
use crate::redact::Redactor;
use crate::row::{BEGINNING, Row};
use crate::schema::SCHEMA;

/// The file of the log, in its folder.
pub const FILE: &str = "audit.db";
/// The key that signs it, which only its daemon reads.
pub const KEY_FILE: &str = "audit.key";
/// The key that verifies it.
pub const PUBLIC_KEY_FILE: &str = "audit.pub";
const SECRET_MODE: u32 = 0o600;
const PUBLIC_MODE: u32 = 0o644;

/// The log, before anything is recorded by others.
#[derive(Debug)]
pub struct Log {
    store: Connection,
    key: SigningKey,
    redactor: Redactor,
    last: Checkpoint,
    checkpointed: u64,
    max_bytes: u64,
    max_days: u32,
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
    /// No new key can be made.
    #[error("no signing key can be made: {0}")]
    Random(String),
}

impl Log {
    /// Opens the log in `folder`, where it and its key are made if they are not there. Of what an earlier process has not ended
    /// in order it is recorded what may be missing.
    ///
    /// # Errors
    ///
    /// Those of [`OpenError`].
    pub fn open(folder: &Path, redactor: Redactor) -> Result<Self, OpenError> {
        let key = key(folder)?;
        let store = store::open(&folder.join(FILE), &SCHEMA)?;
        let head = Signed::one(&store, Purpose::Head)?;
        let base = Signed::one(&store, Purpose::Base)?;
        let begin = Checkpoint { seq: 0, hash: BEGINNING };
        let end = last_row(&store)?;
        let base = base.map_or(begin, |base| base.place);
        let last = end.as_ref().map_or(base, |row| Checkpoint { seq: row.seq, hash: row.hash });
        let checkpointed = last.seq;
        let (max_bytes, max_days) = (MAX_BYTES, MAX_DAYS);
        let mut log = Self { store, key, redactor, last, checkpointed, max_bytes, max_days };
        let fits = match &head {
            None => last.seq == 0,
            Some(head) => head.place == last && head.is_good(&log.key.public(), Purpose::Head),
        };
        log.begin(end.as_ref(), fits)?;
        Ok(log)
    }

    /// The same with other bounds of its size, in bytes, and of the age of its rows, in days.
    #[must_use]
    pub fn keeping(mut self, max_bytes: u64, max_days: u32) -> Self {
        (self.max_bytes, self.max_days) = (max_bytes, max_days);
        self
    }

    /// Records that the log is open, and before it what may be missing.
    fn begin(&mut self, end: Option<&Row>, fits: bool) -> rusqlite::Result<()> {
        let now = Timestamp::now().as_microsecond();
        let mut entries = Vec::new();
        if !fits {
            tracing::error!("the end of the audit log is not the one that was signed");
            let mut gap = Entry::new(Kind::Gap, "audit");
            gap.outcome = "the end of the log is not the one that was signed";
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
        self.append(entries)?;
        self.checkpoint()
    }

    /// Intents of the last run that have no outcome.
    fn open_intents(&self) -> rusqlite::Result<Vec<(u64, String, String, String)>> {
        let mut open = self.store.prepare(
            "WITH run AS (SELECT coalesce(max(seq), 0) AS start FROM rows WHERE kind = 'start')
             SELECT seq, what, request, client FROM rows, run
             WHERE seq > start AND kind = 'intent' AND seq NOT IN
                 (SELECT refers FROM rows, run WHERE seq > start AND kind = 'outcome' AND refers IS NOT NULL)
             ORDER BY seq LIMIT ?1",
        )?;
        let most = i64::try_from(MAX_OPEN_INTENTS).unwrap_or(i64::MAX);
        let rows = open.query_map([most], |row| {
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
        let mut last = self.last;
        let mut now = 0;
        let transaction = self.store.unchecked_transaction()?;
        for (entry, at) in entries {
            now = at;
            let row = self.row(entry, at, &last);
            row.insert(&transaction)?;
            last = Checkpoint { seq: row.seq, hash: row.hash };
        }
        put(&transaction, &self.key, Purpose::Head, &last, now)?;
        transaction.commit()?;
        self.last = last;
        if self.last.seq.saturating_sub(self.checkpointed) >= CHECKPOINT_ROWS {
            self.checkpoint()?;
            self.prune()?;
        }
        Ok(())
    }

    fn row(&self, entry: Entry, at: i64, last: &Checkpoint) -> Row {
        let mut row = Row {
            seq: last.seq + 1,
            at,
            kind: entry.kind.name().to_owned(),
            request: entry.request.to_string(),
            client: entry.client.to_string(),
            origin: entry.origin.to_owned(),
            what: entry.what.to_string(),
            arguments: entry.arguments.map(|arguments| self.redactor.redact(&arguments)),
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

    /// Signs the last row for good.
    fn checkpoint(&mut self) -> rusqlite::Result<()> {
        let at = Timestamp::now().as_microsecond();
        put(&self.store, &self.key, Purpose::Checkpoint, &self.last, at)?;
        self.checkpointed = self.last.seq;
        // The journal holds what the file alone cannot prove.
        tracing::info!(checkpoint = %self.last, "audit");
        Ok(())
    }

    /// Removes the oldest rows, up to a checkpoint, where there are too many or they are too old.
    fn prune(&mut self) -> rusqlite::Result<()> {
        let pragma = |name| self.store.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
        let pages = pragma("page_count")? - pragma("freelist_count")?;
        let bytes = pages.saturating_mul(pragma("page_size")?).cast_unsigned();
        let now = Timestamp::now();
        let span = i64::from(self.max_days).saturating_mul(24).hours();
        let oldest = now.checked_sub(span).unwrap_or(Timestamp::MIN).as_microsecond();
        let nth = i64::try_from(PRUNED_AT_ONCE).unwrap_or(1) - 1;
        let found: Option<(i64, i64, [u8; 32])> = self
            .store
            .query_row(
                "SELECT seq, at, hash FROM checkpoints WHERE seq < ?1 ORDER BY seq LIMIT 1 OFFSET ?2",
                (self.last.seq.cast_signed(), nth),
                |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
            )
            .optional()?;
        let Some((seq, at, hash)) =
            found.filter(|(_, at, _)| bytes > self.max_bytes || *at < oldest)
        else {
            return Ok(());
        };
        let place = Checkpoint { seq: seq.cast_unsigned(), hash };
        let transaction = self.store.unchecked_transaction()?;
        put(&transaction, &self.key, Purpose::Base, &place, at)?;
        transaction.execute("DELETE FROM rows WHERE seq <= ?1", [seq])?;
        transaction.execute("DELETE FROM checkpoints WHERE seq <= ?1", [seq])?;
        transaction.commit()?;
        let mut pruned = Entry::new(Kind::Admin, "audit");
        pruned.outcome = "the rows up to the one that this refers to were removed for age or size";
        pruned.refers = Some(place.seq);
        self.append(vec![(pruned, now.as_microsecond())])
    }

    /// Records that the log is closed in order.
    pub(crate) fn stop(&mut self) -> rusqlite::Result<()> {
        let now = Timestamp::now().as_microsecond();
        self.append(vec![(Entry::new(Kind::Stop, "audit"), now)])?;
        self.checkpoint()
    }
}

fn last_row(store: &Connection) -> rusqlite::Result<Option<Row>> {
    let query = format!("SELECT {} FROM rows ORDER BY seq DESC LIMIT 1", Row::COLUMNS);
    store.query_row(&query, [], Row::read).optional()
}

/// The key in the folder, which is made if it is not there.
fn key(folder: &Path) -> Result<SigningKey, OpenError> {
    let path = folder.join(KEY_FILE);
    let failed = |path: &Path, source| OpenError::KeyFile { name: name(path), source };
    let key = match fs::read_to_string(&path) {
        Ok(text) => SigningKey::from_text(text.trim())
            .map_err(|source| OpenError::Key { name: name(&path), source })?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let key = SigningKey::generate().map_err(|e| OpenError::Random(e.to_string()))?;
            settings::put(&path, Access::mode(SECRET_MODE), key.to_text().as_bytes())
                .map_err(|error| failed(&path, error))?;
            key
        }
        Err(error) => return Err(failed(&path, error)),
    };
    let public = folder.join(PUBLIC_KEY_FILE);
    let text = format!("{}\n", key.public());
    if fs::read_to_string(&public).ok().as_ref() != Some(&text) {
        settings::put(&public, Access::mode(PUBLIC_MODE), text.as_bytes())
            .map_err(|error| failed(&public, error))?;
    }
    Ok(key)
}

fn name(path: &Path) -> String {
    PathBuf::from(path).display().to_string()
}
