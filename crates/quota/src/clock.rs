//! The times that rates and budgets are counted by.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Tells the time since the Unix epoch.
pub type Clock = Arc<dyn Fn() -> Duration + Send + Sync>;

/// The time of day, which somebody may set: by it days begin and end.
pub fn calendar() -> Clock {
    Arc::new(|| SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default())
}

/// The time of day at the start of the process, and from there on what a clock that nobody sets has counted: setting the clock
/// of the machine neither empties a rate nor locks anybody out.
pub fn wall_clock() -> Clock {
    let (begun, since) = (SystemTime::now().duration_since(UNIX_EPOCH), Instant::now());
    // Before 1970 there was no such process.
    let begun = begun.unwrap_or_default();
    Arc::new(move || begun + since.elapsed())
}
