//! Every bound of this crate, and why it has that value.

use std::time::Duration;

/// How long a command line may be, in bytes.
///
/// A line is typed or pasted. What is longer is the content of a file, and goes to the appliance by a program that
/// need not quote it.
pub const MAX_LINE_BYTES: usize = 256 * 1024;

/// How long one attempt to connect may take.
///
/// A handshake over a slow mobile link with TLS takes about a second; a host that drops packets never answers.
pub const CONNECT_WAIT: Duration = Duration::from_secs(5);

/// How long a command waits for a link that is down to come back, when a person waits with it.
///
/// A gateway that is restarted is back within a second or two; beyond that the person wants to know.
pub const RECONNECT_WAIT: Duration = Duration::from_secs(5);

/// How long to rest between two attempts to connect.
///
/// Short against a restart, and no load on a machine that is busy starting.
pub const RECONNECT_PAUSE: Duration = Duration::from_millis(100);

/// How long a call may take.
///
/// The gateway ends a call long before and says why; this is for a gateway that says nothing any more.
pub const CALL_WAIT: Duration = Duration::from_mins(5);

/// How long `status` waits for the gateway to say what it offers.
///
/// A gateway that runs says it in milliseconds. Where it cannot start, systemd takes the connection in its place, and
/// nobody ever answers: that is what the person wants to be told.
pub const STATUS_WAIT: Duration = Duration::from_secs(5);

/// How long completion may keep a key press waiting.
///
/// Three frames of a screen: a person does not notice. Beyond it there are no suggestions.
pub const COMPLETION_WAIT: Duration = Duration::from_millis(50);

/// How many suggestions are shown.
///
/// More do not fit on a screen, and nobody chooses from a list of a thousand.
pub const MAX_SUGGESTIONS: usize = 200;

/// How many entries of a folder `ls` shows.
///
/// A person reads a few hundred; a script that needs all of a larger folder calls `mcp.fs.list` page by page.
pub const MAX_LISTED: usize = 100_000;

/// From how many entries on a page of a folder may not be the last.
///
/// The file server cuts a page at a thousand entries or at 1 MiB, which holds some hundred entries even if all names
/// are as long as can be. A shorter page is the last, and no second call is spent to learn that.
pub const FULL_PAGE_ENTRIES: usize = 100;

/// How many lines the history holds.
pub const HISTORY_LINES: usize = 10_000;

/// How often the shell looks whether a call waits for the person in front of it.
///
/// Whoever asked is patient for a day; half a minute is soon, and leaves few rows in the record.
pub const WAITING_LOOK: Duration = Duration::from_secs(30);

/// How much of the arguments of a call a list shows, in characters.
///
/// Enough to tell one call from another on one line; nobody should answer by more than that without `show`.
pub const ARGUMENTS_SHOWN: usize = 60;
