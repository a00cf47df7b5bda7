//! The Secret Service of the freedesktop: GNOME Keyring, KWallet, KeePassXC.

use std::collections::HashMap;

use secret_service::{Collection, EncryptionType, Error, SecretService};
use tokio::time::timeout;
use zbus::connection::Builder;
use zeroize::Zeroizing;

use crate::error::Reason;
use crate::limits::KEYRING_ANSWER;
use crate::reference::KeyringPlace;
use crate::secret::Secret;

/// Looks an item up, on the bus at an address or on that of the session. Nothing is unlocked, since that would ask a
/// person who may not be there.
pub(crate) async fn resolve(place: &KeyringPlace, bus: Option<&str>) -> Result<Secret, Reason> {
    // Boxed: the state of a D-Bus connection is large, and few secrets are kept there.
    let asked = Box::pin(look_up(place, bus));
    timeout(KEYRING_ANSWER, asked).await.unwrap_or(Err(Reason::KeyringSlow))
}

async fn look_up(place: &KeyringPlace, bus: Option<&str>) -> Result<Secret, Reason> {
    let builder = match bus {
        Some(address) => Builder::address(address),
        None => Builder::session(),
    };
    let connected = async { builder?.build().await }.await;
    let connection = connected.map_err(|error| {
        tracing::debug!(%error, "there is no session bus");
        Reason::NoSecretService
    })?;
    // On the bus, the secret goes from hand to hand encrypted: others may listen there.
    let service = SecretService::connect_with_existing(EncryptionType::Dh, connection).await;
    let service = service.map_err(|error| reason(&error))?;
    let collection = collection(&service, &place.collection).await?;
    let attributes: HashMap<&str, &str> =
        place.attributes.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let items = collection.search_items(attributes).await.map_err(|error| reason(&error))?;
    let item = match items.as_slice() {
        [] => return Err(Reason::NoItem),
        [item] => item,
        several => return Err(Reason::Ambiguous { count: several.len() }),
    };
    item.ensure_unlocked().await.map_err(|error| reason(&error))?;
    let bytes = item.get_secret().await.map_err(|error| reason(&error))?;
    Secret::new(Zeroizing::new(bytes))
}

/// The collection of this alias, such as `default`, else of this label, as people see it.
async fn collection<'a>(
    service: &'a SecretService<'_>,
    name: &str,
) -> Result<Collection<'a>, Reason> {
    match service.get_collection_by_alias(name).await {
        Err(Error::NoResult) => {}
        found => return found.map_err(|error| reason(&error)),
    }
    let all = service.get_all_collections().await.map_err(|error| reason(&error))?;
    for collection in all {
        // One that goes away just then is none of ours.
        if collection.get_label().await.is_ok_and(|label| label == name) {
            return Ok(collection);
        }
    }
    Err(Reason::NoCollection)
}

fn reason(error: &Error) -> Reason {
    match error {
        Error::Locked | Error::Prompt => Reason::Locked,
        Error::NoResult => Reason::NoItem,
        Error::Unavailable => Reason::NoSecretService,
        // Nobody has the name on the bus, and nobody could be started for it.
        Error::Zbus(zbus::Error::MethodError(name, _, _))
            if name.as_str() == "org.freedesktop.DBus.Error.ServiceUnknown" =>
        {
            Reason::NoSecretService
        }
        other => Reason::Keyring(other.to_string()),
    }
}
