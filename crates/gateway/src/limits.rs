//! The bounds of the gateway.

use std::time::Duration;

/// Connections that may be open at once. With small buffers this is below 100 MB of memory, and below the
/// usual limit of descriptors once the appliance's unit raises it to 4096.
pub const MAX_CONNECTIONS: usize = 2000;

/// Connections that may be open without having shown a good key. The rest is kept for those who have.
pub const MAX_UNAUTHENTICATED: usize = 1500;

/// Connections of one address that may be open without having shown a good key: more than a browser or a host
/// opens, too few to take all the room.
pub const MAX_UNAUTHENTICATED_PER_ADDRESS: usize = 64;

/// Connections that one client key may hold open: room for a thousand parallel agents of one host, with half of
/// all places left to the others.
pub const MAX_CONNECTIONS_PER_CLIENT: usize = 1000;

/// How long a connection may be silent before its first byte.
pub const FIRST_BYTE: Duration = Duration::from_secs(10);

/// How long the head of a request may take, from its connection's being ready for it.
pub const HEAD: Duration = Duration::from_secs(10);

/// How long the body of a request may take: 4 MiB in this time is a 1 Mbit/s line.
pub const BODY: Duration = Duration::from_secs(35);

/// How much of a body that is too long is read and thrown away, so that its sender gets to see the answer. What is longer
/// finds its connection closed.
pub const MAX_DISCARDED_BYTES: usize = 16 * 1024 * 1024;

/// The bytes that the head of a request may have. hyper's smallest buffer is 8 KiB; real heads stay below 4 KiB.
pub const MAX_HEAD_BYTES: usize = 16 * 1024;

/// The headers that a request may have; real clients send about 12.
pub const MAX_HEADERS: usize = 100;

/// Calls that may be under way at one capability server. It is the server's own bound, so that nothing waits in
/// a place where nobody can count it.
pub const MAX_CALLS_PER_SERVER: usize = 256;

/// The memory that calls waiting for one capability server may take, in KiB: a server that reads nothing must
/// not hold more than this.
pub const MAX_WAITING_KIB_PER_SERVER: usize = 64 * 1024;

/// How long a capability server may take to accept a connection. systemd starts it in this time.
pub const CONNECT: Duration = Duration::from_secs(10);

/// How long a call may take, where the configuration does not say otherwise: longer than most hosts wait.
pub const CALL: Duration = Duration::from_mins(2);

/// How long requests that are under way may go on after the signal to stop.
pub const DRAIN: Duration = Duration::from_secs(5);

/// How long after a change in the folder of cap files the gateway waits for the next before it reads them:
/// several files usually change at once.
pub const SETTLE: Duration = Duration::from_millis(20);

/// The capability servers that may be registered; 100 is the most that anybody is known to run.
pub const MAX_SERVERS: usize = 1000;

/// For how many milliseconds a client may keep a list of tools. Zero: it asks again, and always sees the truth.
pub const LIST_TTL_MS: u64 = 0;

/// How long the accept loop rests when the kernel gives it no connection for want of descriptors or memory; without a
/// rest it would spin until another connection closes.
pub const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// How long a peer may take nothing of an answer that waits for it: a model's host reads at once, and an answer that
/// nobody reads holds up to 16 MiB.
pub const WRITE_STALL: Duration = Duration::from_secs(20);

/// How long a capability server may take nothing of a message that waits for it.
pub const SERVER_STALL: Duration = Duration::from_secs(10);

/// How long changes in the folder of cap files may go on before it is read all the same: whoever changes something there
/// all the time must not keep the others' tools from being seen.
pub const SETTLE_AT_MOST: Duration = Duration::from_millis(250);
