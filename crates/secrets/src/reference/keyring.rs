//! `keyring:COLLECTION?ATTRIBUTE=VALUE&ATTRIBUTE=VALUE`.

use std::collections::BTreeMap;
use std::str::FromStr;

use crate::limits::MAX_ATTRIBUTES;
use crate::reference::{SecretRefError, decode};

/// An item of the Secret Service, by its attributes.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct KeyringPlace {
    /// The alias or the label of the collection.
    pub(crate) collection: String,
    /// What the item has, besides other attributes perhaps.
    pub(crate) attributes: BTreeMap<String, String>,
}

impl FromStr for KeyringPlace {
    type Err = SecretRefError;

    fn from_str(text: &str) -> Result<Self, SecretRefError> {
        let (collection, query) = text.split_once('?').ok_or(SecretRefError::KeyringForm)?;
        let mut attributes = BTreeMap::new();
        for pair in query.split('&') {
            let (name, value) = pair.split_once('=').ok_or(SecretRefError::KeyringForm)?;
            let twice = attributes.insert(decode(name)?, decode(value)?).is_some();
            if name.is_empty() || twice || attributes.len() > MAX_ATTRIBUTES {
                return Err(SecretRefError::KeyringForm);
            }
        }
        let collection = decode(collection)?;
        if collection.is_empty() {
            return Err(SecretRefError::KeyringForm);
        }
        Ok(Self { collection, attributes })
    }
}
