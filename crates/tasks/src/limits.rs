//! Every bound of this crate, and why it has that value.

use std::time::Duration;

/// How long a task may be open where nobody says otherwise: a person who looks once a day has answered by then.
pub const TTL: Duration = Duration::from_hours(24);

/// How long a task may be open at the most: a week of holidays. Whatever takes longer is no call, but a workflow.
pub const MAX_TTL: Duration = Duration::from_hours(24 * 7);

/// How long a task can be asked for once it has ended: a client that was away over a weekend still gets its result.
pub const KEPT: Duration = Duration::from_hours(24 * 3);

/// How often a client that does not listen should ask: a person hardly sees the delay, and a thousand clients that do so are
/// no load.
pub const POLL_INTERVAL: Duration = Duration::from_secs(2);

/// By how much the clock may stand behind the time last seen when the file is opened: more than a time server corrects, and little
/// against [`TTL`]. Beyond it, nobody can tell how long what is open has waited.
pub const CLOCK_TOLERANCE: Duration = Duration::from_mins(1);

/// How many tasks may be open in all: as many calls as can wait for a person, and as many again at work.
pub const MAX_OPEN: u32 = 512;

/// How many tasks of one client may be open: eight clients that start all they can leave no room, a single one does.
pub const MAX_OPEN_PER_CLIENT: u32 = 64;

/// How many tasks of one client are kept that have ended; of more, those that ended last. A client that starts and forgets in
/// a loop fills no disk.
pub const MAX_KEPT_PER_CLIENT: u32 = 256;

/// How many tasks are kept in all that have ended; of more, those that ended last: sixteen clients that use up their part.
pub const MAX_KEPT: u32 = 4096;

/// How many bytes the ended tasks of one client may take; of more, those that ended last are kept: 32 of the largest.
pub const MAX_KEPT_BYTES_PER_CLIENT: u64 = 64 * 1024 * 1024;

/// How many bytes the ended tasks of all clients may take; of more, those that ended last are kept: half a gigabyte, which the
/// smallest disk of an appliance has to spare.
pub const MAX_KEPT_BYTES: u64 = 512 * 1024 * 1024;

/// How large the parameters of a call that goes on as a task may be, in bytes: as large as what the file server writes in one call.
/// All that can be open, at their largest, take as much as [`MAX_KEPT_BYTES`].
pub const MAX_PARAMS_BYTES: usize = 1024 * 1024;

/// How large a result or an error may be, in bytes: results of more than 1 MiB become links, and text may double when it is escaped.
pub const MAX_OUTCOME_BYTES: usize = 2 * 1024 * 1024;

/// How many questions a task may ask over its life: a form of many pages. Whoever asks more is stuck in a loop.
pub const MAX_INPUTS: u32 = 64;

/// How large all that a task asks over its life may be, together with the answers, in bytes: sampled messages with their context. All
/// that can be open, at their largest, take as much as [`MAX_KEPT_BYTES`].
pub const MAX_INPUT_BYTES: usize = 1024 * 1024;

/// How long a name, a revision, or the key of a question may be, in bytes: each is one line on a wide screen.
pub const MAX_NAME_BYTES: usize = 256;

/// How long the message to a status may be, in bytes: a few sentences.
pub const MAX_MESSAGE_BYTES: usize = 2 * 1024;

/// How many random bytes an id has: 160 bits, which nobody guesses, in 32 characters that any header takes.
pub const ID_BYTES: usize = 20;
