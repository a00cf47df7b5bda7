//! Why logging could not be set up.

use crate::limits::DAEMON_NAME_MAX_BYTES;

/// Why [`init`](crate::init()) refused. For the administrator, not for a client.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TelemetryError {
    /// A variable holds no level or no format.
    #[error("the environment variable `{name}`: {reason}: correct it or unset it")]
    Variable {
        /// The variable.
        name: String,
        /// What is wrong with its value.
        reason: &'static str,
    },
    /// The name cannot be part of a variable's name.
    #[error(
        "the daemon name `{name}`: use 1 to {DAEMON_NAME_MAX_BYTES} of `a` to `z`, `0` to `9` and \
         `-`"
    )]
    Name {
        /// The name as given.
        name: String,
    },
    /// Logging was set up before in this process.
    #[error("logging is set up already: call `init` once in a process")]
    Twice,
}
