//! Reading one of systemd's credentials into a checked type.

use std::fmt::Display;
use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::Path;
use std::str::FromStr;

use crate::error::SettingsError;
use crate::limits::ENV_MAX_BYTES;

/// Reads the credential `name` of this folder; one that is not there, and an empty one, is none.
pub(crate) fn read<T>(folder: &Path, name: &str) -> Result<Option<T>, SettingsError>
where
    T: FromStr,
    T::Err: Display,
{
    let refused = |reason: String| SettingsError::Credential { name: name.to_owned(), reason };
    let file = match File::open(folder.join(name)) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        opened => opened.map_err(|error| refused(error.to_string()))?,
    };
    let mut bytes = Vec::new();
    // One byte more than is allowed tells a longer one.
    let read = file.take(ENV_MAX_BYTES as u64 + 1).read_to_end(&mut bytes);
    read.map_err(|error| refused(error.to_string()))?;
    if bytes.len() > ENV_MAX_BYTES {
        return Err(refused(format!("it is longer than {ENV_MAX_BYTES} bytes")));
    }
    match str::from_utf8(&bytes).map(str::trim) {
        Err(_) => Err(refused("it is not UTF-8".to_owned())),
        Ok("") => Ok(None),
        Ok(value) => value.parse().map(Some).map_err(|error: T::Err| refused(error.to_string())),
    }
}
