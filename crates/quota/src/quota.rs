//! Rates and budgets together, and where they are kept.

use std::fmt;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use capfile::Budget;
use store::rusqlite::{self, Connection};
use store::{Check, Schema, StoreError};

use crate::budgets::{Account, Charge, Refused, Reservation, Spent};
use crate::clock::Clock;
use crate::limits::{DAYS_KEPT, MAX_AMOUNT};
use crate::rates::{Kept, Rate, Rates, TooSoon, What, Who};

/// The file of rates and budgets.
const SCHEMA: Schema = Schema {
    application_id: 0x6c6d_7175,
    migrations: &["
        CREATE TABLE rates (
            client TEXT NOT NULL,
            -- Empty where the rate is that of everything, a star where it is the client's own of everything.
            tool TEXT NOT NULL,
            -- Nanoseconds since the Unix epoch.
            whole_at INTEGER NOT NULL,
            PRIMARY KEY (client, tool)
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE spent (
            -- Days since the Unix epoch, in UTC.
            day INTEGER NOT NULL,
            -- The client; empty where it is the appliance.
            account TEXT NOT NULL,
            budget TEXT NOT NULL,
            -- What was used and what is reserved.
            amount INTEGER NOT NULL,
            PRIMARY KEY (day, account, budget)
        ) STRICT, WITHOUT ROWID;
    "],
    check: Check::Pages,
};
const DAY: Duration = Duration::from_hours(24);

/// Rates and budgets.
pub struct Quota {
    /// For budgets, which are of a day.
    calendar: Clock,
    rates: Rates,
    kept: Mutex<Books>,
    /// The same store for what waits for the disk, while nobody who has something to spend waits for it.
    slow: Mutex<Connection>,
}

/// What needs the store.
struct Books {
    store: Connection,
    spent: Spent,
    today: i64,
    /// Whether something was spent since the last flush.
    changed: bool,
    /// The rates as the store has them.
    rates: Vec<Kept>,
}

impl Quota {
    /// Opens the file at `path`, which is made if it is not there. Rates are counted by `clock`, which must not run backwards, and
    /// days by `calendar`, which may be set: whoever sets it back goes on with what was used on that day.
    ///
    /// # Errors
    ///
    /// The file is not one of ours, or cannot be read: see [`store::open`].
    pub fn open(path: &Path, clock: Clock, calendar: Clock) -> Result<Self, StoreError> {
        let store = store::open(path, &SCHEMA)?;
        let slow = Mutex::new(store::open(path, &SCHEMA)?);
        let today = day(calendar());
        let read = || {
            // A reservation must outlast this process at once, and a power cut after the next flush: so a call that
            // spends waits for the disk once, for its record, and not twice.
            store.pragma_update(None, "synchronous", "NORMAL")?;
            // The write-ahead log is taken over by the other connection, and not in the midst of a call.
            store.pragma_update(None, "wal_autocheckpoint", 0)?;
            Ok((Spent::load(&store, today)?, load_rates(&store)?))
        };
        let (spent, rates) = read().map_err(|source: rusqlite::Error| StoreError::Sqlite {
            name: path.display().to_string(),
            source,
        })?;
        let books = Books { store, spent, today, changed: false, rates: rates.clone() };
        let (rates, kept) = (Rates::new(clock, rates), Mutex::new(books));
        Ok(Self { calendar, rates, kept, slow })
    }

    /// Uses several rates once, all of them or none.
    ///
    /// # Errors
    ///
    /// It was too often for one of them.
    pub fn take(&self, rates: &[(Who, Rate)]) -> Result<(), TooSoon> {
        self.rates.take_all(rates)
    }

    /// How many uses of a rate are left at this moment.
    pub fn left(&self, who: &Who, rate: Rate) -> u32 {
        self.rates.left(who, rate)
    }

    /// Reserves what a call may need, all of it or nothing.
    ///
    /// # Errors
    ///
    /// A budget does not suffice, or nothing can be written down.
    pub fn reserve(self: &Arc<Self>, charges: Vec<Charge>) -> Result<Reservation, Refused> {
        let mut books = self.books();
        let today = day((self.calendar)());
        let before = std::mem::replace(&mut books.today, today);
        if today > before {
            books.spent.forget_before(today - DAYS_KEPT);
        }
        books.spent.bears(today, &charges)?;
        let Books { store, spent, changed, .. } = &mut *books;
        spent.change(store, today, charges.iter().map(|charge| (charge, 0, charge.amount)))?;
        *changed = true;
        drop(books);
        Ok(Reservation::new(self.clone(), today, charges))
    }

    pub(crate) fn settle<'a>(
        &self,
        day: i64,
        changes: impl Iterator<Item = (&'a Charge, u64, u64)>,
    ) -> rusqlite::Result<()> {
        let mut books = self.books();
        let Books { store, spent, changed, .. } = &mut *books;
        *changed = true;
        spent.change(store, day, changes)
    }

    /// How much of a budget an account has used today, reservations included.
    pub fn spent(&self, account: &Account, budget: Budget) -> u64 {
        let books = self.books();
        books.spent.of(day((self.calendar)()), account, budget)
    }

    /// How long until the budgets of the next day.
    pub fn until_tomorrow(&self) -> Duration {
        let into_day = (self.calendar)().as_nanos() % DAY.as_nanos();
        DAY.saturating_sub(Duration::from_nanos(u64::try_from(into_day).unwrap_or(0)))
    }

    /// Brings everything to the disk. Call it often, and at the end; it blocks.
    ///
    /// # Errors
    ///
    /// Nothing can be written down. What was counted is counted still, in this process.
    pub fn flush(&self) -> rusqlite::Result<()> {
        let rates = self.rates.kept();
        let mut books = self.books();
        if rates != books.rates {
            save_rates(&books.store, &rates)?;
            books.rates = rates;
            books.changed = true;
        }
        let changed = std::mem::take(&mut books.changed);
        drop(books);
        if changed {
            let slow = self.slow.lock().unwrap_or_else(PoisonError::into_inner);
            let taken_over = slow.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()));
            drop(slow);
            if taken_over.is_err() {
                self.books().changed = true;
            }
            return taken_over;
        }
        Ok(())
    }

    fn books(&self) -> MutexGuard<'_, Books> {
        // What is in memory is changed after the store, in one statement, so a panic elsewhere does not spoil it.
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Quota {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Quota").finish_non_exhaustive()
    }
}

fn save_rates(store: &Connection, rates: &[Kept]) -> rusqlite::Result<()> {
    let transaction = store.unchecked_transaction()?;
    transaction.execute("DELETE FROM rates", [])?;
    let mut put = transaction
        .prepare_cached("INSERT INTO rates (client, tool, whole_at) VALUES (?1, ?2, ?3)")?;
    for Kept { who, whole_at } in rates {
        put.execute((&who.client, who.what.key(), (*whole_at).min(MAX_AMOUNT).cast_signed()))?;
    }
    drop(put);
    transaction.commit()
}

fn load_rates(store: &Connection) -> rusqlite::Result<Vec<Kept>> {
    let mut all = store.prepare("SELECT client, tool, whole_at FROM rates")?;
    let rates = all.query_map([], |row| {
        let (client, tool) = (row.get::<_, String>(0)?, row.get::<_, String>(1)?);
        let whole_at = row.get::<_, i64>(2)?.unsigned_abs();
        Ok(Kept { who: Who { client: client.into(), what: What::of_key(&tool) }, whole_at })
    });
    rates?.collect()
}

/// Days since the epoch.
fn day(now: Duration) -> i64 {
    i64::try_from(now.as_secs() / DAY.as_secs()).unwrap_or(i64::MAX)
}
