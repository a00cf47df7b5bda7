//! Sessions of `POST /mcp`, which clients of the older era have (MCP 2025-11-25, "Session Management").
//!
//! A session holds which of its requests are under way, so that `notifications/cancelled` finds the one that it means: every
//! client counts its ids anew, and two hosts may share a key. It holds what the client said once, too. Little is lost with
//! it: a session that a gateway before this one began is gone on with, and a client that shows none is served too.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use data_encoding::HEXLOWER;
use tokio_util::sync::CancellationToken;

use crate::limits::MAX_SESSIONS_PER_CLIENT;
use crate::mcp::Handshake;

/// The random bytes of an id: nobody guesses the session of another.
const ID_BYTES: usize = 16;

/// The sessions that there are.
#[derive(Default)]
pub(crate) struct Sessions(Mutex<Table>);

#[derive(Default)]
struct Table {
    by_id: HashMap<String, Session>,
    /// Grows with every use of any session.
    clock: u64,
}

struct Session {
    client: String,
    used: u64,
    /// Kept for a while, so that nobody goes on with it.
    ended: bool,
    calls: HashMap<String, CancellationToken>,
    handshake: Arc<Handshake>,
}

/// Why a request is not taken into a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refused {
    /// There is no such session of this client.
    Unknown,
    /// A request with this id is under way in it.
    SameId,
}

/// A request that is under way in a session, until this is dropped.
pub(super) struct UnderWay<'a> {
    sessions: &'a Sessions,
    session: String,
    request: String,
    cancelled: CancellationToken,
}

impl Sessions {
    /// A new session of a client, whose oldest makes room where it has too many.
    pub(super) fn begin(&self, client: &str) -> Result<String, getrandom::Error> {
        let mut bytes = [0; ID_BYTES];
        getrandom::fill(&mut bytes)?;
        let id = HEXLOWER.encode(&bytes);
        self.lock().insert(client, &id);
        Ok(id)
    }

    /// Ends a session and cancels what is under way in it. `false`: this client has none of that id.
    pub(crate) fn end(&self, client: &str, id: &str) -> bool {
        let mut table = self.lock();
        let Some(session) = table.of(client, id) else { return false };
        session.ended = true;
        session.calls.values().for_each(CancellationToken::cancel);
        true
    }

    /// Takes a request into a session, under its id as JSON text.
    pub(super) fn enter(
        &self,
        client: &str,
        session: &str,
        request: &str,
    ) -> Result<UnderWay<'_>, Refused> {
        let mut table = self.lock();
        let found = table.of(client, session).ok_or(Refused::Unknown)?;
        if found.calls.contains_key(request) {
            return Err(Refused::SameId);
        }
        let cancelled = CancellationToken::new();
        found.calls.insert(request.to_owned(), cancelled.clone());
        let (session, request) = (session.to_owned(), request.to_owned());
        Ok(UnderWay { sessions: self, session, request, cancelled })
    }

    /// Cancels a request of a session. `false`: this client has no such session; a request that is not under way any more
    /// needs no cancelling.
    pub(super) fn cancel(&self, client: &str, session: &str, request: Option<&str>) -> bool {
        let mut table = self.lock();
        let Some(found) = table.of(client, session) else { return false };
        if let Some(cancelled) = request.and_then(|request| found.calls.get(request)) {
            cancelled.cancel();
        }
        true
    }

    /// What the client has said once in a session; `None`: this client has no such session.
    pub(super) fn handshake(&self, client: &str, session: &str) -> Option<Arc<Handshake>> {
        self.lock().of(client, session).map(|session| session.handshake.clone())
    }

    fn lock(&self) -> MutexGuard<'_, Table> {
        // The table is whole between any two statements, so a panic elsewhere does not spoil it.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Table {
    /// A session of this client, which has now been used; one that an earlier gateway began is taken up.
    fn of(&mut self, client: &str, id: &str) -> Option<&mut Session> {
        if !self.by_id.contains_key(id) {
            let ours = HEXLOWER.decode(id.as_bytes()).is_ok_and(|bytes| bytes.len() == ID_BYTES);
            if !ours {
                return None;
            }
            self.insert(client, id);
        }
        self.clock += 1;
        let found = self.by_id.get_mut(id)?;
        if found.client != client || found.ended {
            return None;
        }
        found.used = self.clock;
        Some(found)
    }

    /// A new session. Where its client has too many, the one that was used longest ago makes room.
    fn insert(&mut self, client: &str, id: &str) {
        let own = || self.by_id.iter().filter(|(_, session)| session.client == client);
        if own().count() >= MAX_SESSIONS_PER_CLIENT {
            let oldest = own().min_by_key(|(_, session)| session.used).map(|(id, _)| id.clone());
            let removed = oldest.and_then(|oldest| self.by_id.remove(&oldest));
            removed.iter().flat_map(|old| old.calls.values()).for_each(CancellationToken::cancel);
        }
        self.clock += 1;
        let (client, used) = (client.to_owned(), self.clock);
        let (calls, handshake) = (HashMap::new(), Arc::default());
        let session = Session { client, used, ended: false, calls, handshake };
        self.by_id.insert(id.to_owned(), session);
    }
}

impl UnderWay<'_> {
    /// Gives the outcome, or nothing if the request was cancelled before.
    pub(super) async fn unless_cancelled<T>(&self, outcome: impl Future<Output = T>) -> Option<T> {
        self.cancelled.run_until_cancelled(outcome).await
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        let mut table = self.sessions.lock();
        if let Some(session) = table.by_id.get_mut(&self.session) {
            session.calls.remove(&self.request);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_is_its_clients_alone() {
        let sessions = Sessions::default();
        let (a, b) = (sessions.begin("anna").unwrap(), sessions.begin("anna").unwrap());
        assert_ne!(a, b);
        assert_eq!(sessions.enter("bert", &a, "1").err(), Some(Refused::Unknown));
        assert!(!sessions.end("bert", &a) && !sessions.cancel("bert", &a, Some("1")));
        let first = sessions.enter("anna", &a, "1").unwrap();
        let same_id_elsewhere = sessions.enter("anna", &b, "1").unwrap();
        assert_eq!(sessions.enter("anna", &a, "1").err(), Some(Refused::SameId));
        assert!(sessions.cancel("anna", &a, Some("1")));
        assert!(first.cancelled.is_cancelled() && !same_id_elsewhere.cancelled.is_cancelled());
        drop(first);
        assert!(!sessions.enter("anna", &a, "1").unwrap().cancelled.is_cancelled());
        assert!(sessions.end("anna", &b) && !sessions.end("anna", &b));
        assert!(same_id_elsewhere.cancelled.is_cancelled());
    }

    #[test]
    fn the_session_that_was_used_longest_ago_makes_room() {
        let sessions = Sessions::default();
        let other = sessions.begin("bert").unwrap();
        let all: Vec<String> =
            (0..MAX_SESSIONS_PER_CLIENT).map(|_| sessions.begin("anna").unwrap()).collect();
        let [first, second, ..] = all.as_slice() else { panic!() };
        assert!(sessions.cancel("anna", first, None), "which uses it");
        sessions.begin("anna").unwrap();
        let has = |id: &String| sessions.lock().by_id.contains_key(id);
        assert!(has(first) && !has(second));
        assert!(has(&other), "no client makes room for another");
        assert_eq!(sessions.lock().by_id.len(), MAX_SESSIONS_PER_CLIENT + 1);
    }

    #[test]
    fn a_session_of_an_earlier_gateway_goes_on_and_an_ended_one_does_not() {
        let earlier = Sessions::default().begin("anna").unwrap();
        let sessions = Sessions::default();
        assert!(sessions.enter("anna", &earlier, "1").is_ok());
        assert!(sessions.enter("bert", &earlier, "1").is_err(), "it is anna's by now");
        assert!(sessions.end("anna", &earlier));
        assert!(sessions.enter("anna", &earlier, "1").is_err());
        for strange in ["", "x", &"g".repeat(32), &"a".repeat(33)] {
            assert!(sessions.enter("anna", strange, "1").is_err(), "{strange}");
        }
    }
}
