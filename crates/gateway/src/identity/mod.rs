//! Who asks: clients by their keys, programs and people of this machine by the socket that they could open.

mod clients;
mod pairing;
mod penalty;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use ::clients::Digest;
use capfile::Pattern;
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

/// By what somebody is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Kind {
    /// A key of the file of clients.
    Key,
    /// That they could open `gateway.sock`: a program of this machine.
    Local,
    /// That they could open `person.sock`: the person who sits at this machine.
    Person,
}

/// Somebody who may ask, for as long as they may.
pub(crate) struct Identity {
    kind: Kind,
    /// What the file of clients says of them.
    client: ::clients::Client,
    /// The same name, for the many places that keep one.
    name: Arc<str>,
    /// The hash of the key that is good for them now.
    key: Option<Digest>,
    used: Used,
    revoked: CancellationToken,
}

impl Identity {
    fn new(kind: Kind, client: ::clients::Client, key: Option<Digest>) -> Self {
        let name = client.name.as_str().into();
        let (used, revoked) = (Used::default(), CancellationToken::new());
        Self { kind, client, name, key, used, revoked }
    }

    /// Who has a key.
    fn of_key(client: ::clients::Client, key: Option<Digest>) -> Self {
        Self::new(Kind::Key, client, key)
    }

    /// Whoever can open `gateway.sock`: its owner and mode say who that is, and they own what is here.
    pub(crate) fn local() -> Self {
        Self::of_socket(Kind::Local, ::clients::ClientName::local())
    }

    /// Whoever can open `person.sock`: they may do what the same machine's programs may, and answer for its owner.
    pub(crate) fn person() -> Self {
        Self::of_socket(Kind::Person, ::clients::ClientName::person())
    }

    fn of_socket(kind: Kind, name: ::clients::ClientName) -> Self {
        Self::new(kind, ::clients::Client::new(name, vec![Pattern::all()]), None)
    }

    /// By what they are known.
    pub(crate) fn kind(&self) -> Kind {
        self.kind
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
        self.client.expires_at.is_none_or(|end| now < end) && !self.revoked.is_cancelled()
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity").field("name", &self.name).finish_non_exhaustive()
    }
}
