//! `vault:MOUNT/PATH?version=N#FIELD`.

use std::num::NonZeroU64;
use std::str::FromStr;

use crate::reference::{SecretRefError, decode};

/// A field of an entry of Vault's KV secrets engine, version 2.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct VaultPlace {
    /// The names of the path at which the engine is mounted.
    pub(crate) mount: Vec<String>,
    /// The names of the entry's path there.
    pub(crate) path: Vec<String>,
    pub(crate) field: String,
    /// The newest, if there is none.
    pub(crate) version: Option<NonZeroU64>,
}

impl FromStr for VaultPlace {
    type Err = SecretRefError;

    fn from_str(text: &str) -> Result<Self, SecretRefError> {
        let (place, field) = text.split_once('#').ok_or(SecretRefError::VaultForm)?;
        // After the field, a version would be part of its name.
        if field.is_empty() || field.contains(['#', '?']) {
            return Err(SecretRefError::VaultForm);
        }
        let (place, version) = match place.split_once('?') {
            None => (place, None),
            Some((place, query)) => (place, Some(version(query)?)),
        };
        let (mount, path) = place.split_once('/').ok_or(SecretRefError::VaultForm)?;
        let (mount, path, field) = (names(mount)?, names(path)?, decode(field)?);
        Ok(Self { mount, path, field, version })
    }
}

fn version(query: &str) -> Result<NonZeroU64, SecretRefError> {
    let number = query.strip_prefix("version=").and_then(|number| number.parse().ok());
    number.ok_or(SecretRefError::VaultForm)
}

/// The names of a path, none of which may lead elsewhere: `..` would be another entry, or another API.
fn names(path: &str) -> Result<Vec<String>, SecretRefError> {
    let names: Vec<String> = decode(path)?.split('/').map(str::to_owned).collect();
    let lead_elsewhere = names.iter().any(|name| matches!(name.as_str(), "" | "." | ".."));
    if lead_elsewhere { Err(SecretRefError::VaultForm) } else { Ok(names) }
}
