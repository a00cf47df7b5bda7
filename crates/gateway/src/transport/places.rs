//! How many connections there may be, and whose.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::limits::{
    MAX_CONNECTIONS, MAX_CONNECTIONS_PER_CLIENT, MAX_UNAUTHENTICATED,
    MAX_UNAUTHENTICATED_PER_ADDRESS,
};

/// Counts the open connections.
#[derive(Default)]
pub(crate) struct Places(Mutex<Counts>);

#[derive(Default)]
struct Counts {
    all: usize,
    strangers: usize,
    by_address: HashMap<IpAddr, usize>,
    by_client: HashMap<String, usize>,
}

/// The place of one open connection; it is free again when this is dropped.
pub(crate) struct Place {
    places: Arc<Places>,
    holder: Mutex<Holder>,
}

#[derive(Clone, PartialEq, Eq)]
enum Holder {
    Stranger(IpAddr),
    Client(String),
}

impl Places {
    /// A place for a connection from `address`, or `None` if there is none left for a stranger.
    pub(crate) fn take(self: &Arc<Self>, address: IpAddr) -> Option<Place> {
        let mut counts = self.lock();
        let here = counts.by_address.get(&address).copied().unwrap_or(0);
        if counts.all >= MAX_CONNECTIONS
            || counts.strangers >= MAX_UNAUTHENTICATED
            || here >= MAX_UNAUTHENTICATED_PER_ADDRESS
        {
            return None;
        }
        counts.all += 1;
        counts.strangers += 1;
        counts.by_address.insert(address, here + 1);
        Some(Place { places: self.clone(), holder: Mutex::new(Holder::Stranger(address)) })
    }

    fn lock(&self) -> MutexGuard<'_, Counts> {
        // The counts are whole between any two statements, so a panic elsewhere does not spoil them.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place {
    /// Moves the place to the client whose key was shown. `false`: that client holds its share already.
    pub(crate) fn belongs_to(&self, client: &str) -> bool {
        let mut holder = self.holder.lock().unwrap_or_else(PoisonError::into_inner);
        if matches!(&*holder, Holder::Client(name) if name == client) {
            return true;
        }
        let mut counts = self.places.lock();
        let held = counts.by_client.get(client).copied().unwrap_or(0);
        if held >= MAX_CONNECTIONS_PER_CLIENT {
            return false;
        }
        counts.release(&holder);
        counts.by_client.insert(client.to_owned(), held + 1);
        *holder = Holder::Client(client.to_owned());
        true
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let holder = self.holder.lock().unwrap_or_else(PoisonError::into_inner);
        let mut counts = self.places.lock();
        counts.release(&holder);
        counts.all = counts.all.saturating_sub(1);
    }
}

impl Counts {
    fn release(&mut self, holder: &Holder) {
        match holder {
            Holder::Stranger(address) => {
                self.strangers = self.strangers.saturating_sub(1);
                decrement(&mut self.by_address, address);
            }
            Holder::Client(name) => decrement(&mut self.by_client, name),
        }
    }
}

/// Counts one less, and forgets what has come to nothing, so that the map cannot grow for ever.
fn decrement<K: std::hash::Hash + Eq + Clone>(counts: &mut HashMap<K, usize>, key: &K) {
    if let Some(count) = counts.get_mut(key) {
        *count = count.saturating_sub(1);
        if *count == 0 {
            counts.remove(key);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

    fn fill(places: &Arc<Places>, address: IpAddr, count: usize) -> Vec<Place> {
        (0..count).map_while(|_| places.take(address)).collect()
    }

    #[test]
    fn strangers_of_one_address_are_few_until_they_show_a_key() {
        let places = Arc::new(Places::default());
        let held = fill(&places, HERE, usize::MAX);
        assert_eq!(held.len(), MAX_UNAUTHENTICATED_PER_ADDRESS);
        assert!(places.take(Ipv4Addr::new(127, 0, 0, 2).into()).is_some());
        assert!(held.first().unwrap().belongs_to("anna"));
        assert!(held.first().unwrap().belongs_to("anna"), "a second request changes nothing");
        assert!(places.take(HERE).is_some());
    }

    #[test]
    fn places_are_kept_for_those_with_a_key() {
        let places = Arc::new(Places::default());
        let mut strangers = Vec::new();
        for last in 1..=255 {
            strangers.extend(fill(&places, Ipv4Addr::new(127, 0, 0, last).into(), usize::MAX));
        }
        assert_eq!(strangers.len(), MAX_UNAUTHENTICATED);
        let known = strangers.iter().filter(|place| place.belongs_to("anna")).count();
        assert_eq!(known, MAX_CONNECTIONS_PER_CLIENT);
    }

    #[test]
    fn everything_is_free_again_at_the_end() {
        let places = Arc::new(Places::default());
        let held = fill(&places, HERE, 10);
        assert!(held.iter().take(5).all(|place| place.belongs_to("anna")));
        drop(held);
        let counts = places.lock();
        assert_eq!((counts.all, counts.strangers), (0, 0));
        assert!(counts.by_address.is_empty() && counts.by_client.is_empty());
    }
}
