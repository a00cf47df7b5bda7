//! Every bound of this crate, and why it has that value.

use std::time::Duration;

/// How long a call waits for an answer: whoever looks once a day misses none.
pub const WAITS: Duration = Duration::from_hours(24);

/// How long a grant waits to be used: the client that asked is at work still, or its user comes back to it within the hour. What
/// was right to do yesterday may be wrong today.
pub const GRANT_LASTS: Duration = Duration::from_hours(1);

/// How long the same call, repeated, is told that it was denied and does not ask again: a host that tries in a loop does
/// not fill the inbox, and one whose user has changed their mind waits for no longer than a coffee takes.
pub const DENIAL_HOLDS: Duration = Duration::from_mins(10);

/// How far the clock may be set back without ending what is open: more than a time server corrects on a machine that runs, and little
/// against [`GRANT_LASTS`].
pub const CLOCK_TOLERANCE: Duration = Duration::from_mins(1);

/// How long what is over is kept for whoever asks what was answered: a month. The audit log keeps it for longer.
pub const KEPT: Duration = Duration::from_hours(24 * 30);

/// How many calls of one client are kept that are over: a client that asks and cancels in a loop fills no disk.
pub const MAX_KEPT_PER_CLIENT: u32 = 500;

/// How many calls may wait in all: more than that nobody reads before they expire.
pub const MAX_PENDING: u32 = 256;

/// How many calls of one client may wait: eight clients that ask for everything leave no room, a single one does.
pub const MAX_PENDING_PER_CLIENT: u32 = 32;

/// How large the arguments of a call that waits may be, in bytes: a long letter, and not a file, which nobody could judge.
pub const MAX_ARGUMENTS_BYTES: usize = 256 * 1024;

/// How deep arguments may be nested: far deeper than a person follows, and shallow enough that comparing them, which reads each
/// level anew, stays quick.
pub const MAX_DEPTH: usize = 32;

/// How long a name, a rule or a source may be, in bytes: each is one line on a wide screen.
pub const MAX_NAME_BYTES: usize = 256;

/// How many sources of untrusted text are told of a call; of more, the first. A person decides no better by the 33rd.
pub const MAX_SOURCES: usize = 32;

/// How long the reason of a denial may be, in bytes: a few sentences.
pub const MAX_REASON_BYTES: usize = 2 * 1024;

/// How long the folder of a standing permission may be, in bytes: the longest path that Linux takes.
pub const MAX_FOLDER_BYTES: usize = 4096;

/// How many standing permissions there may be: policy is rebuilt from all of them, and a person must be able to look through them.
pub const MAX_STANDING: u32 = 1000;

/// How many calls are listed at once: all that can wait, so that none hides behind others, and far more than a screen holds.
pub const MAX_LISTED: u32 = MAX_PENDING;

/// How much of the arguments of a call stands in a list, in bytes: what a list of all that can wait has room for in one message.
pub const MAX_ARGUMENTS_LISTED: usize = 2 * 1024;

/// How many characters an id has, of 32 each: 50 random bits, which nobody guesses at the rate that the gateway allows, and
/// which a person can still type.
pub const ID_CHARS: usize = 10;

/// How often the server of a call that was approved may ask something back: a form or two, and their mistakes. What asks for ever
/// asks a person again.
pub const MAX_ROUNDS: u32 = 8;
