//! What a conversation has read that nobody vouches for. Once it has, what sends data out may need a person's word.
//!
//! A conversation is a connection, on `/ws` and the local sockets; the session of an HTTP client of the older era; else, since
//! MCP 2026-07-28 has no sessions, all that a client does over HTTP. The last two outlast a restart, as what the model has
//! read does.

use std::collections::HashMap;
use std::path::Path;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use capfile::{TextSource, TextSources};
use quota::Clock;
use store::rusqlite::{self, Connection};
use store::{Check, Schema, StoreError};

use crate::limits::{MAX_CONVERSATIONS_PER_CLIENT, READ_LASTS};

const SCHEMA: Schema = Schema {
    application_id: 0x6c6c_6376,
    migrations: &["CREATE TABLE conversations (
         client TEXT NOT NULL,
         session TEXT NOT NULL,
         sources TEXT NOT NULL,
         read_at INTEGER NOT NULL,
         PRIMARY KEY (client, session)
     ) STRICT;"],
    check: Check::Pages,
};

/// What has been read in one conversation. It only grows.
#[derive(Debug, Default)]
pub(crate) struct Conversation(AtomicU8);

/// The conversations that are no connections.
pub(crate) struct Conversations {
    clock: Clock,
    books: Mutex<Books>,
}

struct Books {
    store: Connection,
    /// By client and session; the empty session is what a client does without any.
    all: HashMap<(String, String), Read>,
}

#[derive(Clone, Copy)]
struct Read {
    sources: TextSources,
    /// In seconds since the Unix epoch.
    at: i64,
}

/// The conversation of a call.
#[derive(Debug, Clone)]
pub(crate) enum Talk {
    /// A connection is one.
    Connection(Arc<Conversation>),
    /// The call of a task is one of its own, which has read what was read when the call was asked for.
    Task(Arc<Conversation>),
    /// A session over HTTP, or all of a client that has none.
    Http {
        /// The session, or nothing.
        session: String,
    },
}

impl Conversation {
    /// One in which this was read.
    pub(crate) fn that_has_read(sources: TextSources) -> Self {
        let new = Self::default();
        new.add(sources);
        new
    }

    pub(crate) fn read(&self) -> TextSources {
        let bits = self.0.load(Ordering::Acquire);
        TextSource::ALL.into_iter().filter(|source| bits & bit(*source) != 0).collect()
    }

    fn add(&self, sources: TextSources) {
        let bits = sources.iter().fold(0, |bits, source| bits | bit(source));
        self.0.fetch_or(bits, Ordering::AcqRel);
    }
}

fn bit(source: TextSource) -> u8 {
    1 << source as u8
}

impl Conversations {
    pub(crate) fn open(path: &Path, clock: Clock) -> Result<Self, StoreError> {
        let store = store::open(path, &SCHEMA)?;
        let all = load(&store).map_err(|source| {
            let name = path.display().to_string();
            StoreError::Sqlite { name, source }
        })?;
        Ok(Self { clock, books: Mutex::new(Books { store, all }) })
    }

    /// What has been read in a conversation of this client.
    pub(crate) fn read(&self, client: &str, talk: &Talk) -> TextSources {
        let session = match talk {
            Talk::Connection(own) | Talk::Task(own) => return own.read(),
            Talk::Http { session } => session,
        };
        let now = self.now();
        let books = self.books();
        let of = |session: &str| {
            let found = books.all.get(&(client.to_owned(), session.to_owned()));
            found.filter(|read| lasts(read.at, now)).map_or(TextSources::NONE, |read| read.sources)
        };
        if session.is_empty() {
            // Whoever leaves the session out has read what was read in it.
            let own =
                books.all.iter().filter(|((of, _), read)| of == client && lasts(read.at, now));
            return own.fold(TextSources::NONE, |all, (_, read)| all.and(read.sources));
        }
        // What was read without a session, and in sessions that are too many to be kept apart, counts in all.
        of("").and(of(session))
    }

    /// Notes that text of these sources goes to a conversation. When this ends it is kept, so that it is before the text is
    /// there; what cannot be kept is remembered until the gateway ends.
    pub(crate) fn note(&self, client: &str, talk: &Talk, sources: TextSources) {
        match talk {
            _ if sources.is_empty() => {}
            Talk::Connection(own) | Talk::Task(own) => own.add(sources),
            Talk::Http { session } => self.note_http(client, session, sources),
        }
    }

    /// Whether noting this would wait for the disk.
    pub(crate) fn is_news(&self, client: &str, talk: &Talk, sources: TextSources) -> bool {
        let Talk::Http { session } = talk else { return false };
        let now = self.now();
        let books = self.books();
        let found = books.all.get(&(client.to_owned(), session.clone()));
        !sources.is_empty()
            && found.is_none_or(|read| {
                read.sources.and(sources) != read.sources || now - read.at > REFRESHED
            })
    }

    fn note_http(&self, client: &str, session: &str, sources: TextSources) {
        let now = self.now();
        let mut books = self.books();
        let key = (client.to_owned(), session.to_owned());
        let own = || books.all.keys().filter(|(of, _)| of == client).count();
        let has_room = books.all.contains_key(&key) || own() < MAX_CONVERSATIONS_PER_CLIENT;
        let key = if has_room { key } else { (client.to_owned(), String::new()) };
        let before = books.all.get(&key).copied();
        let old = before.filter(|read| lasts(read.at, now)).map(|read| read.sources);
        let sources = old.unwrap_or_default().and(sources);
        books.all.insert(key.clone(), Read { sources, at: now });
        let kept = before.is_some_and(|read| read.sources == sources && now - read.at <= REFRESHED);
        if !kept && let Err(error) = put(&books.store, &key, sources, now) {
            tracing::error!(%error, "what a conversation has read cannot be kept");
        }
    }

    /// Forgets what was read too long ago. It waits for the disk.
    pub(crate) fn tick(&self) {
        let now = self.now();
        let mut books = self.books();
        books.all.retain(|_, read| lasts(read.at, now));
        let since = now.saturating_sub(seconds(READ_LASTS));
        let old = "DELETE FROM conversations WHERE read_at < ?1";
        if let Err(error) = books.store.execute(old, [since]) {
            tracing::warn!(%error, "old conversations could not be removed");
        }
    }

    fn now(&self) -> i64 {
        seconds((self.clock)())
    }

    fn books(&self) -> MutexGuard<'_, Books> {
        // They are whole between any two statements, so a panic elsewhere does not spoil them.
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How old, in seconds, the time on the disk may be before it is written again: a call need not wait for the disk each time.
const REFRESHED: i64 = 600;

/// Whether what was read then still counts. What will be read only in the future does: somebody has set the clock.
fn lasts(at: i64, now: i64) -> bool {
    now.saturating_sub(at) <= seconds(READ_LASTS) + REFRESHED
}

fn seconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_secs()).unwrap_or(i64::MAX)
}

fn put(
    store: &Connection,
    (client, session): &(String, String),
    sources: TextSources,
    at: i64,
) -> rusqlite::Result<()> {
    let names: Vec<&str> = sources.iter().map(TextSource::name).collect();
    let put = "INSERT OR REPLACE INTO conversations VALUES (?1, ?2, ?3, ?4)";
    store.prepare_cached(put)?.execute((client, session, names.join(" "), at)).map(drop)
}

fn load(store: &Connection) -> rusqlite::Result<HashMap<(String, String), Read>> {
    let mut all = store.prepare("SELECT client, session, sources, read_at FROM conversations")?;
    let rows = all.query_map([], |row| {
        let sources: String = row.get(2)?;
        let sources = sources.split(' ').filter_map(TextSource::named).collect();
        Ok(((row.get(0)?, row.get(1)?), Read { sources, at: row.get(3)? }))
    })?;
    rows.collect()
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicU64;

    use tempfile::TempDir;

    use super::*;

    struct Stage {
        folder: TempDir,
        hours: Arc<AtomicU64>,
    }

    impl Stage {
        fn new() -> Self {
            Self { folder: TempDir::new().unwrap(), hours: Arc::new(AtomicU64::new(1_000)) }
        }

        fn open(&self) -> Conversations {
            let hours = self.hours.clone();
            let clock: Clock =
                Arc::new(move || Duration::from_hours(hours.load(Ordering::Relaxed)));
            Conversations::open(&self.folder.path().join("c.db"), clock).unwrap()
        }
    }

    fn http(session: &str) -> Talk {
        Talk::Http { session: session.to_owned() }
    }

    const MAIL: TextSource = TextSource::Mail;
    const WEB: TextSource = TextSource::Web;

    #[test]
    fn what_one_conversation_has_read_is_not_the_others() {
        let all = Stage::new().open();
        let (one, other) = (Talk::Connection(Arc::default()), Talk::Connection(Arc::default()));
        all.note("anna", &one, MAIL.into());
        all.note("anna", &http("s"), WEB.into());
        assert_eq!(all.read("anna", &one), MAIL.into());
        assert_eq!(all.read("anna", &http("s")), WEB.into());
        assert_eq!(
            all.read("anna", &http("")),
            WEB.into(),
            "who leaves the session out has read it"
        );
        for nothing in [&other, &http("t")] {
            assert_eq!(all.read("anna", nothing), TextSources::NONE);
        }
        assert_eq!(all.read("bert", &http("s")), TextSources::NONE);
    }

    #[test]
    fn without_a_session_all_of_a_client_is_one_and_counts_in_its_sessions() {
        let all = Stage::new().open();
        all.note("anna", &http(""), MAIL.into());
        assert_eq!(all.read("anna", &http("s")), MAIL.into());
    }

    #[test]
    fn a_restart_forgets_nothing_and_time_does() {
        let stage = Stage::new();
        stage.open().note("anna", &http(""), MAIL.into());
        let all = stage.open();
        assert_eq!(all.read("anna", &http("")), MAIL.into());
        assert!(all.is_news("anna", &http(""), WEB.into()));
        assert!(!all.is_news("anna", &http(""), MAIL.into()));
        stage.hours.fetch_add(READ_LASTS.as_secs() / 3600 + 1, Ordering::Relaxed);
        assert_eq!(all.read("anna", &http("")), TextSources::NONE);
        all.tick();
        stage.hours.store(1_000, Ordering::Relaxed);
        assert_eq!(stage.open().read("anna", &http("")), TextSources::NONE);
    }

    #[test]
    fn a_clock_that_is_set_back_forgets_nothing() {
        let stage = Stage::new();
        let all = stage.open();
        all.note("anna", &http(""), MAIL.into());
        stage.hours.store(1, Ordering::Relaxed);
        assert_eq!(all.read("anna", &http("")), MAIL.into());
    }

    #[test]
    fn sessions_that_are_too_many_count_for_all() {
        let all = Stage::new().open();
        for session in 0..MAX_CONVERSATIONS_PER_CLIENT {
            all.note("anna", &http(&format!("s{session}")), MAIL.into());
        }
        assert_eq!(all.read("anna", &http("new")), TextSources::NONE);
        all.note("anna", &http("one more"), WEB.into());
        assert_eq!(all.read("anna", &http("new")), WEB.into());
        assert_eq!(all.read("bert", &http("new")), TextSources::NONE);
    }
}
