//! Level and format, from the environment.

use std::str::FromStr;

use tracing_subscriber::filter::LevelFilter;

use crate::{error::TelemetryError, limits::DAEMON_NAME_MAX_BYTES};

/// The words for a level, which tell the least severe that is logged.
pub const LOG_LEVELS: [&str; 5] = ["error", "warn", "info", "debug", "trace"];

/// The words for a format.
pub const LOG_FORMATS: [&str; 3] = ["json", "simple", "text"];

/// How a line looks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Format {
    /// One JSON object, for machines.
    Json,
    /// Level and message, for a person at a terminal and for the journal, which adds the time.
    Simple,
    /// Time, level, spans, target, message and fields.
    #[default]
    Text,
}

impl FromStr for Format {
    type Err = &'static str;

    fn from_str(value: &str) -> Result<Self, Self::Err> {
        match value.to_ascii_lowercase().as_str() {
            "json" => Ok(Self::Json),
            "simple" => Ok(Self::Simple),
            "text" => Ok(Self::Text),
            _ => Err("not a log format, which is `json`, `simple` or `text`"),
        }
    }
}

/// The least severe level that is logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Level(pub(crate) LevelFilter);

impl Default for Level {
    fn default() -> Self {
        Self(LevelFilter::INFO)
    }
}

impl FromStr for Level {
    type Err = &'static str;

    fn from_str(value: &str) -> Result<Self, Self::Err> {
        // Not `LevelFilter`'s own parser: it also takes numbers and `off`.
        Ok(Self(match value.to_ascii_lowercase().as_str() {
            "error" => LevelFilter::ERROR,
            "warn" => LevelFilter::WARN,
            "info" => LevelFilter::INFO,
            "debug" => LevelFilter::DEBUG,
            "trace" => LevelFilter::TRACE,
            _ => {
                return Err(
                    "not a log level, which is `error`, `warn`, `info`, `debug` or `trace`",
                );
            }
        }))
    }
}

/// What the environment says about the logs of one daemon.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Options {
    pub(crate) format: Format,
    pub(crate) level: Level,
}

impl Options {
    /// Reads `LLMBDO_<NAME>_LOG_*`, then `LLMBDO_LOG_*`.
    pub(crate) fn from_env(daemon: &str) -> Result<Self, TelemetryError> {
        let name = variable_part(daemon)?;
        Ok(Self { format: of(&name, "FORMAT")?, level: of(&name, "LEVEL")? })
    }
}

/// `cap-fs` is `CAP_FS`.
fn variable_part(daemon: &str) -> Result<String, TelemetryError> {
    let known = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if (1..=DAEMON_NAME_MAX_BYTES).contains(&daemon.len()) && daemon.bytes().all(known) {
        Ok(daemon.to_ascii_uppercase().replace('-', "_"))
    } else {
        Err(TelemetryError::Name { name: daemon.to_owned() })
    }
}

/// The daemon's own variable, else the one for all, else the default.
///
/// `settings` reads variables in the same way, but is a crate of the same layer.
fn of<T>(name: &str, what: &str) -> Result<T, TelemetryError>
where
    T: FromStr<Err = &'static str> + Default,
{
    for name in [format!("LLMBDO_{name}_LOG_{what}"), format!("LLMBDO_LOG_{what}")] {
        let value = std::env::var_os(&name).unwrap_or_default();
        // What is not UTF-8 is none of the known words either, so it is refused with them.
        let value = value.to_string_lossy();
        if !value.trim().is_empty() {
            let parsed = value.trim().parse();
            return parsed.map_err(|reason| TelemetryError::Variable { name, reason });
        }
    }
    Ok(T::default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_is_taken_whatever_its_case() {
        for word in LOG_LEVELS {
            assert!(word.to_ascii_uppercase().parse::<Level>().is_ok(), "{word}");
        }
        for word in LOG_FORMATS {
            assert!(word.to_ascii_uppercase().parse::<Format>().is_ok(), "{word}");
        }
    }
}
