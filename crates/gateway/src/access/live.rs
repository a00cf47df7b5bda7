//! The files that say who may do what, followed while the gateway runs.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arc_swap::{ArcSwap, Guard};
use clients::{ClientsFile, Paired, Uses};
use futures_util::future::select_all;
use jiff::Timestamp;
use licence::{Licence, LicenceError, Terms, Tiers};
use serde_json::Value;
use settings::SettingsError;
use signing::PublicKey;
use store::StoreError;
use store::rusqlite;

use crate::access::Trouble;
use crate::changes::Changes;
use crate::identity::{Clients, Identity, Pairings, Redeemed};

/// Where the files are.
#[derive(Debug, Clone)]
pub(crate) struct Files {
    pub(crate) clients: PathBuf,
    pub(crate) licence: PathBuf,
    pub(crate) tiers: PathBuf,
    /// The public keys of those whose licences are believed.
    pub(crate) issuers: PathBuf,
    /// The folder of the owner's policies.
    pub(crate) policies: PathBuf,
}

impl Files {
    /// The folders in which they are, each once.
    pub(crate) fn folders(&self) -> BTreeSet<PathBuf> {
        let folder = |file: &PathBuf| {
            let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
            folder.unwrap_or(Path::new(".")).to_owned()
        };
        let files = [&self.clients, &self.licence, &self.tiers, &self.issuers];
        let policies = Some(self.policies.clone()).filter(|folder| folder.is_dir());
        files.into_iter().map(folder).chain(policies).collect()
    }
}

/// What is in force.
pub(crate) struct Rules {
    pub(crate) clients: Clients,
    pub(crate) terms: Terms,
    /// Grows with every change.
    pub(crate) generation: u64,
}

/// What is in force, kept up to date.
pub(crate) struct Live {
    files: Files,
    rules: ArcSwap<Rules>,
    troubles: ArcSwap<Vec<Trouble>>,
    pairings: Pairings,
    books: Mutex<Books>,
    /// Told of what will be in force before it is.
    heir: Heir,
}

/// Takes note of clients and terms that will be in force.
type Heir = Box<dyn Fn(&Clients, &Terms) + Send + Sync>;

/// What the rules are made of.
struct Books {
    uses: Uses,
    issuers: Vec<PublicKey>,
    tiers: Tiers,
    licence: Licence,
    /// The text of the last licence that was good.
    good: Option<String>,
}

/// Why nothing can be in force.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LiveError {
    #[error(transparent)]
    Settings(#[from] SettingsError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("the keys that were given out for codes cannot be read: {0}")]
    Paired(#[from] rusqlite::Error),
}

/// What has changed, for the record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Change {
    /// Which clients came, went or are different.
    Clients(Value),
    /// The tier that is in force now, and whose licence it is.
    Terms {
        tier: String,
        holder: String,
    },
    Refused(&'static str),
}

impl Live {
    /// Reads the files for the first time. Without clients nobody could ask, so those must be right; a licence or tiers that are
    /// refused leave the appliance in the tier that is free.
    pub(crate) fn open(
        files: Files,
        uses: &Path,
        heir: impl Fn(&Clients, &Terms) + Send + Sync + 'static,
    ) -> Result<Self, LiveError> {
        let uses = Uses::open(uses)?;
        let file: ClientsFile = settings::load(&files.clients)?;
        let clients = Clients::new(file, &Clients::default(), |code| uses.paired(code))?;
        let (licence, tiers) = (Licence::Missing, Tiers::default());
        let terms = Terms::of(&licence, &tiers, Timestamp::now());
        let books = Books { uses, issuers: Vec::new(), tiers, licence, good: None };
        let live = Self {
            files,
            rules: ArcSwap::from_pointee(Rules { clients, terms, generation: 0 }),
            troubles: ArcSwap::default(),
            pairings: Pairings::default(),
            books: Mutex::new(books),
            heir: Box::new(heir),
        };
        let first = live.rules();
        (live.heir)(&first.clients, &first.terms);
        drop(first);
        live.reload();
        Ok(live)
    }

    /// What is in force.
    pub(crate) fn rules(&self) -> Guard<Arc<Rules>> {
        self.rules.load()
    }

    /// The files that are refused.
    pub(crate) fn troubles(&self) -> Arc<Vec<Trouble>> {
        self.troubles.load_full()
    }

    /// Reads the files again whenever something changes in their folders, and tells what has changed by that. The watch is set
    /// before they are first read again, so that no change falls between the two.
    pub(crate) fn follow<T>(
        self: &Arc<Self>,
        tell: T,
    ) -> io::Result<impl Future<Output = ()> + Send + use<T>>
    where
        T: Fn(Vec<Change>) + Send + Sync + 'static,
    {
        let folders = self.files.folders();
        let changes = folders.iter().map(|folder| Changes::of(folder));
        let mut changes = changes.collect::<io::Result<Vec<_>>>()?;
        let live = self.clone();
        tell(live.reload());
        Ok(async move {
            loop {
                let next = changes.iter_mut().map(|changes| Box::pin(changes.next()));
                let (goes_on, _, _) = select_all(next).await;
                if !goes_on {
                    break;
                }
                tell(live.reload());
            }
            tracing::error!("the configuration can no longer be watched: restart the gateway");
        })
    }

    /// Reads the files again. One that is refused leaves in force what was before it.
    pub(crate) fn reload(&self) -> Vec<Change> {
        let mut books = self.books();
        let old = self.rules.load();
        let mut troubles = Vec::new();
        let mut refuse = |file, error: &SettingsError| {
            tracing::error!(%error, "a file is refused: the one before it stays in force");
            troubles.push(Trouble::new(file, error));
        };
        match issuers(&self.files.issuers) {
            Ok(issuers) => books.issuers = issuers,
            Err(error) => refuse("issuers", &error),
        }
        match Tiers::load(&self.files.tiers) {
            Ok(tiers) => books.tiers = tiers,
            Err(error) => refuse("tiers", &error),
        }
        let of_licence = books.read_licence(&self.files.licence);
        if let Err(BadLicence::Refused(error)) = &of_licence {
            refuse("licence", error);
        }
        let clients = match settings::load::<ClientsFile>(&self.files.clients) {
            Ok(file) => Clients::new(file, &old.clients, |code| books.uses.paired(code)),
            Err(error) => {
                refuse("clients", &error);
                Ok(old.clients.clone())
            }
        };
        let clients = clients.unwrap_or_else(|error| {
            tracing::error!(%error, "what is kept of clients cannot be read");
            old.clients.clone()
        });
        if let Err(BadLicence::None(reason)) = of_licence {
            tracing::error!(reason, "the licence is none: the one before it stays in force");
            troubles.push(Trouble::of_licence(reason));
        }
        let terms = Terms::of(&books.licence, &books.tiers, Timestamp::now());
        let mut changes: Vec<_> = troubles.iter().map(|it| Change::Refused(it.file)).collect();
        // One that was refused before is no news.
        if *self.troubles.load_full() == troubles {
            changes.clear();
        }
        self.troubles.store(Arc::new(troubles));
        changes.extend(self.take_over(&old, clients, terms));
        changes
    }

    fn take_over(&self, old: &Rules, clients: Clients, terms: Terms) -> Vec<Change> {
        let of_clients =
            (!clients.are(&old.clients)).then(|| Change::Clients(clients.since(&old.clients)));
        let of_terms = (terms != old.terms).then(|| {
            let Terms { tier, holder, .. } = &terms;
            Change::Terms { tier: tier.clone(), holder: holder.clone() }
        });
        let changes: Vec<_> = of_clients.into_iter().chain(of_terms).collect();
        if changes.is_empty() {
            return changes;
        }
        let generation = old.generation + 1;
        tracing::info!(
            clients = clients.all().len(),
            tier = terms.tier,
            generation,
            "the rules have changed"
        );
        (self.heir)(&clients, &terms);
        // Who was revoked must find the new table, and not the old one again.
        let new = Arc::new(Rules { clients, terms, generation });
        self.rules.store(new.clone());
        old.clients.revoke_all_but(&new.clients);
        if changes.iter().any(|change| matches!(change, Change::Clients(_))) {
            self.pairings.begin_anew();
        }
        changes
    }

    /// Whose key this is.
    pub(crate) fn find(&self, key: &str) -> Option<Arc<Identity>> {
        let rules = self.rules.load();
        rules.clients.find(key, Timestamp::now()).cloned()
    }

    /// A key for the client that waits with this code, which is good once it is kept. `None`: no client does.
    pub(crate) fn redeem(&self, typed: &str) -> Result<Option<Redeemed>, getrandom::Error> {
        self.pairings.redeem(&self.rules.load().clients, typed, Timestamp::now())
    }

    /// Keeps a key that a code is worth, which is good from now on. `false`: another one is, for the same code. It waits for the
    /// disk.
    pub(crate) fn keep(&self, paired: &Paired) -> rusqlite::Result<bool> {
        if !self.books().uses.pair(paired, Timestamp::now())? {
            return Ok(false);
        }
        self.reload();
        Ok(true)
    }

    /// Ends what is over by now, and writes down who has used their keys. It waits for the disk.
    pub(crate) fn tick(&self) -> Vec<Change> {
        let now = Timestamp::now();
        // Before the rules, which nobody else then changes.
        let books = self.books();
        let rules = self.rules.load();
        rules.clients.expire(now);
        let used = rules.clients.all().iter().filter_map(|identity| {
            let at = identity.newly_used()?;
            Some((identity.client().name.clone(), identity.key(), at))
        });
        let used: Vec<_> = used.collect();
        if !used.is_empty()
            && let Err(error) = books.uses.used(used)
        {
            tracing::error!(%error, "it cannot be kept which keys were used");
        }
        if rules.clients.have_returned(now) {
            // The clock was put right.
            drop(books);
            return self.reload();
        }
        let is_over = rules.terms.standing == licence::Standing::Good
            && rules.terms.expires_at.is_some_and(|end| now >= end);
        if !is_over {
            return Vec::new();
        }
        let terms = Terms::of(&books.licence, &books.tiers, now);
        self.take_over(&rules, rules.clients.clone(), terms)
    }

    fn books(&self) -> MutexGuard<'_, Books> {
        // They are whole between any two statements, so a panic elsewhere does not spoil them.
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Why a licence file is not taken.
enum BadLicence {
    Refused(SettingsError),
    /// It was read, and is no licence; what is.
    None(&'static str),
}

impl Books {
    /// Takes over the licence file. One that is broken leaves in force the last one that was good, as long as its issuer is believed;
    /// one that is gone, or of a form that nobody signs, is what its owner wants.
    fn read_licence(&mut self, path: &Path) -> Result<(), BadLicence> {
        let read = match settings::text(path) {
            Err(SettingsError::Read { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
                Ok((Licence::Missing, None))
            }
            Err(error) => Err(error),
            Ok(text) => Licence::read(&path.display().to_string(), &text, &self.issuers)
                .map(|licence| (licence, Some(text)))
                .map_err(|LicenceError::Settings(error)| error),
        };
        let before = self.good.as_ref().and_then(|text| {
            let licence = Licence::read("", text, &self.issuers).ok()?;
            matches!(licence, Licence::Signed { .. }).then_some(licence)
        });
        let (licence, text) = match read {
            Ok(read) => read,
            Err(error) => {
                self.licence = before.unwrap_or(Licence::Missing);
                return Err(BadLicence::Refused(error));
            }
        };
        match licence {
            Licence::Forged { .. } => {
                self.licence = before.unwrap_or(licence);
                Err(BadLicence::None(
                    "it was changed, or nobody whom the configuration names has signed it",
                ))
            }
            Licence::Unclear { .. } => {
                self.licence = before.unwrap_or(licence);
                Err(BadLicence::None("it is a licence in no form that there is"))
            }
            licence => {
                self.good = text.filter(|_| matches!(licence, Licence::Signed { .. }));
                self.licence = licence;
                Ok(())
            }
        }
    }
}

/// The keys of the issuers, of whom there may be none.
fn issuers(path: &Path) -> Result<Vec<PublicKey>, SettingsError> {
    match settings::load(path) {
        Err(SettingsError::Read { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
            Ok(Vec::new())
        }
        issuers => issuers,
    }
}

#[cfg(test)]
#[path = "live_tests.rs"]
mod tests;
