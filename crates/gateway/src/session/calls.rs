//! The calls that are under way on one connection.

use std::collections::{HashMap, HashSet};

use tokio::task::{AbortHandle, Id, JoinSet};

use crate::limits::MAX_CALLS_PER_SESSION;

/// Calls by id. Dropping this cancels all of them.
#[derive(Default)]
pub(super) struct Calls {
    tasks: JoinSet<()>,
    by_id: HashMap<String, AbortHandle>,
    ids: HashMap<Id, String>,
    /// Those that were cancelled and have not ended yet, which they do when they are next looked at.
    given_up: HashSet<Id>,
}

/// Why a call is not started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refused {
    /// As many are under way as may be.
    TooMany,
    /// One with the same id is: nobody could tell the answers apart.
    SameId,
}

impl Calls {
    /// Starts a call, under an id if it has one.
    pub(super) fn start(
        &mut self,
        id: Option<&str>,
        call: impl Future<Output = ()> + Send + 'static,
    ) -> Result<(), Refused> {
        self.collect();
        if id.is_some_and(|id| self.by_id.contains_key(id)) {
            return Err(Refused::SameId);
        }
        if self.tasks.len().saturating_sub(self.given_up.len()) >= MAX_CALLS_PER_SESSION {
            return Err(Refused::TooMany);
        }
        let handle = self.tasks.spawn(call);
        if let Some(id) = id {
            self.ids.insert(handle.id(), id.to_owned());
            self.by_id.insert(id.to_owned(), handle);
        }
        Ok(())
    }

    /// Starts a call that has waited for its turn, which nothing refuses: should another have its id by now, it alone can be
    /// cancelled by that.
    pub(super) fn start_in_turn(
        &mut self,
        id: Option<&str>,
        call: impl Future<Output = ()> + Send + 'static,
    ) -> AbortHandle {
        let id = id.filter(|id| !self.by_id.contains_key(*id));
        let handle = self.tasks.spawn(call);
        if let Some(id) = id {
            self.ids.insert(handle.id(), id.to_owned());
            self.by_id.insert(id.to_owned(), handle.clone());
        }
        handle
    }

    /// Cancels the call with this id. `false`: none is under way.
    pub(super) fn cancel(&mut self, id: &str) -> bool {
        let Some(handle) = self.by_id.remove(id) else { return false };
        self.ids.remove(&handle.id());
        self.given_up.insert(handle.id());
        handle.abort();
        true
    }

    /// Whether none is under way.
    pub(super) fn is_empty(&self) -> bool {
        self.tasks.is_empty()
    }

    /// Waits for the end of one; for ever, where none is under way.
    pub(super) async fn ended(&mut self) {
        match self.tasks.join_next_with_id().await {
            Some(Ok((id, ()))) => self.forget(id),
            Some(Err(error)) => self.forget(error.id()),
            None => std::future::pending().await,
        }
    }

    /// Forgets those that have ended.
    fn collect(&mut self) {
        while let Some(ended) = self.tasks.try_join_next_with_id() {
            self.forget(ended.map_or_else(|error| error.id(), |(id, ())| id));
        }
    }

    fn forget(&mut self, id: Id) {
        self.given_up.remove(&id);
        if let Some(id) = self.ids.remove(&id) {
            self.by_id.remove(&id);
        }
    }
}
