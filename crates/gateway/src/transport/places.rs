//! How many connections there may be, and whose.
//!
//! A connection begins as a stranger's and becomes a client's when it shows a key. When strangers have taken all that
//! there is for them, the one that has waited longest makes room: otherwise whoever opens connections and says nothing
//! would lock out everybody who has a key, and under `up` all of them come from one address.

use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use crate::limits::{
    MAX_CONNECTIONS, MAX_CONNECTIONS_PER_CLIENT, MAX_UNAUTHENTICATED,
    MAX_UNAUTHENTICATED_PER_ADDRESS,
};
use crate::transport::wire::Scheme;

/// Counts the open connections.
#[derive(Default)]
pub(crate) struct Places(Mutex<Counts>);

#[derive(Default)]
struct Counts {
    all: usize,
    next: u64,
    /// The longest waiting first.
    strangers: VecDeque<Stranger>,
    by_client: HashMap<String, usize>,
}

struct Stranger {
    id: u64,
    address: IpAddr,
    evicted: Arc<Notify>,
}

/// The place of one open connection; it is free again when this is dropped.
pub(crate) struct Place {
    places: Arc<Places>,
    peer: IpAddr,
    /// The address of ours that the peer has connected to, where it is known.
    own: Option<IpAddr>,
    /// What is spoken, once that is known.
    scheme: Scheme,
    /// How many bytes the peer may still send.
    allowance: AtomicU64,
    evicted: Arc<Notify>,
    holder: Mutex<Holder>,
}

enum Holder {
    Stranger(u64),
    Client(String),
}

impl Places {
    /// A place for a connection from `address`; a stranger may have to leave for it. `None`: clients have them all.
    pub(crate) fn take(self: &Arc<Self>, address: IpAddr) -> Option<Place> {
        let mut counts = self.lock();
        let here = counts.strangers.iter().filter(|other| other.address == address).count();
        let leaves = if here >= MAX_UNAUTHENTICATED_PER_ADDRESS {
            counts.strangers.iter().position(|other| other.address == address)
        } else if counts.strangers.len() >= MAX_UNAUTHENTICATED || counts.all >= MAX_CONNECTIONS {
            Some(0)
        } else {
            None
        };
        if let Some(at) = leaves {
            counts.strangers.remove(at)?.evicted.notify_one();
        }
        let id = counts.next;
        counts.next += 1;
        counts.all += 1;
        let evicted = Arc::new(Notify::new());
        counts.strangers.push_back(Stranger { id, address, evicted: evicted.clone() });
        let holder = Mutex::new(Holder::Stranger(id));
        let allowance = AtomicU64::new(u64::MAX);
        let places = self.clone();
        let scheme = Scheme::Plain;
        Some(Place { places, peer: address, own: None, scheme, allowance, evicted, holder })
    }

    fn lock(&self) -> MutexGuard<'_, Counts> {
        // The counts are whole between any two statements, so a panic elsewhere does not spoil them.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place {
    /// Moves the place to the client whose key was shown. `false`: that client holds its share already, or the place
    /// has just been given to another.
    pub(crate) fn belongs_to(&self, client: &str) -> bool {
        let mut holder = self.holder.lock().unwrap_or_else(PoisonError::into_inner);
        if matches!(&*holder, Holder::Client(name) if name == client) {
            return true;
        }
        let mut counts = self.places.lock();
        let held = counts.by_client.get(client).copied().unwrap_or(0);
        if held >= MAX_CONNECTIONS_PER_CLIENT || !counts.release(&holder) {
            return false;
        }
        counts.by_client.insert(client.to_owned(), held + 1);
        *holder = Holder::Client(client.to_owned());
        true
    }

    /// The same place, for a connection to this address of ours.
    pub(crate) fn at(mut self, own: Option<IpAddr>) -> Self {
        self.own = own;
        self
    }

    /// The same place, for a connection on which this is spoken.
    pub(crate) fn speaking(mut self, scheme: Scheme) -> Self {
        self.scheme = scheme;
        self
    }

    /// What is spoken beneath HTTP.
    pub(crate) fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// The address of ours that the peer has connected to.
    pub(crate) fn own(&self) -> Option<IpAddr> {
        self.own
    }

    /// Who is connected.
    pub(crate) fn peer(&self) -> IpAddr {
        self.peer
    }

    /// From here on the peer may send so many bytes and no more: a stranger whose messages are read must not fill memory.
    pub(crate) fn may_send(&self, bytes: u64) {
        self.allowance.store(bytes, Ordering::Relaxed);
    }

    /// Takes the bound away, once the peer is known.
    pub(crate) fn may_send_anything(&self) {
        self.may_send(u64::MAX);
    }

    /// Counts what the peer has sent. `false`: it was too much.
    pub(super) fn has_sent(&self, bytes: usize) -> bool {
        let allowed = self.allowance.load(Ordering::Relaxed);
        if allowed == u64::MAX {
            return true;
        }
        // One task reads a connection, so nothing is counted between the two lines.
        let left = allowed.checked_sub(bytes as u64);
        self.allowance.store(left.unwrap_or(0), Ordering::Relaxed);
        left.is_some()
    }

    /// What tells that the place has been given to another: the connection must then close.
    pub(crate) fn evicted(&self) -> Arc<Notify> {
        self.evicted.clone()
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
    /// Takes a holder off the books. `false`: it was not on them any more.
    fn release(&mut self, holder: &Holder) -> bool {
        match holder {
            Holder::Stranger(id) => {
                let at = self.strangers.iter().position(|other| other.id == *id);
                at.and_then(|at| self.strangers.remove(at)).is_some()
            }
            Holder::Client(name) => {
                let Some(count) = self.by_client.get_mut(name) else { return false };
                *count = count.saturating_sub(1);
                // What has come to nothing is forgotten, so that the map cannot grow for ever.
                if *count == 0 {
                    self.by_client.remove(name);
                }
                true
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

    fn address(last: u16) -> IpAddr {
        let [high, low] = last.to_be_bytes();
        Ipv4Addr::new(127, 0, high, low).into()
    }

    fn take(places: &Arc<Places>, address: IpAddr) -> Place {
        places.take(address).unwrap()
    }

    /// Whether the connection has been told to close.
    fn must_close(place: &Place) -> bool {
        use std::task::{Context, Waker};
        let evicted = place.evicted();
        let told = std::pin::pin!(evicted.notified());
        told.poll(&mut Context::from_waker(Waker::noop())).is_ready()
    }

    #[test]
    fn the_stranger_that_waited_longest_makes_room_for_the_next_of_its_address() {
        let places = Arc::new(Places::default());
        let other = take(&places, address(2));
        let held: Vec<_> =
            (0..MAX_UNAUTHENTICATED_PER_ADDRESS).map(|_| take(&places, HERE)).collect();
        assert!(!held.iter().any(must_close), "all of them have room");
        let newcomer = take(&places, HERE);
        let [first, second, ..] = held.as_slice() else { panic!() };
        assert!(must_close(first) && !must_close(second) && !must_close(&other));
        assert!(!first.belongs_to("anna"), "its place is another's");
        assert!(newcomer.belongs_to("anna"), "a key gets in however many strangers there are");
        assert!(newcomer.belongs_to("anna"), "a second request changes nothing");
        let _one_more = take(&places, HERE);
        assert!(!must_close(second), "a client takes no stranger's place");
    }

    #[test]
    fn places_are_kept_for_those_with_a_key() {
        let places = Arc::new(Places::default());
        let strangers: Vec<_> = (0..=u16::try_from(MAX_UNAUTHENTICATED).unwrap())
            .map(|last| take(&places, address(last)))
            .collect();
        assert_eq!(strangers.iter().filter(|place| must_close(place)).count(), 1);
        assert_eq!(places.lock().strangers.len(), MAX_UNAUTHENTICATED);
        let known = strangers.iter().filter(|place| place.belongs_to("anna")).count();
        assert_eq!(known, MAX_CONNECTIONS_PER_CLIENT);
    }

    #[test]
    fn clients_can_have_every_place() {
        let places = Arc::new(Places::default());
        let held: Vec<_> = (0..MAX_CONNECTIONS)
            .map(|at| {
                let place = take(&places, HERE);
                assert!(place.belongs_to(if at % 2 == 0 { "anna" } else { "bert" }));
                place
            })
            .collect();
        assert!(places.take(HERE).is_none());
        drop(held);
        assert!(places.take(HERE).is_some());
    }

    #[test]
    fn everything_is_free_again_at_the_end() {
        let places = Arc::new(Places::default());
        let held: Vec<_> = (0..100).map(|_| take(&places, HERE)).collect();
        held.iter().rev().take(5).for_each(|place| assert!(place.belongs_to("anna")));
        drop(held);
        let counts = places.lock();
        assert_eq!(counts.all, 0);
        assert!(counts.strangers.is_empty() && counts.by_client.is_empty());
    }
}
