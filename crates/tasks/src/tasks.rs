//! Where tasks are kept, how one is made, and how it is asked for.

use std::collections::HashMap;
use std::fmt;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use data_encoding::BASE32_NOPAD;
use store::StoreError;
use store::rusqlite::{self, Connection, TransactionBehavior};
use tokio::sync::watch;

use crate::check::{object, short};
use crate::error::Refused;
use crate::limits::{
    CLOCK_TOLERANCE, ID_BYTES, MAX_MESSAGE_BYTES, MAX_NAME_BYTES, MAX_OPEN, MAX_OPEN_PER_CLIENT,
    MAX_PARAMS_BYTES, MAX_TTL, TTL,
};
use crate::schema::{Overdue, SCHEMA, expire, ids, set_back};
use crate::task::{New, Task, Waiting};
use crate::work::Work;

/// Tells the time since the Unix epoch, by the wall clock.
pub type Clock = Arc<dyn Fn() -> Duration + Send + Sync>;

/// The tasks that are open, and those that have ended. Everything here waits for the disk.
pub struct Tasks {
    clock: Clock,
    books: Mutex<Books>,
}

struct Books {
    store: Connection,
    /// The latest time that was seen.
    latest: i64,
    /// Who follows which task. The number counts its changes.
    followers: HashMap<String, watch::Sender<u64>>,
}

impl Tasks {
    /// Opens the file at `path`, which is made if it is not there. Its folder must be there, and only one process at a time may have
    /// the file open: what had started and has not ended, it takes for interrupted.
    ///
    /// # Errors
    ///
    /// The file is not one of ours, or cannot be read: see [`store::open`].
    pub fn open(path: &Path, clock: Clock) -> Result<Self, StoreError> {
        let store = store::open(path, &SCHEMA)?;
        let wrap = |source| StoreError::Sqlite { name: path.display().to_string(), source };
        let latest = store.query_row("SELECT seen_at FROM clock", [], |row| row.get(0));
        let latest: i64 = latest.map_err(wrap)?;
        let now = milliseconds(clock());
        let was_set_back = now.saturating_add(milliseconds(CLOCK_TOLERANCE)) < latest;
        let tasks =
            Self { clock, books: Mutex::new(Books { store, latest, followers: HashMap::new() }) };
        let resumed = tasks.change(|work| resume(work, was_set_back));
        match resumed {
            Ok(()) => Ok(tasks),
            Err(Refused::Store(source)) => Err(wrap(source)),
            // Nothing else refuses here.
            Err(other) => Err(wrap(rusqlite::Error::ToSqlConversionFailure(other.into()))),
        }
    }

    /// Makes a task, which is on the disk when this returns. An approval is waited for once: where a task of this client waits for the
    /// same one already, that one is given.
    ///
    /// # Errors
    ///
    /// Too many are open, something is too long, the parameters are no object, or it cannot be written down.
    pub fn create(&self, new: &New) -> Result<Task, Refused> {
        check(new)?;
        self.change(|work| {
            let same = "SELECT id FROM tasks
                        WHERE client = ?1 AND approval = ?2 AND ended_at IS NULL AND started_at IS NULL";
            let same = ids(&work.store, same, (&new.client, &new.approval))?;
            if let Some(same) = same.first() {
                return work.find(same);
            }
            has_room(&work.store, &new.client)?;
            insert(work, new)
        })
    }

    /// How a task stands, if this client has made it.
    ///
    /// # Errors
    ///
    /// There is none for this client.
    pub fn get(&self, client: &str, id: &str) -> Result<Task, Refused> {
        self.change(|work| work.of(client, id))
    }

    /// Tells whenever this task changes, if this client has made it. When the task is forgotten, the receiver is closed. What was
    /// read before this was called may be stale: read again after it.
    ///
    /// # Errors
    ///
    /// There is none for this client.
    pub fn follow(&self, client: &str, id: &str) -> Result<watch::Receiver<u64>, Refused> {
        let mut books = self.books();
        self.change_books(&mut books, |work| work.of(client, id))?;
        let sender = books.followers.entry(id.to_owned()).or_insert_with(|| watch::Sender::new(0));
        Ok(sender.subscribe())
    }

    /// All tasks that are open, the oldest first. After a restart, none of these has started: each is to be taken up where it was.
    ///
    /// # Errors
    ///
    /// They cannot be read.
    pub fn open_tasks(&self) -> Result<Vec<Task>, Refused> {
        self.change(|work| {
            let open = "SELECT id FROM tasks WHERE ended_at IS NULL ORDER BY rowid";
            ids(&work.store, open, [])?.iter().map(|id| work.find(id)).collect()
        })
    }

    /// The tasks that wait for an approval and were not begun, the oldest first.
    ///
    /// # Errors
    ///
    /// They cannot be read.
    pub fn waiting(&self) -> Result<Vec<Waiting>, Refused> {
        self.change(|work| {
            let waiting = "SELECT id, client, approval FROM tasks
                           WHERE ended_at IS NULL AND started_at IS NULL AND approval IS NOT NULL ORDER BY rowid";
            let read = |row: &rusqlite::Row<'_>| {
                Ok(Waiting { id: row.get(0)?, client: row.get(1)?, approval: row.get(2)? })
            };
            let mut waiting = work.store.prepare_cached(waiting)?;
            Ok(waiting.query_map([], read)?.collect::<rusqlite::Result<_>>()?)
        })
    }

    /// Marks that the work of a task is about to be done, which is on the disk when this returns: only then may it be. After a
    /// crash a task so marked is not begun again. What may be done twice without harm need not be marked.
    ///
    /// # Errors
    ///
    /// There is none, it has ended, it was begun before, it waits for answers, or it cannot be written down. Then the work must not
    /// be begun.
    pub fn starting(&self, id: &str) -> Result<Task, Refused> {
        self.change(|work| {
            let task = work.open(id)?;
            if task.has_started {
                return Err(Refused::Started);
            }
            if task.input_requests.is_some() {
                return Err(Refused::Waiting);
            }
            let put = "UPDATE tasks SET started_at = ?2 WHERE id = ?1";
            work.store.prepare_cached(put)?.execute((id, work.now))?;
            work.changed(id)
        })
    }

    /// Ends what is overdue, and forgets what ended long ago. Call it every minute or so: that nobody sees what is overdue as open, and
    /// that the time which has passed is remembered over a restart.
    ///
    /// # Errors
    ///
    /// It cannot be written down.
    pub fn tick(&self) -> Result<(), Refused> {
        let mut books = self.books();
        books.followers.retain(|_, followers| followers.receiver_count() > 0);
        self.change_books(&mut books, |work| {
            let seen = "UPDATE clock SET seen_at = ?1 WHERE EXISTS (SELECT 1 FROM tasks)";
            work.store.prepare_cached(seen)?.execute([work.now])?;
            Ok(())
        })
    }

    /// Does something in one transaction, after what is overdue has ended. What refuses must have changed nothing.
    pub(crate) fn change<T>(
        &self,
        work: impl FnOnce(&mut Work<'_>) -> Result<T, Refused>,
    ) -> Result<T, Refused> {
        self.change_books(&mut self.books(), work)
    }

    fn change_books<T>(
        &self,
        books: &mut Books,
        work: impl FnOnce(&mut Work<'_>) -> Result<T, Refused>,
    ) -> Result<T, Refused> {
        let Books { store, latest, followers } = books;
        let now = milliseconds((self.clock)());
        let transaction = store.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let back_by = u64::try_from(latest.saturating_sub(now)).unwrap_or(0);
        if back_by > 0 {
            set_back(&transaction, Duration::from_millis(back_by))?;
        }
        let mut under_way = Work { store: transaction, now, touched: Vec::new() };
        expire(&mut under_way)?;
        let done = work(&mut under_way);
        if matches!(done, Err(Refused::Store(_))) {
            // Dropped, it is rolled back.
            return done;
        }
        let Work { store: transaction, touched, .. } = under_way;
        if back_by > 0 || !touched.is_empty() {
            transaction.prepare_cached("UPDATE clock SET seen_at = ?1")?.execute([now])?;
        }
        let is_kept = |id: &str| {
            transaction.prepare_cached("SELECT 1 FROM tasks WHERE id = ?1")?.exists([id])
        };
        let kept: Vec<bool> =
            touched.iter().map(|id| is_kept(id)).collect::<rusqlite::Result<_>>()?;
        transaction.commit()?;
        *latest = now;
        for (id, is_kept) in touched.iter().zip(kept) {
            tell(followers, id, is_kept);
        }
        done
    }

    fn books(&self) -> MutexGuard<'_, Books> {
        // What a panic leaves undone, the transaction has rolled back.
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Tasks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tasks").finish_non_exhaustive()
    }
}

pub(crate) fn milliseconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

/// Tells those who follow a task; the last time, if it is gone.
fn tell(followers: &mut HashMap<String, watch::Sender<u64>>, id: &str, is_kept: bool) {
    let listens = followers.get(id).is_some_and(|followers| followers.receiver_count() > 0);
    match followers.get(id) {
        Some(sender) if is_kept && listens => sender.send_modify(|changes| *changes += 1),
        _ => drop(followers.remove(id)),
    }
}

/// Takes up the file after a restart.
fn resume(work: &mut Work<'_>, was_set_back: bool) -> Result<(), Refused> {
    let begun = "SELECT id FROM tasks WHERE ended_at IS NULL AND started_at IS NOT NULL";
    for id in ids(&work.store, begun, [])? {
        Overdue::Interrupted.end(work, &id)?;
    }
    let open = "SELECT id FROM tasks WHERE ended_at IS NULL AND ?1";
    for id in ids(&work.store, open, [was_set_back])? {
        Overdue::ClockSetBack.end(work, &id)?;
    }
    Ok(())
}

fn check(new: &New) -> Result<(), Refused> {
    let names = [
        ("the client", &new.client),
        ("the method", &new.method),
        ("the request", &new.request),
        ("the revision", &new.version),
    ];
    let mut names = names.into_iter().chain(new.approval.iter().map(|id| ("the approval", id)));
    names.try_for_each(|(what, text)| short(what, text, MAX_NAME_BYTES))?;
    short("the message", new.status_message.as_deref().unwrap_or_default(), MAX_MESSAGE_BYTES)?;
    object("the parameters", &new.params, MAX_PARAMS_BYTES).map(drop)
}

fn has_room(store: &Connection, client: &str) -> Result<(), Refused> {
    let count =
        "SELECT count(*), count(*) FILTER (WHERE client = ?1) FROM tasks WHERE ended_at IS NULL";
    let read = |row: &rusqlite::Row<'_>| Ok((row.get::<_, u32>(0)?, row.get::<_, u32>(1)?));
    let (all, own) = store.prepare_cached(count)?.query_row([client], read)?;
    if own >= MAX_OPEN_PER_CLIENT {
        return Err(Refused::Full { limit: MAX_OPEN_PER_CLIENT, whose: "of this client" });
    }
    if all >= MAX_OPEN {
        return Err(Refused::Full { limit: MAX_OPEN, whose: "of all clients" });
    }
    Ok(())
}

fn insert(work: &mut Work<'_>, new: &New) -> Result<Task, Refused> {
    let mut random = [0; ID_BYTES];
    getrandom::fill(&mut random)?;
    let id = BASE32_NOPAD.encode(&random).to_ascii_lowercase();
    let ttl = new.ttl.unwrap_or(TTL).min(MAX_TTL);
    let put = "INSERT INTO tasks (id, client, method, approval, request, version, status, message, created_at, updated_at,
                                  expires_at, size, params)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, 'working', ?7, ?8, ?8, ?9, octet_length(?10), ?10)";
    let row = (
        &id,
        &new.client,
        &new.method,
        &new.approval,
        &new.request,
        &new.version,
        &new.status_message,
        work.now,
        work.now.saturating_add(milliseconds(ttl)),
        &new.params,
    );
    work.store.prepare_cached(put)?.execute(row)?;
    work.changed(&id)
}
