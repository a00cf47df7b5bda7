//! Who asks: clients by their keys, people of this machine by the socket that they could open.

mod clients;
mod pairing;
mod penalty;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use ::clients::Digest;
use capfile::{Pattern, Patterns};
use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

pub(crate) use self::clients::Clients;
pub(crate) use pairing::{Pairings, Redeemed};
pub(crate) use penalty::{Penalties, Penalty};

/// When somebody last used their key, in seconds since the Unix epoch; zero where they have not.
#[derive(Default)]
struct Used {
    last: AtomicI64,
    /// What of it has been written down.
    kept: AtomicI64,
}

/// Somebody who may ask, for as long as they may.
pub(crate) struct Identity {
    /// What the file of clients says of them.
    client: ::clients::Client,
    /// The same name, for the many places that keep one.
    name: Arc<str>,
    /// The hash of the key that is good for them now.
    key: Option<Digest>,
    scopes: Patterns,
    used: Used,
    revoked: CancellationToken,
}

impl Identity {
    fn new(client: ::clients::Client, key: Option<Digest>) -> Self {
        let (name, scopes) = (client.name.as_str().into(), client.scopes.iter().collect());
        Self { client, name, key, scopes, used: Used::default(), revoked: CancellationToken::new() }
    }

    /// Whoever can open `gateway.sock`: its owner and mode say who that is, and they own what is here.
    pub(crate) fn local() -> Self {
        let name = ::clients::ClientName::local();
        Self::new(::clients::Client::new(name, vec![Pattern::all()]), None)
    }

    pub(crate) fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// What the file of clients says of them.
    pub(crate) fn client(&self) -> &::clients::Client {
        &self.client
    }

    /// The hash of the key that is good for them.
    pub(crate) fn key(&self) -> Option<Digest> {
        self.key
    }

    /// Whether their scopes have the method; the licence must allow it too.
    pub(crate) fn may_call(&self, method: &str) -> bool {
        self.scopes.allow(method)
    }

    /// Is done once they may not ask any more, or under other terms.
    pub(crate) fn revoked(&self) -> &CancellationToken {
        &self.revoked
    }

    /// Notes that they have used their key.
    fn use_at(&self, now: Timestamp) {
        self.used.last.store(now.as_second(), Ordering::Relaxed);
    }

    /// When they have used their key, if that has not been given before.
    pub(crate) fn newly_used(&self) -> Option<Timestamp> {
        let last = self.used.last.load(Ordering::Relaxed);
        let before = self.used.kept.swap(last, Ordering::Relaxed);
        (last != before).then(|| Timestamp::from_second(last).unwrap_or_default())
    }

    fn is_good_at(&self, now: Timestamp) -> bool {
        self.is_in_time(now) && !self.revoked.is_cancelled()
    }

    /// Whether their time is not over.
    fn is_in_time(&self, now: Timestamp) -> bool {
        self.client.expires_at.is_none_or(|end| now < end)
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity").field("name", &self.name).finish_non_exhaustive()
    }
}
