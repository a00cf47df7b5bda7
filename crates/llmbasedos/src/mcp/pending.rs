//! The host's requests that are not answered yet.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

/// The requests that are not answered yet, by the JSON text of their ids. Whoever takes one out answers it, so each is
/// answered once.
#[derive(Debug, Default)]
pub(super) struct Pending {
    requests: Mutex<HashMap<String, Request>>,
    fewer: Notify,
}

#[derive(Debug, Clone, Copy)]
struct Request {
    /// The connection on which it was sent.
    link: u64,
    /// Whether it is answered only at the end (`subscriptions/listen`), so that there is nothing to wait for.
    lasting: bool,
}

impl Pending {
    fn requests(&self) -> MutexGuard<'_, HashMap<String, Request>> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A request that is to be sent on `link`. `false`: one with this id is there.
    pub(super) fn add(&self, id: &str, link: u64, method: &str) -> bool {
        let mut requests = self.requests();
        if requests.contains_key(id) {
            return false;
        }
        let lasting = method == "subscriptions/listen";
        requests.insert(id.to_owned(), Request { link, lasting });
        true
    }

    /// Takes a request out. `false`: it is not there any more, and so not to be answered.
    pub(super) fn take(&self, id: &str) -> bool {
        let taken = self.requests().remove(id).is_some();
        self.fewer.notify_one();
        taken
    }

    /// Takes out all that were sent on `link`.
    pub(super) fn take_all_of(&self, link: u64) -> Vec<String> {
        let mut requests = self.requests();
        let ids =
            requests.extract_if(|_, request| request.link == link).map(|(id, _)| id).collect();
        self.fewer.notify_one();
        ids
    }

    /// Waits until every request is answered but those that last.
    pub(super) async fn answered(&self) {
        loop {
            let fewer = self.fewer.notified();
            if self.requests().values().all(|request| request.lasting) {
                return;
            }
            fewer.await;
        }
    }
}
