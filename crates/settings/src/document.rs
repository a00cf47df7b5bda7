//! Reading one YAML document into a checked type.

use std::{fs::File, io::Read, path::Path};

use serde::de::DeserializeOwned;
use serde_saphyr::{
    Error, Options,
    options::{DuplicateKeyPolicy, MergeKeyPolicy},
};

use crate::{
    error::{Position, SettingsError},
    limits::{
        CONFIG_MAX_ALIASED_EVENTS, CONFIG_MAX_ALIASES, CONFIG_MAX_BYTES, CONFIG_MAX_DEPTH,
        CONFIG_MAX_VALUES,
    },
    reason::reason,
};

/// Reads the YAML file at `path` into `T`, whole or not at all.
///
/// `T` says what is allowed: give every struct `#[serde(deny_unknown_fields)]`, so that a
/// misspelled key is an error and not a silent default, and let its fields be types that hold only
/// good values. A key that is there twice is an error, and `yes`, `on` and their like are text.
///
/// # Errors
///
/// [`SettingsError`], with file, line, column, reason and what to do.
pub fn load<T: DeserializeOwned>(path: &Path) -> Result<T, SettingsError> {
    parse(&path.display().to_string(), &text(path)?)
}

/// Reads the text of a file that may be as long as a configuration.
///
/// # Errors
///
/// [`SettingsError`], where it cannot be read or is no text.
pub fn text(path: &Path) -> Result<String, SettingsError> {
    let name = path.display().to_string();
    let mut bytes = Vec::new();
    // One byte more than is allowed tells a file of exactly the limit from a larger one.
    let read =
        File::open(path).and_then(|file| file.take(CONFIG_MAX_BYTES + 1).read_to_end(&mut bytes));
    match read {
        Err(source) => Err(SettingsError::Read { name, source }),
        Ok(_) if bytes.len() as u64 > CONFIG_MAX_BYTES => Err(SettingsError::TooLarge { name }),
        Ok(_) => String::from_utf8(bytes).map_err(|error| {
            let offset = error.utf8_error().valid_up_to();
            SettingsError::NotUtf8 { name, offset }
        }),
    }
}

/// Reads `text` as [`load`] reads a file; `name` is what errors call it.
pub fn parse<T: DeserializeOwned>(name: &str, text: &str) -> Result<T, SettingsError> {
    if text.len() as u64 > CONFIG_MAX_BYTES {
        return Err(SettingsError::TooLarge { name: name.to_owned() });
    }
    serde_saphyr::from_str_with_options(text, options())
        .map_err(|error| document_error(name.to_owned(), &error))
}

fn options() -> Options {
    serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_depth: CONFIG_MAX_DEPTH,
            // One more, so that what is just too deep meets the bound above, which says more.
            flow_nesting_limit: CONFIG_MAX_DEPTH + 1,
            max_aliases: CONFIG_MAX_ALIASES,
            max_anchors: CONFIG_MAX_ALIASES,
            max_recorded_anchor_events: CONFIG_MAX_ALIASED_EVENTS,
            max_documents: 1,
            max_nodes: CONFIG_MAX_VALUES,
        },
        alias_limits: serde_saphyr::alias_limits! {
            max_total_replayed_events: CONFIG_MAX_ALIASED_EVENTS,
            max_replay_stack_depth: CONFIG_MAX_DEPTH,
        },
        duplicate_keys: DuplicateKeyPolicy::Error,
        // A merge hides where a value comes from, and its overriding is a duplicate key in effect.
        merge_keys: MergeKeyPolicy::Error,
        strict_booleans: true,
        reject_unsupported_tags: true,
        with_snippet: false,
    }
}

fn document_error(name: String, error: &Error) -> SettingsError {
    let position = error.location().map(|at| Position { line: at.line(), column: at.column() });
    SettingsError::Document { name, position, reason: reason(error) }
}
