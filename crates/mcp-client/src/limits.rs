//! The bounds of a client. The sizes of messages are those of [`mcp_wire::limits`], which the gateway keeps too.

use std::time::Duration;

/// How long it may take to be connected, name look-up and TLS included: a LAN answers in milliseconds, and a person
/// waits for it.
pub const CONNECT: Duration = Duration::from_secs(5);

/// Requests that may be under way on one Streamable HTTP link, each of which holds a connection. It is the gateway's own
/// bound for calls at one capability server.
pub const MAX_REQUESTS: usize = 256;

/// Notifications and answers that may be on their way to a Streamable HTTP server: it answers them at once, so that more
/// are only there if it hangs.
pub const MAX_NOTIFICATIONS: usize = 64;

/// The memory of messages that wait to be sent on one link, in KiB: a peer that reads nothing must not hold more than
/// this. Twice the largest message.
pub const MAX_QUEUED_KIB: usize = 8 * 1024;

/// Messages that were received and not taken yet. Each may have 16 MiB, and whoever takes them is seldom behind.
pub const MAX_RECEIVED: usize = 2;

/// The first bytes that are read at a time; the buffer grows for messages that need more.
pub const READ_BYTES: usize = 8 * 1024;

/// How long a WebSocket peer may be silent, its answers to our pings included, before the link counts as broken. Three
/// pings of the gateway go by in this time.
pub const SILENCE: Duration = Duration::from_mins(1);

/// How often we ping a WebSocket peer that sends nothing by itself. Three fit into [`SILENCE`].
pub const PING: Duration = Duration::from_secs(20);

/// How long a peer may take to close a link that we close.
pub const CLOSE: Duration = Duration::from_secs(1);

/// How long a TCP connection may be silent before the kernel asks whether the peer is still there: an answer can take
/// minutes, and a peer that lost its power says nothing.
pub const KEEP_ALIVE: Duration = Duration::from_secs(30);

/// How long a notification may take to be accepted, which a server does before it acts on it.
pub const NOTIFICATION: Duration = Duration::from_secs(30);

/// The longest body that is read to learn why a server refused a request. Ours write less than 1 KiB.
pub const MAX_REFUSAL_BYTES: usize = 64 * 1024;

/// The characters of a key. Ours have 43; it must fit into the head of a request, of which the gateway reads 16 KiB.
pub const MAX_KEY_CHARS: usize = 4096;

/// Steps of progress that were received and not told yet; those that come when there is no room are left out.
pub const MAX_PROGRESS: usize = 16;

/// How long an HTTP connection that nobody uses is kept. The gateway closes it after 10 s, and a request that meets the
/// closing would be lost.
pub const IDLE: Duration = Duration::from_secs(5);

/// The bytes of a file of authorities: all that are publicly trusted take a quarter of it.
pub const MAX_CA_FILE_BYTES: u64 = 1024 * 1024;
