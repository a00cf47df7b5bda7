//! The history of changes: who did what to which path, and what was there before.
//!
//! A change is written down before it is made and confirmed after it, each durably. What a process left open when it ended
//! is decided at the next start by what is on the disk. What changes replaced lies in a folder beside the database, within
//! a budget of size and age.

mod entry;
mod recorder;
mod schema;
mod undo;

pub(crate) use entry::{Entry, Which};
use entry::{Later, Undoing};
pub(crate) use recorder::{By, Recorder};
pub(crate) use undo::undo;

use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use store::rusqlite::{Connection, OptionalExtension, named_params};
use vroot::{Beyond, Room, Step};

use crate::limits::{MAX_CHANGES, MAX_HISTORY_LISTED};
use crate::roots::Root;

/// The budget of what is kept.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Budget {
    pub(crate) bytes: u64,
    pub(crate) days: u32,
    pub(crate) beyond: Beyond,
}

/// The history of all roots.
pub(crate) struct History {
    database: Mutex<Connection>,
    budget: Budget,
    /// Undoing is done by one at a time, so that what was found to be possible stays so.
    undoing: Mutex<()>,
}

type Answer<T> = store::rusqlite::Result<T>;

impl History {
    pub(crate) fn open(path: &Path, budget: Budget) -> Result<Self, store::StoreError> {
        let database = Mutex::new(store::open(path, &schema::SCHEMA)?);
        Ok(Self { database, budget, undoing: Mutex::new(()) })
    }

    pub(crate) fn room(&self) -> Room {
        Room { bytes: self.budget.bytes, beyond: self.budget.beyond }
    }

    fn database(&self) -> MutexGuard<'_, Connection> {
        // What a thread that panicked had begun was rolled back.
        self.database.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes down that a step is about to be made.
    fn begin(&self, root: &str, by: &By, undoes: Option<&Entry>, step: &Step) -> Answer<i64> {
        let text = serde_json::to_string(step)
            .map_err(|error| store::rusqlite::Error::ToSqlConversionFailure(Box::new(error)))?;
        let bytes = step.kept.as_ref().map_or(0, |kept| kept.look.bytes);
        let database = self.database();
        database.prepare_cached(schema::BEGIN)?.execute(named_params! {
            ":root": root,
            ":at": Timestamp::now().as_millisecond(),
            ":client": by.client,
            ":run": by.run,
            ":tool": by.tool,
            ":act": step.act.as_str(),
            ":path": step.path,
            ":target": step.to,
            ":step": text,
            ":kept": step.kept.as_ref().map(|kept| &kept.name),
            ":bytes": i64::try_from(bytes).unwrap_or(i64::MAX),
            ":undoes": undoes.map(|entry| entry.change),
            // What undoes a change that counts does not count itself: together they are nothing.
            ":counts": undoes.is_none_or(|entry| !entry.counts),
        })?;
        Ok(database.last_insert_rowid())
    }

    /// Writes down whether it was made. What is not needed any more is removed after that.
    fn end(&self, root: &Root, change: i64, made: bool) -> Answer<()> {
        let mut database = self.database();
        let transaction = database.transaction()?;
        if !made {
            transaction.execute("DELETE FROM changes WHERE change = ?1", [change])?;
            return transaction.commit();
        }
        transaction.execute("UPDATE changes SET open = 0 WHERE change = ?1", [change])?;
        let undone: Option<(i64, Option<String>)> = transaction
            .query_row(schema::UNDONE_BY, [change], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?;
        if let Some((undone, _)) = undone {
            // What it had kept is back in its place.
            let sql = "UPDATE changes SET undone_by = ?1, kept = NULL, bytes = 0 WHERE change = ?2";
            transaction.execute(sql, [change, undone])?;
        }
        transaction.commit()?;
        let mut forgotten: Vec<String> = undone.and_then(|(_, kept)| kept).into_iter().collect();
        forgotten.extend(self.over_budget(&mut database, root)?);
        drop(database);
        // Whoever dies here leaves what the next start removes, since no change names it any more.
        for name in forgotten {
            forget(root, &name);
        }
        Ok(())
    }

    /// Takes out of the history what is over the budget, and gives the names of what was kept for it in this root.
    fn over_budget(&self, database: &mut Connection, root: &Root) -> Answer<Vec<String>> {
        let oldest = Timestamp::now().as_millisecond()
            - i64::from(self.budget.days).saturating_mul(24 * 60 * 60 * 1000);
        let bytes = i64::try_from(self.budget.bytes).unwrap_or(i64::MAX);
        let (in_all, newest): (i64, i64) =
            database.query_row(schema::TOTAL, [], |row| Ok((row.get(0)?, row.get(1)?)))?;
        let first = newest.saturating_sub(MAX_CHANGES);
        let old: i64 = database.query_row(
            "SELECT count(*) FROM changes WHERE at < ?1 OR change <= ?2",
            [oldest, first],
            |row| row.get(0),
        )?;
        if in_all <= bytes && old == 0 {
            return Ok(Vec::new());
        }
        let transaction = database.transaction()?;
        let mut names = Vec::new();
        let mut left = in_all;
        {
            let mut kept = transaction.prepare(schema::KEPT)?;
            let mut rows = kept.query([])?;
            while let Some(row) = rows.next()? {
                let (change, of): (i64, String) = (row.get(0)?, row.get(1)?);
                let (name, size, at): (String, i64, i64) = (row.get(2)?, row.get(3)?, row.get(4)?);
                if left <= bytes && at >= oldest && change > first {
                    break;
                }
                left -= size;
                let sql = "UPDATE changes SET kept = NULL, bytes = 0 WHERE change = ?1";
                transaction.execute(sql, [change])?;
                if of == root.key {
                    names.push(name);
                }
            }
        }
        let sql = "DELETE FROM changes WHERE open = 0 AND (at < ?1 OR change <= ?2)";
        transaction.execute(sql, [oldest, first])?;
        transaction.commit()?;
        Ok(names)
    }

    /// Decides about what an earlier process left open in a root, before the root itself recovers.
    pub(crate) fn settle(&self, root: &Root) -> Answer<usize> {
        let open: Vec<(i64, String)> = {
            let database = self.database();
            let mut open = database.prepare(schema::OPEN)?;
            let rows = open.query_map([&root.key], |row| Ok((row.get(0)?, row.get(1)?)))?;
            rows.collect::<Answer<_>>()?
        };
        for (change, step) in &open {
            // One that cannot be read is of another version, and was made: then nothing is thrown away.
            let made =
                serde_json::from_str::<Step>(step).map_or(true, |step| root.vroot.was_made(&step));
            self.end(root, *change, made)?;
        }
        Ok(open.len())
    }

    /// Removes what no change of a root names, once it has recovered. Gives how much that was.
    pub(crate) fn sweep(
        &self,
        root: &Root,
    ) -> Result<usize, Box<dyn std::error::Error + Send + Sync>> {
        let mut swept = 0;
        for name in root.vroot.kept_names()? {
            let sql = "SELECT 1 FROM changes WHERE root = ?1 AND kept = ?2";
            let named =
                self.database().query_row(sql, [&root.key, &name], |_| Ok(())).optional()?;
            if named.is_none() {
                forget(root, &name);
                swept += 1;
            }
        }
        Ok(swept)
    }

    /// The changes that are asked for and `shown` lets through, the newest first, and whether there are more.
    pub(crate) fn list(
        &self,
        which: &Which,
        before: Option<i64>,
        limit: usize,
        shown: &dyn Fn(&Entry) -> bool,
    ) -> Answer<(Vec<Entry>, bool)> {
        if let Some(change) = which.change {
            return Ok((self.one(change)?.into_iter().filter(shown).collect(), false));
        }
        let database = self.database();
        let mut query = database.prepare_cached(schema::LIST)?;
        let mut rows = query.query(named_params! {
            ":before": before.unwrap_or(i64::MAX),
            ":client": which.client,
            ":run": which.run,
            ":path": which.path,
        })?;
        let mut found = Vec::new();
        let mut looked_at = 0;
        while let Some(row) = rows.next()? {
            looked_at += 1;
            let entry = Entry::read(row)?;
            if looked_at > MAX_HISTORY_LISTED {
                return Ok((found, true));
            }
            if !shown(&entry) {
                continue;
            }
            if found.len() == limit {
                return Ok((found, true));
            }
            found.push(entry);
        }
        Ok((found, false))
    }

    /// The changes after `first` that are not undone and `wanted` takes, of which one is enough: the newest.
    fn newest_after(
        &self,
        first: i64,
        wanted: &dyn Fn(&Later, &Undoing) -> bool,
    ) -> Answer<Option<Later>> {
        let database = self.database();
        let mut undoing = database.prepare_cached(schema::UNDOING)?;
        let pairs = undoing.query_map([first], |row| Ok((row.get(0)?, row.get(1)?)))?;
        let undoing = Undoing(pairs.collect::<Answer<_>>()?);
        let mut query = database.prepare_cached(schema::LATER)?;
        let mut rows = query.query([first])?;
        while let Some(row) = rows.next()? {
            let later = Later::read(row)?;
            if wanted(&later, &undoing) {
                return Ok(Some(later));
            }
        }
        Ok(None)
    }

    /// A change by its number.
    fn one(&self, change: i64) -> Answer<Option<Entry>> {
        let database = self.database();
        let mut query = database.prepare_cached(schema::ONE)?;
        query.query_row([change], Entry::read).optional()
    }

    /// Whether a change that was just made can be undone.
    pub(crate) fn can_undo(&self, change: i64) -> bool {
        self.one(change).ok().flatten().is_some_and(|entry| entry.can_be_undone())
    }
}

/// Removes what was kept; what cannot be removed now, the next start removes.
fn forget(root: &Root, name: &str) {
    if let Err(error) = root.vroot.forget(name) {
        tracing::warn!(%error, "something that was kept for an undo cannot be removed");
    }
}
