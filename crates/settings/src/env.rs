//! Reading one environment variable into a checked type.

use std::{ffi::OsString, fmt::Display, str::FromStr};

use crate::{error::SettingsError, limits::ENV_MAX_BYTES};

/// Reads the environment variable `name` as a `T`.
///
/// Absent and empty are the same: a unit file can clear a variable only by leaving it empty. White
/// space around the value is dropped.
///
/// # Errors
///
/// A value that is not a `T` is an error that names the variable and the reason, never a silent
/// default. The value itself is told only where `T`'s own error tells it, since a variable may hold
/// a secret.
pub fn env<T>(name: &str) -> Result<Option<T>, SettingsError>
where
    T: FromStr,
    T::Err: Display,
{
    parse_variable(name, std::env::var_os(name))
}

/// What [`env()`] makes of a variable with this value.
pub(crate) fn parse_variable<T>(
    name: &str,
    value: Option<OsString>,
) -> Result<Option<T>, SettingsError>
where
    T: FromStr,
    T::Err: Display,
{
    let Some(value) = value else {
        return Ok(None);
    };
    let name = || name.to_owned();
    if value.len() > ENV_MAX_BYTES {
        return Err(SettingsError::VariableTooLong { name: name() });
    }
    let value = value.to_str().ok_or_else(|| SettingsError::VariableNotUtf8 { name: name() })?;
    match value.trim() {
        "" => Ok(None),
        value => value.parse().map(Some).map_err(|error: T::Err| SettingsError::Variable {
            name: name(),
            reason: error.to_string(),
        }),
    }
}
