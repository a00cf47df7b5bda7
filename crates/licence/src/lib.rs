//! What the appliance may do: its signed licence, the tiers, and what follows from both.
//!
//! A licence says in which tier the appliance is, whose it is and until when; the tiers file says what a tier is worth. A licence
//! that is signed by an issuer whom the configuration names grants what it says. The forms from before, which anybody could
//! write, are read still, and grant [`FREE`] at the most. The licence sets what the appliance may do; what each client may do is
//! another thing, and both must allow a call.

mod check;
mod document;
mod first;
mod old;
mod terms;
mod tiers;

pub use check::Remaining;
pub use document::{Grant, IssueError, Licence, LicenceError, Limits, issue};
pub use first::{FirstError, first};
pub use terms::{Standing, Terms};
pub use tiers::{Tier, Tiers};

/// The licence, in the folder of the configuration.
pub const LICENCE_FILE: &str = "lic.key";
/// What each tier is worth.
pub const TIERS_FILE: &str = "licence_tiers.yaml";
/// The public keys of those whose licences are believed.
pub const ISSUERS_FILE: &str = "licence_issuers.yaml";
/// The key with which the appliance itself issues licences.
pub const ISSUER_KEY_FILE: &str = "licence-issuer.key";

/// The tier that everybody is in who shows no good licence.
pub const FREE: &str = "FREE";
/// The tier of an appliance to its owner.
pub const ELITE: &str = "ELITE";
