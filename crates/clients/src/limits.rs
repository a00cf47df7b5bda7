//! The bounds of clients.

use std::time::Duration;

/// The longest name of a client, in bytes: it stands in every line of a log.
pub const MAX_NAME_BYTES: usize = 64;

/// Clients that there may be. A person has a dozen hosts; the gateway compares every hash with each key that is shown.
pub const MAX_CLIENTS: usize = 1000;

/// How long a pairing code is good for: somebody walks from one screen to another and types it.
pub const PAIRING: Duration = Duration::from_mins(10);

/// How often a wrong code may be posted while one waits, before none that waits is good any more. Nobody guesses one of 2^40 in so
/// many tries, and nobody from a few addresses, each of which gets a penalty, can use them up to keep others from pairing.
pub const MAX_WRONG_CODES: u32 = 1000;
