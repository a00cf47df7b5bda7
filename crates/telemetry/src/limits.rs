//! Every bound of this crate, and why it has that value.

/// How many log lines wait for the reader of standard error.
///
/// A burst of one second at the rate of the busiest daemon, some thousand calls with one or two
/// lines each. A line has some hundred bytes, so this is about one MiB; with every line as long as
/// [`LOG_LINE_MAX_BYTES`] it is 64 MiB. Beyond it lines are dropped, see [`init`](crate::init()).
pub const LOG_QUEUE_LINES: usize = 4096;

/// How long a line in a text format may be, in bytes, before it is escaped.
///
/// Logs carry ids and reasons, not bodies. A longer line is somebody's content that got in by way
/// of an error message; its start is enough to find the place.
pub const LOG_LINE_MAX_BYTES: usize = 16 * 1024;

/// How long a text value in a JSON line may be, in bytes, before it is escaped.
///
/// A line of JSON cannot be cut and stay JSON, so each value is, and the names of the fields are
/// fixed by the program: with the few fields that a line has, it stays near
/// [`LOG_LINE_MAX_BYTES`].
pub const LOG_VALUE_MAX_BYTES: usize = 4 * 1024;

/// How long a daemon's name may be, in bytes.
///
/// It becomes part of the name of an environment variable. The longest of our names has 10.
pub const DAEMON_NAME_MAX_BYTES: usize = 32;
