//! The bounds of a capability server.

use std::time::Duration;

/// Calls that may be under way at once, waiting for a thread included.
///
/// The gateway brings all clients over one connection; beyond this, an answer that says "busy" serves a
/// client better than a longer queue.
pub const MAX_CALLS: usize = 256;

/// Connections that the gateway may hold: one for each of its threads, of which few machines have more.
pub const GATEWAY_CONNECTIONS: u8 = 8;

/// Connections that may be open at once. The gateway holds [`GATEWAY_CONNECTIONS`] at the most; the rest is room for its
/// restart and for an administrator.
pub const MAX_CONNECTIONS: usize = 2 * GATEWAY_CONNECTIONS as usize + 4;

/// Replies that may wait for the reader of a connection when a call is refused, before nothing more is read from it; beyond it
/// progress is not told either.
pub const REPLY_QUEUE: usize = 64;

/// Between two notifications of the progress of a call: twenty a second look like a movement to a person, and a handler
/// that tells of every entry of a large folder costs the connection no more.
pub const PROGRESS_INTERVAL: Duration = Duration::from_millis(50);

/// What a notification of progress may say in words, in bytes; the rest is cut. It is a line on a screen.
pub const MAX_PROGRESS_TEXT: usize = 512;

/// Threads that run handlers, where `LLMBDO_<NAME>_WORKERS` does not say otherwise: handlers wait for disks
/// and peers more than for a core.
pub const DEFAULT_WORKERS: usize = 8;

/// The most that `LLMBDO_<NAME>_WORKERS` may ask for; a thread that waits still costs its stack.
pub const MAX_WORKERS: usize = 128;

/// How long calls that are under way may go on after the signal to stop. systemd kills at 90 s by default; a
/// person who presses Ctrl-C waits for this.
pub const DRAIN: Duration = Duration::from_secs(5);

/// How many faults of its arguments a call is told at once: enough to mend them in one go, few enough to read.
pub const MAX_ARGUMENT_FAULTS: usize = 5;

/// How long the accept loop rests when the kernel gives it no connection for want of descriptors or memory; without a
/// rest it would spin until another connection closes.
pub const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
