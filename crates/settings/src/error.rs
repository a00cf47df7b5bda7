//! Why a configuration was refused, told to the person who can mend it.

use std::{fmt, io};

use crate::limits::{CONFIG_MAX_BYTES, ENV_MAX_BYTES};

/// A place in a document, counted from 1 as editors do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// The line.
    pub line: u64,
    /// The column, in characters.
    pub column: u64,
}

/// ` at line 3, column 5`, or nothing where the parser knows no place.
struct At(Option<Position>);

impl fmt::Display for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(Position { line, column }) => write!(f, " at line {line}, column {column}"),
            None => Ok(()),
        }
    }
}

/// Why a configuration was refused. None of it is then used.
///
/// Configuration errors are read by the administrator, at start or by `llmbasedos check`, so the
/// message names the file as the administrator wrote it. Never send one to a client: it would tell
/// a host path.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SettingsError {
    /// The file could not be read.
    #[error("reading `{name}`: {source}: create it, or correct its owner and mode")]
    Read {
        /// The file, as the administrator wrote it.
        name: String,
        /// What the kernel said.
        source: io::Error,
    },
    /// More than [`CONFIG_MAX_BYTES`].
    #[error("`{name}` is larger than {CONFIG_MAX_BYTES} bytes: split it or shorten it")]
    TooLarge {
        /// The file, as the administrator wrote it.
        name: String,
    },
    /// Not text.
    #[error("`{name}` is not UTF-8 from byte {offset} on: save it as UTF-8")]
    NotUtf8 {
        /// The file, as the administrator wrote it.
        name: String,
        /// How many bytes before the first wrong one.
        offset: usize,
    },
    /// Not the document that the daemon expects.
    #[error("`{name}`{}: {reason}: correct the file and start again", At(*.position))]
    Document {
        /// The file, as the administrator wrote it.
        name: String,
        /// Where, when the parser can tell.
        position: Option<Position>,
        /// What is wrong there.
        reason: String,
    },
    /// An environment variable holds a value that is not one of its kind.
    #[error("the environment variable `{name}`: {reason}: correct it or unset it")]
    Variable {
        /// The variable.
        name: String,
        /// What is wrong with its value.
        reason: String,
    },
    /// A credential of systemd's cannot be read, or holds a value that is not one of its kind.
    #[error("the credential `{name}`: {reason}: correct it or take it away")]
    Credential {
        /// The credential.
        name: String,
        /// What is wrong with it.
        reason: String,
    },
    /// An environment variable is not text.
    #[error("the environment variable `{name}` is not UTF-8: correct it or unset it")]
    VariableNotUtf8 {
        /// The variable.
        name: String,
    },
    /// An environment variable has more than [`ENV_MAX_BYTES`].
    #[error(
        "the environment variable `{name}` is longer than {ENV_MAX_BYTES} bytes: shorten it or \
         unset it"
    )]
    VariableTooLong {
        /// The variable.
        name: String,
    },
}
