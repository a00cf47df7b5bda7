//! The bounds of rates and budgets.

use std::time::Duration;

/// The longest window of a rate: whoever wants to allow something once a year says it in another way.
pub const MAX_WINDOW: Duration = Duration::from_hours(24 * 366);

/// How many days of budgets are kept, for whoever asks what was used: a week.
pub const DAYS_KEPT: i64 = 7;

/// The largest amount that can be counted: what a SQLite integer holds.
pub const MAX_AMOUNT: u64 = i64::MAX as u64;
