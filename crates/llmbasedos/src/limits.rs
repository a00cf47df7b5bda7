//! The bounds of the command; those of the messages are in [`mcp_wire::limits`], those of connections in
//! [`mcp_client::limits`].

use std::time::Duration;

/// How often `audit tail --follow` looks for new rows: a person sees no difference to at once.
pub const AUDIT_LOOK: Duration = Duration::from_millis(200);

/// How long answers that are still to come are waited for once standard input has ended: a script pipes its requests in
/// and wants the answers, and a host that does not want to wait sends SIGTERM.
pub const DRAIN: Duration = Duration::from_secs(30);

/// How long they are waited for after SIGTERM: hosts kill a program that takes longer than a few seconds.
pub const DRAIN_STOPPED: Duration = Duration::from_millis(1500);

/// How long the gateway may take to accept the end of a connection, and the host to take the last answers.
pub const CLOSE: Duration = Duration::from_millis(1500);

/// Messages for the host that wait to be written. Each may have 16 MiB, and a host reads at once.
pub const MAX_WAITING: usize = 2;

/// How many bytes are read from standard input at a time; the buffer grows for lines that need more.
pub const READ_BYTES: usize = 64 * 1024;

/// How many bytes of messages are put together into one write: a burst of small ones costs one system call.
pub const WRITE_BYTES: usize = 64 * 1024;

/// How long the gateway may take to answer what `approvals` asks of it: it waits for one write to the disk, and longer only where
/// something is stuck.
pub const APPROVALS_WAIT: Duration = Duration::from_secs(20);

/// How much of the arguments of a call a list shows, in characters: enough to tell one call from another, and nobody should answer by
/// more than that without `show`.
pub const ARGUMENTS_SHOWN: usize = 60;

/// How alike a name must be to be offered for one that there is not: with less, names are offered that only share their beginning.
pub const NEAR: f64 = 0.8;

/// How many such names are offered: a person looks at a few.
pub const NEAR_NAMES: usize = 3;
