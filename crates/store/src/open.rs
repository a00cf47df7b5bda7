//! Opening.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags, TransactionBehavior};
use rustix::fs::{Mode, OFlags};

use crate::error::StoreError;
use crate::limits::{BUSY, CACHE_KIB, WAL_BYTES_KEPT};

/// Who may read a store: its daemon alone.
const MODE: u32 = 0o600;
/// What is checked at an opening: that pages are whole and indices ordered, which takes a second for each gigabyte. Comparing every
/// index with its table would take several.
const CHECK: &str = "PRAGMA quick_check(1)";
/// The answer of a sound file to [`CHECK`].
const SOUND: &str = "ok";

/// What a store holds.
#[derive(Debug, Clone, Copy)]
pub struct Schema {
    /// Tells the stores of different daemons apart (SQLite's `application_id`), so that one is never taken for another. Not zero,
    /// which stands for any program's.
    pub application_id: i32,
    /// What leads from each version to the next, the first from an empty file. One that has been released is never changed.
    pub migrations: &'static [&'static str],
    /// How much is looked at when it is opened.
    pub check: Check,
}

/// How much of a store is looked at when it is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Check {
    /// Every page: for stores of some megabytes.
    Pages,
    /// What is needed to open it. For a store that grows large and proves itself in another way: looking at gigabytes would
    /// make the start of its daemon as slow.
    Opening,
}

/// Opens the store at `path`, which is made if it is not there, for reading and writing. Its folder must be there.
///
/// A transaction whose commit returns is on the disk. Each migration that the file lacks is one transaction.
///
/// # Errors
///
/// Everything that [`StoreError`] names.
pub fn open(path: &Path, schema: &Schema) -> Result<Connection, StoreError> {
    let opening = Opening { path, schema };
    opening.make_file().map_err(|source| StoreError::File { name: opening.name(), source })?;
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = opening.connect(flags | OpenFlags::SQLITE_OPEN_NOFOLLOW)?;
    limit(&connection).map_err(|error| opening.explain(error))?;
    // Before anything is set that a file keeps.
    opening.version(&connection)?;
    opening.check(&connection)?;
    make_durable(&connection).map_err(|error| opening.explain(error))?;
    opening.migrate(&mut connection)?;
    Ok(connection)
}

/// Opens the store at `path` for reading, while its daemon may be writing it.
///
/// # Errors
///
/// Those of [`open`]; and a store of an earlier version than this one knows is refused, since only its daemon may change it.
pub fn open_read_only(path: &Path, schema: &Schema) -> Result<Connection, StoreError> {
    let opening = Opening { path, schema };
    let there = File::open(path).map(drop);
    there.map_err(|source| StoreError::File { name: opening.name(), source })?;
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = opening.connect(flags | OpenFlags::SQLITE_OPEN_NOFOLLOW)?;
    limit(&connection).map_err(|error| opening.explain(error))?;
    let found = opening.version(&connection)?;
    if found < schema.migrations.len() {
        let what = "an earlier version wrote it, and its daemon has not taken it over yet".into();
        return Err(StoreError::Damaged { name: opening.name(), what });
    }
    Ok(connection)
}

/// An opening under way.
struct Opening<'a> {
    path: &'a Path,
    schema: &'a Schema,
}

impl Opening<'_> {
    fn name(&self) -> String {
        self.path.display().to_string()
    }

    /// Makes the file, if it is not there, with the mode that the log beside it then gets too.
    fn make_file(&self) -> io::Result<()> {
        let made = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(MODE)
            .custom_flags(OFlags::NOFOLLOW.bits().cast_signed())
            .open(self.path)?;
        Ok(rustix::fs::fchmod(made, Mode::from_raw_mode(MODE))?)
    }

    fn connect(&self, flags: OpenFlags) -> Result<Connection, StoreError> {
        Connection::open_with_flags(self.path, flags).map_err(|error| self.explain(error))
    }

    /// The version of a file that is ours; zero where nothing has been written.
    fn version(&self, connection: &Connection) -> Result<usize, StoreError> {
        let read = |pragma| connection.pragma_query_value(None, pragma, |row| row.get::<_, i32>(0));
        let of_file = read("application_id").map_err(|error| self.explain(error))?;
        let version = read("user_version").map_err(|error| self.explain(error))?;
        let count = |row: &rusqlite::Row<'_>| row.get::<_, i64>(0);
        let things = connection.query_row("SELECT count(*) FROM sqlite_schema", [], count);
        let things = things.map_err(|error| self.explain(error))?;
        let is_new = of_file == 0 && version == 0 && things == 0;
        if !is_new && of_file != self.schema.application_id {
            return Err(StoreError::Foreign { name: self.name() });
        }
        let (found, known) = (usize::try_from(version).unwrap_or(0), self.schema.migrations.len());
        if found > known {
            return Err(StoreError::Later { name: self.name(), found, known });
        }
        Ok(found)
    }

    fn check(&self, connection: &Connection) -> Result<(), StoreError> {
        if self.schema.check == Check::Opening {
            return Ok(());
        }
        let answer = connection.query_row(CHECK, [], |row| row.get::<_, String>(0));
        match answer {
            Ok(answer) if answer == SOUND => Ok(()),
            Ok(what) => Err(StoreError::Damaged { name: self.name(), what }),
            Err(error) => Err(self.explain(error)),
        }
    }

    fn migrate(&self, connection: &mut Connection) -> Result<(), StoreError> {
        let done = self.version(connection)?;
        for (before, migration) in self.schema.migrations.iter().enumerate().skip(done) {
            let mut run = || {
                // Two processes that start at once must not both migrate: the second waits here.
                let transaction =
                    connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
                let version = transaction
                    .pragma_query_value(None, "user_version", |row| row.get::<_, i64>(0))?;
                // A number of migrations is small.
                let number = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
                if version == number(before) {
                    transaction.execute_batch(migration)?;
                    let id = self.schema.application_id;
                    transaction.pragma_update(None, "application_id", id)?;
                    transaction.pragma_update(None, "user_version", number(before + 1))?;
                }
                transaction.commit()
            };
            run().map_err(|error| self.explain(error))?;
        }
        Ok(())
    }

    /// What SQLite's error means for the file as a whole.
    fn explain(&self, source: rusqlite::Error) -> StoreError {
        let name = self.name();
        match source.sqlite_error_code() {
            Some(ErrorCode::NotADatabase) => StoreError::Foreign { name },
            Some(ErrorCode::DatabaseCorrupt) => {
                StoreError::Damaged { name, what: source.to_string() }
            }
            _ => StoreError::Sqlite { name, source },
        }
    }
}

/// Sets what holds for a connection and not for the file.
fn limit(connection: &Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(BUSY)?;
    // A file from elsewhere must not run functions through its views and triggers, nor be written to in odd ways.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DQS_DML, false)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DQS_DDL, false)?;
    connection.pragma_update(None, "cell_size_check", true)?;
    // A file that is cut short under a map would be a signal, and not an error.
    connection.pragma_update(None, "mmap_size", 0)?;
    // A locked process has no other place for temporary files.
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    connection.pragma_update(None, "cache_size", -i64::from(CACHE_KIB))?;
    connection.pragma_update(None, "foreign_keys", true)
}

/// Sets what makes a commit last.
fn make_durable(connection: &Connection) -> rusqlite::Result<()> {
    connection.pragma_update(None, "journal_mode", "WAL")?;
    // In WAL mode this alone makes every commit wait for the disk.
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "journal_size_limit", WAL_BYTES_KEPT)
}
