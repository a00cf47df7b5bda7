//! The bounds of certificates.

use std::time::Duration;

/// How long the authority lasts: people install it on every host by hand, and a machine lasts no longer.
pub const AUTHORITY: Duration = Duration::from_hours(24 * 3650);

/// How long a certificate lasts that the authority signs. What a thief of its key could do ends with it.
pub const LEAF: Duration = Duration::from_hours(24 * 90);

/// How much of a certificate must be left, else a new one is made: a host may keep a connection for days, and whoever
/// looks at a certificate should not see one that is about to end.
pub const RENEWED_BEFORE: Duration = Duration::from_hours(24 * 30);

/// How long before its making a certificate is valid: clocks of hosts differ, and of machines without a battery by hours.
pub const SKEW: Duration = Duration::from_hours(24);

/// The addresses that a certificate names besides loopback, the last that were used: a machine has a handful, and
/// IPv6 gives it new ones every day.
pub const MAX_ADDRESSES: usize = 16;

/// The bytes of a file of certificates or keys: the longest chains have a tenth of it.
pub const MAX_FILE_BYTES: u64 = 256 * 1024;

/// How long whoever looks at a server's certificate waits for each step of the server.
pub const LOOK: Duration = Duration::from_secs(10);
