//! Every kind of secret.

use crate::error::{Reason, ResolverError, SecretError};
use crate::local::Local;
use crate::reference::{Place, SecretRef};
use crate::secret::Secret;
use crate::vault::{Vault, VaultConfig};

/// Fetches secrets of every kind. It keeps none of them: each is fetched when it is asked for.
#[derive(Debug)]
pub struct Resolver {
    local: Local,
    vault: Option<Vault>,
    #[cfg(feature = "keyring")]
    bus: Option<String>,
}

impl Resolver {
    /// Reads what is needed for Vault: its token, and the certificates of authorities. Make it before the daemon locks
    /// itself down, and anew when the token has changed.
    ///
    /// # Errors
    ///
    /// [`ResolverError`], which holds neither token nor path.
    pub fn new(vault: Option<VaultConfig>) -> Result<Self, ResolverError> {
        let local = Local::of_process();
        let vault = vault.map(|config| Vault::new(&config, &local)).transpose()?;
        Ok(Self {
            local,
            vault,
            #[cfg(feature = "keyring")]
            bus: None,
        })
    }

    /// Asks the Secret Service on the bus at this address, in the form of D-Bus, in place of the one that the
    /// environment names.
    #[cfg(feature = "keyring")]
    #[must_use]
    pub fn on_bus(self, address: String) -> Self {
        Self { bus: Some(address), ..self }
    }

    /// Fetches a secret.
    ///
    /// # Errors
    ///
    /// [`SecretError`], with what to do.
    pub async fn resolve(&self, reference: &SecretRef) -> Result<Secret, SecretError> {
        match reference.place() {
            #[cfg(feature = "keyring")]
            Place::Keyring(place) => crate::keyring::resolve(place, self.bus.as_deref())
                .await
                .map_err(|reason| SecretError::new(reference, reason)),
            _ => self.resolve_for_daemon(reference).await,
        }
    }

    /// Fetches a secret for a daemon, which belongs to no person's session and asks no Secret Service. Whether it could must
    /// not depend on what else is built together with it, nor must it carry what would ask.
    ///
    /// # Errors
    ///
    /// [`SecretError`], with what to do.
    pub async fn resolve_for_daemon(&self, reference: &SecretRef) -> Result<Secret, SecretError> {
        let secret = match reference.place() {
            Place::Credential(_) | Place::File(_) => return self.local(reference).await,
            Place::Vault(place) => match &self.vault {
                Some(vault) => vault.resolve(place).await,
                None => Err(Reason::NoVault),
            },
            Place::Keyring(_) => Err(Reason::NoKeyring),
        };
        secret.map_err(|reason| SecretError::new(reference, reason))
    }

    /// On a thread that may wait: the file may be on another machine.
    async fn local(&self, reference: &SecretRef) -> Result<Secret, SecretError> {
        let (local, asked) = (self.local.clone(), reference.clone());
        match tokio::task::spawn_blocking(move || local.resolve(&asked)).await {
            Ok(secret) => secret,
            Err(error) => Err(SecretError::new(reference, Reason::Read(error.into()))),
        }
    }
}
