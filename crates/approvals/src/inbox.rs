//! The inbox: where it is kept, and how a call gets into it.

use std::collections::HashSet;
use std::fmt;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use data_encoding::BASE32_NOPAD;
use store::StoreError;
use store::rusqlite::{
    self, CachedStatement, Connection, OptionalExtension as _, Transaction, TransactionBehavior,
};
use tokio::sync::watch;

use crate::approval::{Approval, Asked, Audience, State};
use crate::canonical::{call_digest, canonical};
use crate::error::Refused;
use crate::limits::{
    CLOCK_TOLERANCE, DENIAL_HOLDS, ID_CHARS, KEPT, MAX_KEPT_PER_CLIENT, MAX_NAME_BYTES,
    MAX_PENDING, MAX_PENDING_PER_CLIENT, MAX_SOURCES, WAITS,
};
use crate::schema::{SCHEMA, expire};

/// Tells the time since the Unix epoch, by the wall clock.
pub type Clock = Arc<dyn Fn() -> Duration + Send + Sync>;

/// The calls that wait, and those that no longer do. Everything here waits for the disk.
pub struct Inbox {
    clock: Clock,
    books: Mutex<Books>,
    changes: watch::Sender<u64>,
    /// Whether anything is approved, and not used yet.
    grants: AtomicBool,
}

struct Books {
    store: Connection,
    /// The latest time that this process has seen.
    latest: i64,
}

impl Inbox {
    /// Opens the file at `path`, which is made if it is not there. Its folder must be there.
    ///
    /// # Errors
    ///
    /// The file is not one of ours, or cannot be read: see [`store::open`].
    pub fn open(path: &Path, clock: Clock) -> Result<Self, StoreError> {
        let store = store::open(path, &SCHEMA)?;
        let latest = milliseconds(clock());
        let grants = has_grants(&store).map_err(|source| {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            StoreError::Sqlite { name, source }
        })?;
        let books = Mutex::new(Books { store, latest });
        Ok(Self { clock, books, changes: watch::Sender::new(0), grants: AtomicBool::new(grants) })
    }

    /// Whether [`Inbox::take`] may find anything at all. It waits for nothing, so that calls of which nobody was asked need not wait
    /// for the disk. Who has been told that a call is approved finds it.
    pub fn may_grant(&self) -> bool {
        self.grants.load(Ordering::Acquire)
    }

    /// Puts a call before whoever may answer. A call that waits already, or may be made already, is not asked for again, nor is one
    /// that was denied a short time ago: then what is returned is that one, and its state says which.
    ///
    /// # Errors
    ///
    /// Too many wait, something is too long, the arguments are no arguments, or it cannot be written down.
    pub fn ask(&self, mut asked: Asked) -> Result<Approval, Refused> {
        check(&asked)?;
        tidy_sources(&mut asked.untrusted);
        let canonical = canonical(&asked.arguments)?;
        let call = call_digest(&asked.client, &asked.method, &canonical);
        self.change(|store, now| {
            let same = open_or_denied(store, &call, now)?;
            let (weak, same) = match same {
                Some(same) if too_weak(&same, asked.audience) => (Some(same), None),
                same => (None, same),
            };
            match same {
                Some(same) if same.state == State::Pending => {
                    return seen_again(store, same, asked);
                }
                Some(same) => return Ok(same),
                None => has_room(store, &asked.client)?,
            }
            if let Some(weak) = weak {
                let over = "UPDATE approvals SET state = 'cancelled', closed_at = ?2 WHERE id = ?1";
                store.prepare_cached(over)?.execute((weak.id, now))?;
            }
            trim(store, &asked.client)?;
            insert(store, &call, &asked, now)
        })
    }

    /// Ends what is over, and removes what was over long ago. Call it every minute or so, that nobody sees what is over as open.
    ///
    /// # Errors
    ///
    /// It cannot be written down.
    pub fn tick(&self) -> Result<(), Refused> {
        self.change(|store, now| {
            let old = "DELETE FROM approvals WHERE asked_at <= ?1 AND state NOT IN ('pending', 'approved')";
            store.prepare_cached(old)?.execute([now.saturating_sub(milliseconds(KEPT))])?;
            Ok(())
        })
    }

    /// Tells whenever a call has been asked for or answered, used or ended.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    /// Does something in one transaction, after what is over has ended. What refuses must have changed nothing.
    pub(crate) fn change<T>(
        &self,
        work: impl FnOnce(&Transaction<'_>, i64) -> Result<T, Refused>,
    ) -> Result<T, Refused> {
        let mut books = self.books();
        let Books { store, latest } = &mut *books;
        let now = milliseconds((self.clock)());
        let set_back = now.saturating_add(milliseconds(CLOCK_TOLERANCE)) < *latest;
        let changed_before = store.total_changes();
        let transaction = store.transaction_with_behavior(TransactionBehavior::Immediate)?;
        expire(&transaction, now, set_back)?;
        let done = work(&transaction, now);
        if matches!(done, Err(Refused::Store(_))) {
            // Dropped, it is rolled back.
            return done;
        }
        transaction.commit()?;
        *latest = if set_back { now } else { now.max(*latest) };
        if store.total_changes() != changed_before {
            // Where that cannot be read, whoever looks for a grant is told so.
            self.grants.store(has_grants(store).unwrap_or(true), Ordering::Release);
            self.changes.send_modify(|changes| *changes += 1);
        }
        done
    }

    fn books(&self) -> MutexGuard<'_, Books> {
        // What a panic leaves undone, the transaction has rolled back.
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Inbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inbox").finish_non_exhaustive()
    }
}

fn has_grants(store: &Connection) -> rusqlite::Result<bool> {
    let some = "SELECT EXISTS (SELECT 1 FROM approvals WHERE state = 'approved')";
    store.prepare_cached(some)?.query_row([], |row| row.get(0))
}

pub(crate) fn milliseconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

/// An id that nobody has had before, and that tells nothing.
pub(crate) fn new_id() -> Result<String, getrandom::Error> {
    let mut random = [0; ID_CHARS];
    getrandom::fill(&mut random)?;
    let mut id = BASE32_NOPAD.encode(&random).to_ascii_lowercase();
    id.truncate(ID_CHARS);
    Ok(id)
}

/// Refuses what is longer than a line.
pub(crate) fn short(what: &'static str, text: &str, limit: usize) -> Result<(), Refused> {
    if text.len() > limit { Err(Refused::TooLong { what, limit }) } else { Ok(()) }
}

fn check(asked: &Asked) -> Result<(), Refused> {
    let names = [
        ("the client", &asked.client),
        ("the origin", &asked.origin),
        ("the method", &asked.method),
        ("the tool", &asked.tool),
        ("the rule", &asked.rule),
        ("the request", &asked.request),
    ];
    let names = names.into_iter().chain(asked.run.iter().map(|run| ("the run", run)));
    let sources = asked.untrusted.iter().map(|source| ("a source of untrusted text", source));
    names.chain(sources).try_for_each(|(what, text)| short(what, text, MAX_NAME_BYTES))
}

/// Each source once, on one line, and no more than a person reads.
fn tidy_sources(sources: &mut Vec<String>) {
    let mut seen = HashSet::new();
    for source in sources.iter_mut() {
        *source = source.replace(['\n', '\r'], " ");
    }
    sources.retain(|source| !source.is_empty() && seen.insert(source.clone()));
    sources.truncate(MAX_SOURCES);
}

/// The same call that is open, or was denied a short time ago.
fn open_or_denied(store: &Connection, call: &[u8], now: i64) -> rusqlite::Result<Option<Approval>> {
    let find = "SELECT * FROM approvals WHERE call = ?1 AND state IN ('pending', 'approved')";
    let open = store.prepare_cached(find)?.query_row([call], Approval::read).optional()?;
    if open.is_some() {
        return Ok(open);
    }
    let find = "SELECT * FROM approvals WHERE call = ?1 AND state = 'denied'
                AND answered_at > ?2 AND answered_at <= ?3 ORDER BY answered_at DESC LIMIT 1";
    let since = now.saturating_sub(milliseconds(DENIAL_HOLDS));
    let until = now.saturating_add(milliseconds(CLOCK_TOLERANCE));
    let mut find: CachedStatement<'_> = store.prepare_cached(find)?;
    find.query_row((call, since, until), Approval::read).optional()
}

/// Whether it was approved by a host, and now a person is needed.
fn too_weak(same: &Approval, needed: Audience) -> bool {
    same.state == State::Approved && same.answered_as < Some(needed)
}

/// Asked again while it waits: who decides must see all that is known of it by now, and nobody may answer whom either
/// asking excludes.
fn seen_again(store: &Connection, mut same: Approval, again: Asked) -> Result<Approval, Refused> {
    let before = (same.asked.audience, same.asked.untrusted.len());
    same.asked.audience = same.asked.audience.max(again.audience);
    same.asked.untrusted.extend(again.untrusted);
    tidy_sources(&mut same.asked.untrusted);
    if before != (same.asked.audience, same.asked.untrusted.len()) {
        let more = "UPDATE approvals SET audience = ?2, untrusted = ?3 WHERE id = ?1";
        let (audience, untrusted) = (same.asked.audience.key(), same.asked.untrusted.join("\n"));
        store.prepare_cached(more)?.execute((&same.id, audience, untrusted))?;
    }
    Ok(same)
}

fn has_room(store: &Connection, client: &str) -> Result<(), Refused> {
    let count = "SELECT count(*), count(*) FILTER (WHERE client = ?1) FROM approvals WHERE state = 'pending'";
    let read = |row: &rusqlite::Row<'_>| Ok((row.get::<_, u32>(0)?, row.get::<_, u32>(1)?));
    let (all, own) = store.prepare_cached(count)?.query_row([client], read)?;
    if own >= MAX_PENDING_PER_CLIENT {
        return Err(Refused::Full { limit: MAX_PENDING_PER_CLIENT, whose: "of this client" });
    }
    if all >= MAX_PENDING {
        return Err(Refused::Full { limit: MAX_PENDING, whose: "of all clients" });
    }
    Ok(())
}

/// Removes the oldest calls of a client that are over, if they are too many.
fn trim(store: &Connection, client: &str) -> rusqlite::Result<()> {
    let old = "DELETE FROM approvals WHERE id IN (
                   SELECT id FROM approvals
                   WHERE client = ?1 AND state NOT IN ('pending', 'approved')
                   ORDER BY asked_at DESC LIMIT -1 OFFSET ?2)";
    store.prepare_cached(old)?.execute((client, MAX_KEPT_PER_CLIENT)).map(drop)
}

fn insert(store: &Connection, call: &[u8], asked: &Asked, now: i64) -> Result<Approval, Refused> {
    let mut put = store.prepare_cached(
        "INSERT INTO approvals (id, call, client, origin, method, tool, arguments, rule, audience, untrusted,
                                request, run, asked_at, expires_at, state)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, 'pending') RETURNING *",
    )?;
    let new = (
        new_id()?,
        call,
        &asked.client,
        &asked.origin,
        &asked.method,
        &asked.tool,
        &asked.arguments,
        &asked.rule,
        asked.audience.key(),
        asked.untrusted.join("\n"),
        &asked.request,
        &asked.run,
        now,
        now.saturating_add(milliseconds(WAITS)),
    );
    Ok(put.query_row(new, Approval::read)?)
}
