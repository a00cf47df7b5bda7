//! The files that say who may do what, followed while the gateway runs.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arc_swap::{ArcSwap, Guard};
use clients::{ClientsFile, Uses};
use futures_util::future::select_all;
use jiff::Timestamp;
use settings::SettingsError;
use store::StoreError;
use store::rusqlite;

use crate::access::{Terms, Trouble};
use crate::changes::Changes;
use crate::identity::{Clients, Identity, Pairings, Redeemed};

/// Where the files are.
#[derive(Debug, Clone)]
pub(crate) struct Files {
    pub(crate) clients: PathBuf,
}

impl Files {
    /// The folders in which they are, each once.
    pub(crate) fn folders(&self) -> BTreeSet<PathBuf> {
        let folder = |file: &PathBuf| {
            let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
            folder.unwrap_or(Path::new(".")).to_owned()
        };
        [&self.clients].into_iter().map(folder).collect()
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
    uses: Mutex<Uses>,
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

impl Live {
    /// Reads the files for the first time; what is refused now is an error, since there is nothing before it.
    pub(crate) fn open(files: Files, uses: &Path) -> Result<Self, LiveError> {
        let uses = Uses::open(uses)?;
        let file: ClientsFile = settings::load(&files.clients)?;
        let clients = Clients::new(file, &Clients::default(), |code| uses.paired(code))?;
        Ok(Self {
            files,
            rules: ArcSwap::from_pointee(Rules {
                clients,
                terms: Terms::everything(),
                generation: 1,
            }),
            troubles: ArcSwap::default(),
            pairings: Pairings::default(),
            uses: Mutex::new(uses),
        })
    }

    /// What is in force.
    pub(crate) fn rules(&self) -> Guard<Arc<Rules>> {
        self.rules.load()
    }

    /// The files that are refused.
    pub(crate) fn troubles(&self) -> Arc<Vec<Trouble>> {
        self.troubles.load_full()
    }

    /// Reads the files again whenever something changes in their folders. The watch is set before they are first read again,
    /// so that no change falls between the two.
    pub(crate) fn follow(self: &Arc<Self>) -> io::Result<impl Future<Output = ()> + Send + use<>> {
        let folders = self.files.folders();
        let changes = folders.iter().map(|folder| Changes::of(folder));
        let mut changes = changes.collect::<io::Result<Vec<_>>>()?;
        let live = self.clone();
        live.reload();
        Ok(async move {
            loop {
                let next = changes.iter_mut().map(|changes| Box::pin(changes.next()));
                let (goes_on, _, _) = select_all(next).await;
                if !goes_on {
                    break;
                }
                live.reload();
            }
            tracing::error!("the configuration can no longer be watched: restart the gateway");
        })
    }

    /// Reads the files again. One that is refused leaves in force what was before it.
    pub(crate) fn reload(&self) {
        let uses = self.uses();
        let old = self.rules.load();
        let read = settings::load::<ClientsFile>(&self.files.clients);
        let mut troubles = Vec::new();
        match read {
            Err(error) => {
                tracing::error!(%error, "the file of clients is refused: the one before it stays in force");
                troubles.push(Trouble::new("clients", &error));
            }
            Ok(file) => match Clients::new(file, &old.clients, |code| uses.paired(code)) {
                Err(error) => tracing::error!(%error, "what is kept of clients cannot be read"),
                Ok(clients) => self.take_over(&old, clients),
            },
        }
        self.troubles.store(Arc::new(troubles));
    }

    fn take_over(&self, old: &Rules, clients: Clients) {
        if clients.are(&old.clients) {
            return;
        }
        let generation = old.generation + 1;
        tracing::info!(clients = clients.all().len(), generation, "the clients have changed");
        // Who was revoked must find the new table, and not the old one again.
        let new = Arc::new(Rules { clients, terms: Terms::everything(), generation });
        self.rules.store(new.clone());
        old.clients.revoke_all_but(&new.clients);
        self.pairings.begin_anew();
    }

    /// Whose key this is.
    pub(crate) fn find(&self, key: &str) -> Option<Arc<Identity>> {
        let now = Timestamp::now();
        let rules = self.rules.load();
        let found = rules.clients.find(key, now)?.clone();
        Some(found)
    }

    /// The key of the client that waits with this code, which is good from now on. `None`: no client does.
    pub(crate) fn pair(&self, typed: &str) -> Result<Option<(Arc<str>, String)>, PairError> {
        let now = Timestamp::now();
        let rules = self.rules.load();
        let Some(redeemed) = self.pairings.redeem(&rules.clients, typed, now)? else {
            return Ok(None);
        };
        let Redeemed { client, key, paired } = redeemed;
        if !self.uses().pair(&paired, now)? {
            return Ok(None);
        }
        drop(rules);
        self.reload();
        Ok(Some((client, key)))
    }

    /// Ends what is over by now, and writes down who has used their keys. It blocks.
    pub(crate) fn tick(&self) {
        let rules = self.rules.load();
        rules.clients.expire(Timestamp::now());
        let used = rules.clients.all().iter().filter_map(|identity| {
            let at = identity.newly_used()?;
            Some((identity.client().name.clone(), identity.key(), at))
        });
        let used: Vec<_> = used.collect();
        if used.is_empty() {
            return;
        }
        if let Err(error) = self.uses().used(used) {
            tracing::error!(%error, "it cannot be kept which keys were used");
        }
    }

    fn uses(&self) -> MutexGuard<'_, Uses> {
        // It is whole between any two statements, so a panic elsewhere does not spoil it.
        self.uses.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Why no key is given out for a good code.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PairError {
    #[error("no random bytes can be had: {0}")]
    Random(#[from] getrandom::Error),
    #[error("the key cannot be kept: {0}")]
    Store(#[from] rusqlite::Error),
}
