//! Typed, checked configuration.
//!
//! A daemon reads its configuration once, before it opens anything, into types that can hold only
//! what is allowed; what does not fit is refused whole, with the line and what to do.
//!
//! ```
//! #[derive(serde::Deserialize)]
//! #[serde(deny_unknown_fields)]
//! struct Config {
//!     max_clients: u16,
//! }
//!
//! let config: Config = settings::parse("gateway.yaml", "max_clients: 100")?;
//! assert_eq!(config.max_clients, 100);
//!
//! let refused = settings::parse::<Config>("gateway.yaml", "max_client: 100");
//! assert!(refused.is_err());
//! # Ok::<(), settings::SettingsError>(())
//! ```

mod count;
mod credential;
mod document;
mod env;
mod error;
pub mod limits;
mod put;
mod reason;
mod sources;
mod state_folder;

pub use count::{Count, CountError};
pub use document::{load, parse, text};
pub use env::env;
pub use error::{Position, SettingsError};
pub use put::{Access, open_private, private, put, save, yaml};
pub use sources::{Report, Setting, Source, Sources};
pub use state_folder::state_folder;

/// What the status of a daemon begins with (`STATUS=`, see sd_notify(3)) that runs while it refuses files that were changed, and
/// goes by those before them. The shell's `status` tells people by it.
pub const REFUSED: &str = "refused: ";
