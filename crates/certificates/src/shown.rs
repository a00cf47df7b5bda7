//! What the gateway shows.

use std::fmt;
use std::net::IpAddr;
use std::path::Path;
use std::sync::{Arc, Mutex, Once, PoisonError};

use arc_swap::ArcSwap;
use rustls::crypto::ring;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::{ServerConfig, version};
use time::OffsetDateTime;

use crate::authority::Authority;
use crate::error::Error;
use crate::given;
use crate::limits::{LEAF, MAX_ADDRESSES, RENEWED_BEFORE};
use crate::names::{self, Names};

/// The only protocol within TLS that is served.
const HTTP: &[u8] = b"http/1.1";

/// The certificate of a server, and its TLS.
pub struct Certificates {
    config: Arc<ServerConfig>,
    shown: Arc<Shown>,
    /// `None`: the certificate is the administrator's, and stays as it is.
    own: Option<Own>,
    remarks: Vec<String>,
}

/// The one that the next handshake shows.
#[derive(Debug)]
struct Shown(ArcSwap<CertifiedKey>);

/// Where the authority is the appliance's.
struct Own {
    authority: Authority,
    /// The names that do not change, and loopback.
    names: Names,
    /// Said once that there is no certificate for an address.
    told: Once,
    state: ArcSwap<State>,
    /// Held by whoever makes a certificate.
    making: Mutex<()>,
}

/// What decides whether the certificate still does.
#[derive(Debug, Clone)]
struct State {
    /// Addresses that it names besides those that do not change, the last that was new at the end.
    addresses: Vec<IpAddr>,
    renewed_at: OffsetDateTime,
}

impl Certificates {
    /// Those of the appliance's own authority, whose files are in this folder; both are made where they are not there.
    /// `configured` are names and addresses besides those that the machine has.
    ///
    /// # Errors
    ///
    /// The files cannot be made, read, or be what they should be; or others may read the key.
    pub fn own(folder: &Path, configured: &[String]) -> Result<Self, Error> {
        let names = Names::of(&names::machine(), configured);
        Self::own_at(folder, names, OffsetDateTime::now_utc())
    }

    fn own_at(folder: &Path, names: Names, now: OffsetDateTime) -> Result<Self, Error> {
        let mut remarks = Vec::new();
        let authority = Authority::open(folder, &names, now, &mut remarks)?;
        let (names, refused) = authority.sort_out(names);
        remarks.extend(refused.iter().map(|name| not_made_for(name)));
        let key = certified(&authority, &names, now)?;
        let state = State { addresses: Vec::new(), renewed_at: now + LEAF - RENEWED_BEFORE };
        let own = Own {
            authority,
            names,
            told: Once::new(),
            state: ArcSwap::from_pointee(state),
            making: Mutex::new(()),
        };
        Self::with(key, Some(own), remarks)
    }

    /// Those of the administrator: a chain, the machine's own certificate first, and its key, both PEM.
    ///
    /// # Errors
    ///
    /// A file cannot be read, is not what it should be, does not fit the other, or others may read the key.
    pub fn given(certificate: &Path, key: &Path) -> Result<Self, Error> {
        let mut remarks = Vec::new();
        let chain = given::chain(certificate, OffsetDateTime::now_utc(), &mut remarks)?;
        let key = chain.with_key(&given::key_file(key)?, key)?;
        Self::with(key, None, remarks)
    }

    /// The same with a key that is no file of its own; errors name the `place` that it is from.
    ///
    /// # Errors
    ///
    /// As of [`Self::given`].
    pub fn given_key(certificate: &Path, key: &[u8], place: &str) -> Result<Self, Error> {
        let mut remarks = Vec::new();
        let chain = given::chain(certificate, OffsetDateTime::now_utc(), &mut remarks)?;
        let key = chain.with_key(key, Path::new(place))?;
        Self::with(key, None, remarks)
    }

    fn with(key: CertifiedKey, own: Option<Own>, remarks: Vec<String>) -> Result<Self, Error> {
        let shown = Arc::new(Shown(ArcSwap::from_pointee(key)));
        let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_protocol_versions(&[&version::TLS13, &version::TLS12])
            .map_err(|error| Error::Make(error.to_string()))?
            .with_no_client_auth()
            .with_cert_resolver(shown.clone());
        config.alpn_protocols = vec![HTTP.to_vec()];
        Ok(Self { config: Arc::new(config), shown, own, remarks })
    }

    /// What the administrator should know of them, for the log, which may not be there yet when they are made.
    pub fn remarks(&self) -> &[String] {
        &self.remarks
    }

    /// The TLS of a server with these certificates, for a client that has connected to `own` address of this machine.
    /// Where the certificate does not name it, or ends soon, a new one is made first; that takes less than the handshake.
    pub fn for_connection(&self, own: Option<IpAddr>) -> Arc<ServerConfig> {
        self.for_connection_at(own, OffsetDateTime::now_utc());
        self.config.clone()
    }

    fn for_connection_at(&self, address: Option<IpAddr>, now: OffsetDateTime) {
        let Some(own) = &self.own else { return };
        let address = own.signed_for(address);
        if own.names(address, now) {
            return;
        }
        let _making = own.making.lock().unwrap_or_else(PoisonError::into_inner);
        // Another connection may have had it made meanwhile.
        if own.names(address, now) {
            return;
        }
        let mut addresses = own.state.load().addresses.clone();
        addresses.extend(address.filter(|address| !own.has(&addresses, *address)));
        let too_many = addresses.len().saturating_sub(MAX_ADDRESSES);
        addresses.drain(..too_many);
        let mut names = own.names.clone();
        names.addresses.extend(&addresses);
        match certified(&own.authority, &names, now) {
            Ok(key) => {
                self.shown.0.store(Arc::new(key));
                let renewed_at = now + LEAF - RENEWED_BEFORE;
                own.state.store(Arc::new(State { addresses, renewed_at }));
            }
            // The one that there is may do for this client.
            Err(error) => tracing::error!(%error, "the certificate could not be renewed"),
        }
    }
}

impl Own {
    /// The address, if the authority may sign it. With one that it may not sign no host would take the certificate for any
    /// other, either.
    fn signed_for(&self, address: Option<IpAddr>) -> Option<IpAddr> {
        let (ours, theirs) = (address?, address.filter(|a| self.authority.may_sign(*a)));
        if theirs.is_none() {
            self.told.call_once(|| tracing::warn!(address = %ours, "{}", not_made_for(&ours)));
        }
        theirs
    }

    /// Whether the certificate that is shown names the address and is not to be renewed.
    fn names(&self, address: Option<IpAddr>, now: OffsetDateTime) -> bool {
        let state = self.state.load();
        now < state.renewed_at && address.is_none_or(|address| self.has(&state.addresses, address))
    }

    fn has(&self, addresses: &[IpAddr], address: IpAddr) -> bool {
        self.names.addresses.contains(&address) || addresses.contains(&address)
    }
}

/// What the administrator should know of a name that the certificate does not have.
fn not_made_for(name: &dyn fmt::Display) -> String {
    format!(
        "the certificate does not have the name `{name}`, for which the appliance's authority was not made: give a \
         certificate of your own, or add the name to `allowed_hosts` and remove `ca.pem` in the gateway's folder for a \
         new authority"
    )
}

fn certified(
    authority: &Authority,
    names: &Names,
    now: OffsetDateTime,
) -> Result<CertifiedKey, Error> {
    let leaf = authority.sign(names, now)?;
    CertifiedKey::from_der(leaf.chain, leaf.key, &ring::default_provider())
        .map_err(|error| Error::Make(error.to_string()))
}

impl ResolvesServerCert for Shown {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.load_full())
    }
}

impl fmt::Debug for Certificates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Certificates").field("own", &self.own.is_some()).finish_non_exhaustive()
    }
}

#[cfg(test)]
#[path = "shown_tests.rs"]
mod tests;
