//! Logs, set up in one call.
//!
//! ```no_run
//! let telemetry = telemetry::init("cap-fs")?;
//! tracing::info!(roots = 2, "serving");
//! drop(telemetry); // Writes what is queued.
//! # Ok::<(), telemetry::TelemetryError>(())
//! ```
//!
//! # Invariants
//! - One event is one line in every format, whatever its values hold: characters that end a line,
//!   move a cursor or turn the direction of text are spelled out. In the text formats a message can
//!   still hold `name=value`, so a program reads the JSON format.
//! - The thread that logs never waits for the reader of the log.
//! - A misspelled level or format is an error at start, not a silent default.
//!
//! Put ids and sizes into spans and events, never bodies or secrets.

mod error;
mod escape;
mod init;
mod json;
pub mod limits;
mod line;
mod options;

pub use error::TelemetryError;
pub use escape::{Style, escaped};
pub use init::{Telemetry, init};
pub use options::{LOG_FORMATS, LOG_LEVELS};
