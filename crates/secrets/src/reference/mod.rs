//! A reference to a secret, which is what a configuration holds in its place.

mod keyring;
mod vault;

use std::fmt;
use std::path::{Component, Path, PathBuf};
use std::str::FromStr;

use percent_encoding::percent_decode_str;
use serde::de::{Deserializer, Error, Visitor};
use serde::{Deserialize, Serialize, Serializer};

pub(crate) use keyring::KeyringPlace;
pub(crate) use vault::VaultPlace;

use crate::limits::{MAX_CREDENTIAL_NAME_BYTES, MAX_REFERENCE_BYTES};

/// Where a secret is: `credential:NAME`, `file:/PATH`, `vault:MOUNT/PATH#FIELD` or `keyring:COLLECTION?ATTRIBUTE=VALUE`.
///
/// What stands after the scheme of the last two is percent-encoded, as in a URL. A text without a scheme is refused
/// without being repeated: it may be the secret itself.
///
/// ```
/// let reference: secrets::SecretRef = "file:/etc/llmbasedos/mail.password".parse()?;
/// assert_eq!(reference.to_string(), "file:/etc/llmbasedos/mail.password");
/// # Ok::<(), secrets::SecretRefError>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct SecretRef {
    /// As it was written.
    text: String,
    place: Place,
}

/// The same, understood.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) enum Place {
    /// The name of a systemd credential, which is that of a file in the folder of credentials.
    Credential(String),
    /// An absolute path.
    File(PathBuf),
    /// A field of an entry in Vault.
    Vault(VaultPlace),
    /// An item of the Secret Service.
    Keyring(KeyringPlace),
}

/// Why a text is no reference. The text is not told: a secret may stand in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SecretRefError {
    /// No known scheme.
    #[error(
        "a secret does not stand here, but where it is kept: write `credential:NAME`, `file:/PATH`, \
         `vault:MOUNT/PATH#FIELD` or `keyring:COLLECTION?ATTRIBUTE=VALUE`"
    )]
    Scheme,
    /// More than [`MAX_REFERENCE_BYTES`].
    #[error("the reference to a secret has more than {MAX_REFERENCE_BYTES} bytes: shorten it")]
    TooLong,
    /// A control character, or an escape that is not UTF-8.
    #[error("the reference to a secret has a control character or a wrong `%` escape: correct it")]
    Character,
    /// Not the name of a credential.
    #[error(
        "`credential:` takes the name that `LoadCredential=` gives: printable ASCII without spaces, `/` and `:`, \
         {MAX_CREDENTIAL_NAME_BYTES} bytes at the most"
    )]
    CredentialName,
    /// Not an absolute path without detours.
    #[error("`file:` takes an absolute path without `.` and `..`: write `file:/PATH`")]
    FilePath,
    /// Not mount, path, version and field.
    #[error(
        "`vault:` takes mount, path and field, and perhaps a version, 1 or more: write `vault:MOUNT/PATH#FIELD` or \
         `vault:MOUNT/PATH?version=N#FIELD`, with `%2F` for a `/` in the mount's name"
    )]
    VaultForm,
    /// Not a collection and attributes.
    #[error(
        "`keyring:` takes a collection and up to {} attributes, none of them twice: write \
         `keyring:default?ATTRIBUTE=VALUE&ATTRIBUTE=VALUE`",
        crate::limits::MAX_ATTRIBUTES
    )]
    KeyringForm,
}

impl SecretRef {
    pub(crate) fn place(&self) -> &Place {
        &self.place
    }

    /// Whether this machine alone can fetch it, before a runtime is there: a credential or a file.
    pub fn is_local(&self) -> bool {
        matches!(self.place, Place::Credential(_) | Place::File(_))
    }
}

impl FromStr for SecretRef {
    type Err = SecretRefError;

    fn from_str(text: &str) -> Result<Self, SecretRefError> {
        let (scheme, rest) = text.split_once(':').ok_or(SecretRefError::Scheme)?;
        let parse: fn(&str) -> Result<Place, SecretRefError> = match scheme {
            "credential" => credential,
            "file" => file,
            "vault" => |rest| rest.parse().map(Place::Vault),
            "keyring" => |rest| rest.parse().map(Place::Keyring),
            _ => return Err(SecretRefError::Scheme),
        };
        if text.len() > MAX_REFERENCE_BYTES {
            return Err(SecretRefError::TooLong);
        }
        // It is shown in logs and on terminals.
        if text.chars().any(char::is_control) {
            return Err(SecretRefError::Character);
        }
        Ok(Self { text: text.to_owned(), place: parse(rest)? })
    }
}

fn credential(name: &str) -> Result<Place, SecretRefError> {
    let fits = name.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'/' && byte != b':');
    let is_name = !matches!(name, "" | "." | "..") && name.len() <= MAX_CREDENTIAL_NAME_BYTES;
    if fits && is_name {
        Ok(Place::Credential(name.to_owned()))
    } else {
        Err(SecretRefError::CredentialName)
    }
}

fn file(path: &str) -> Result<Place, SecretRefError> {
    let is_plain = |component| matches!(component, Component::RootDir | Component::Normal(_));
    // `Path` itself hides a `.` in the middle.
    let no_dot = path.split('/').all(|name| name != ".");
    let path = Path::new(path);
    if path.is_absolute() && path.file_name().is_some() && no_dot && path.components().all(is_plain)
    {
        Ok(Place::File(path.to_owned()))
    } else {
        Err(SecretRefError::FilePath)
    }
}

/// The text that a percent-encoded one stands for.
fn decode(text: &str) -> Result<String, SecretRefError> {
    let decoded = percent_decode_str(text).decode_utf8();
    let decoded = decoded.map_err(|_| SecretRefError::Character)?;
    if decoded.chars().any(char::is_control) {
        return Err(SecretRefError::Character);
    }
    Ok(decoded.into_owned())
}

impl fmt::Display for SecretRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for SecretRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecretRef({})", self.text)
    }
}

impl Serialize for SecretRef {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

impl<'de> Deserialize<'de> for SecretRef {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // Of a text alone, some formats refuse a number in words of their own.
        deserializer.deserialize_any(Reader)
    }
}

/// Takes any scalar, since the words with which serde refuses a number or a truth value repeat it, and a password may
/// look like one.
struct Reader;

impl Visitor<'_> for Reader {
    type Value = SecretRef;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a reference to a secret")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<SecretRef, E> {
        text.parse().map_err(E::custom)
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<SecretRef, E> {
        Err(E::custom(SecretRefError::Scheme))
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<SecretRef, E> {
        Err(E::custom(SecretRefError::Scheme))
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<SecretRef, E> {
        Err(E::custom(SecretRefError::Scheme))
    }

    fn visit_i128<E: Error>(self, _: i128) -> Result<SecretRef, E> {
        Err(E::custom(SecretRefError::Scheme))
    }

    fn visit_u128<E: Error>(self, _: u128) -> Result<SecretRef, E> {
        Err(E::custom(SecretRefError::Scheme))
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<SecretRef, E> {
        Err(E::custom(SecretRefError::Scheme))
    }
}

#[cfg(test)]
mod tests;
