//! The calls of a connection that are under way, by their ids.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use mcp_wire::Id;
use serde_json::Value;
use tokio::sync::OwnedSemaphorePermit;

use crate::life::{Life, Why};

/// The calls of a connection. Dropping it gives all of them up.
#[derive(Debug, Default)]
pub(crate) struct Calls(Arc<Mutex<HashMap<Key, Arc<Life>>>>);

/// An id as JSON text that is the same however a string was escaped.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Key(String);

/// One of them. Dropping it frees its id, and its place among all calls of the server.
#[derive(Debug)]
pub(crate) struct UnderWay {
    calls: Arc<Mutex<HashMap<Key, Arc<Life>>>>,
    key: Key,
    life: Arc<Life>,
    place: Option<OwnedSemaphorePermit>,
}

impl Calls {
    /// Adds a call. `None`: another call of this id is under way.
    pub(crate) fn begin(&self, key: Key, place: OwnedSemaphorePermit) -> Option<UnderWay> {
        let life = Arc::new(Life::default());
        match locked(&self.0).entry(key.clone()) {
            Entry::Occupied(_) => return None,
            Entry::Vacant(vacant) => vacant.insert(life.clone()),
        };
        Some(UnderWay { calls: self.0.clone(), key, life, place: Some(place) })
    }

    /// Gives up the call of this id, if there is one.
    pub(crate) fn cancel(&self, key: &Key) {
        if let Some(life) = locked(&self.0).get(key) {
            life.give_up(Why::Cancelled);
        }
    }

    /// Gives up every call.
    pub(crate) fn give_up(&self, why: Why) {
        locked(&self.0).values().for_each(|life| life.give_up(why));
    }
}

impl Drop for Calls {
    fn drop(&mut self) {
        self.give_up(Why::Stopping);
    }
}

impl UnderWay {
    pub(crate) fn life(&self) -> &Arc<Life> {
        &self.life
    }

    /// Frees its id, and gives its place.
    pub(crate) fn end(mut self) -> Option<OwnedSemaphorePermit> {
        self.place.take()
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        locked(&self.calls).remove(&self.key);
    }
}

impl Key {
    pub(crate) fn of(id: Id<'_>) -> Self {
        let text = id.as_str();
        let same = |text| serde_json::from_str::<Value>(text).map(|value| value.to_string());
        match text.contains('\\').then(|| same(text)) {
            Some(Ok(decoded)) => Self(decoded),
            // What no reader can decode is itself alone.
            Some(Err(_)) | None => Self(text.to_owned()),
        }
    }
}

/// A thread that panicked with the lock changed nothing by halves.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use serde_json::value::RawValue;

    use super::*;

    #[test]
    fn an_id_is_the_same_however_it_is_written() {
        let key = |json: &str| {
            let raw: Box<RawValue> = serde_json::from_str(json).unwrap();
            Key::of(Id::new(&raw).unwrap())
        };
        assert_eq!(key(r#""a\"b""#), key(r#""\u0061\u0022b""#));
        assert_ne!(key("1"), key(r#""1""#));
        assert_ne!(key("12345678901234567890123"), key("12345678901234567890124"));
        assert_ne!(key(r#""\ud800""#), key(r#""\ud801""#));
    }
}
