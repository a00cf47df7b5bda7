//! Where the tasks are kept, and which of their calls are under way.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ::tasks::Tasks;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::access::Refused as NotAllowed;
use crate::limits::MAX_TASKS_AT_ONCE;

/// The tasks, and how to stop those whose calls are under way.
pub(crate) struct Room {
    tasks: Arc<Tasks>,
    under_way: Arc<Mutex<UnderWay>>,
    news: Notify,
}

/// The calls that are under way, by the ids of their tasks.
type UnderWay = HashMap<String, CancellationToken>;

/// A call that is under way, until this is dropped.
pub(super) struct Place {
    under_way: Arc<Mutex<UnderWay>>,
    id: String,
    /// Done once its client wants it no more.
    pub(super) given_up: CancellationToken,
}

impl Room {
    pub(crate) fn new(tasks: Arc<Tasks>) -> Self {
        Self { tasks, under_way: Arc::default(), news: Notify::new() }
    }

    /// Works on the tasks, on a thread that may wait for the disk.
    pub(super) async fn work<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Tasks) -> T + Send + 'static,
    ) -> Result<T, NotAllowed> {
        let tasks = self.tasks.clone();
        let done = tokio::task::spawn_blocking(move || work(&tasks)).await;
        done.map_err(|_| NotAllowed::Unavailable)
    }

    /// Has it looked which tasks can go on.
    pub(super) fn look(&self) {
        self.news.notify_one();
    }

    /// Waits until it is to be looked.
    pub(super) async fn looked(&self) {
        self.news.notified().await;
    }

    /// A place for the call of this task. `None`: it has one, or all are taken.
    pub(super) fn enter(&self, id: &str) -> Option<Place> {
        let mut under_way = lock(&self.under_way);
        if under_way.len() >= MAX_TASKS_AT_ONCE || under_way.contains_key(id) {
            return None;
        }
        let given_up = CancellationToken::new();
        under_way.insert(id.to_owned(), given_up.clone());
        Some(Place { under_way: self.under_way.clone(), id: id.to_owned(), given_up })
    }

    /// Stops the call of this task, if it is under way.
    pub(super) fn give_up(&self, id: &str) {
        if let Some(given_up) = lock(&self.under_way).get(id) {
            given_up.cancel();
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        lock(&self.under_way).remove(&self.id);
    }
}

fn lock(under_way: &Mutex<UnderWay>) -> MutexGuard<'_, UnderWay> {
    // The table is whole between any two statements, so a panic elsewhere does not spoil it.
    under_way.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn room() -> (tempfile::TempDir, Room) {
        let folder = tempfile::tempdir().unwrap();
        let clock: ::tasks::Clock = Arc::new(|| Duration::from_secs(1));
        let tasks = Tasks::open(&folder.path().join("tasks.db"), clock).unwrap();
        (folder, Room::new(Arc::new(tasks)))
    }

    #[test]
    fn a_task_has_one_place_until_its_call_has_ended() {
        let (_folder, room) = room();
        let place = room.enter("a").unwrap();
        assert!(room.enter("a").is_none());
        room.give_up("b");
        assert!(!place.given_up.is_cancelled());
        room.give_up("a");
        assert!(place.given_up.is_cancelled());
        drop(place);
        assert!(!room.enter("a").unwrap().given_up.is_cancelled());
    }

    #[test]
    fn there_is_a_bound() {
        let (_folder, room) = room();
        let places: Vec<_> = (0..MAX_TASKS_AT_ONCE).map(|id| room.enter(&id.to_string())).collect();
        assert!(places.iter().all(Option::is_some));
        assert!(room.enter("more").is_none());
        drop(places);
        assert!(room.enter("more").is_some());
    }
}
