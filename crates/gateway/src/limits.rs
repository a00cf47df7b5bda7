//! The bounds of the gateway.

use std::time::Duration;

/// The threads that serve. A thread for each processor is enough, and nobody who names a number wants more than
/// the largest machine has.
pub const MAX_WORKERS: usize = 64;

/// Connections that may be open at once. With small buffers this is below 100 MB of memory, and below the
/// usual limit of descriptors once the appliance's unit raises it to 4096.
pub const MAX_CONNECTIONS: usize = 2000;

/// Connections that the kernel keeps until we take them: twice what may be open, so that a burst of all of them at once
/// finds room. Beyond it a connection may be lost without either side being told.
pub const MAX_WAITING: i32 = 4096;

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

/// How long the handshake of TLS may take from its first byte: two round trips, and a key of a slow machine.
pub const HANDSHAKE: Duration = Duration::from_secs(10);

/// The bytes of a peer that are thrown away after it was told that it must use TLS: a head and a small body, so that it gets to
/// see the answer.
pub const MAX_REFUSED_BYTES: u64 = 64 * 1024;

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

/// How long requests that are under way may go on after the signal to stop: most calls of a person end within it, and it
/// stays well below the 90 s after which systemd kills.
pub const DRAIN: Duration = Duration::from_secs(20);

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

/// The bounds of the histogram of call times, in seconds: from what a cached read takes to how long a call may take.
pub const CALL_SECONDS_BUCKETS: [f64; 12] =
    [0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.1, 0.5, 2.0, 10.0, 30.0, 120.0];

/// Calls that may be under way on one WebSocket or local connection. A host runs a handful at once; what it holds beyond
/// that it can hold itself.
pub const MAX_CALLS_PER_SESSION: usize = 64;

/// Messages that may wait for the reader of a connection before calls wait for it too; steps of progress are then left out.
pub const SESSION_QUEUE: usize = 32;

/// Connections that may be open on `gateway.sock` at once: shells, scripts and workflows of one machine. As many on
/// `person.sock`, where a few are usual: a smaller bound would save nothing, since an idle one costs next to nothing.
pub const MAX_LOCAL_CONNECTIONS: usize = 256;

/// How long a local peer may take nothing of an answer that waits for it.
pub const SESSION_WRITE_STALL: Duration = WRITE_STALL;

/// How often it is looked whether a local peer that sends no more has gone away. What it asked is then cancelled, which
/// must happen within 250 ms.
pub const HANGUP_LOOK: Duration = Duration::from_millis(50);

/// How long a WebSocket whose handshake showed no key may take until its first frame does.
pub const FIRST_FRAME: Duration = Duration::from_secs(10);

/// The bytes that a WebSocket may send before it has shown a key: its first frame has about 150.
pub const MAX_STRANGER_BYTES: u64 = 4096;

/// How often a WebSocket is pinged: below the minute after which home routers forget a connection.
pub const PING: Duration = Duration::from_secs(20);

/// How long a WebSocket may be silent, pongs included: three pings were then lost.
pub const SILENCE: Duration = Duration::from_secs(70);

/// What a WebSocket reads at once, in bytes. The library's own choice of 128 KiB would be the memory of a client that does
/// nothing; longer messages make it grow.
pub const WEBSOCKET_READ_BUFFER: usize = 4096;

/// What a WebSocket gathers before it writes, in bytes: nothing, since every message is flushed anyway.
pub const WEBSOCKET_WRITE_BUFFER: usize = 0;

/// How often a stream of events on which nothing happens says so: below the minute after which proxies give it up.
pub const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// How long a WebSocket that is to be closed may take to say farewell.
pub const FAREWELL: Duration = Duration::from_secs(2);

/// How much more time than a caller has its server is told: who waits decides that the time is over, and the answer to that
/// is always the same. The server learns it at once, and keeps the time by itself only should the gateway be gone.
pub const VERDICT: Duration = Duration::from_millis(200);

/// Sessions that one client may have on `POST /mcp` at once: a host opens one a window. The one that was used longest ago
/// makes room, and its host begins a new one.
pub const MAX_SESSIONS_PER_CLIENT: usize = 1000;

/// How long a list that is asked of several servers waits for each: a host asks for lists when it starts, while a person waits.
pub const LIST_WAIT: Duration = Duration::from_secs(5);

/// The bytes of a cursor that we gave: room for the cursors of a hundred servers.
pub const MAX_CURSOR_BYTES: usize = 16 * 1024;

/// How often each thread that serves wakes for nothing: below the shortest time that every request sets a timer for, which is
/// [`HEAD`], and seldom enough to cost nothing.
pub const TICK: Duration = Duration::from_secs(5);

/// The connections that are held to one capability server, where it says that it serves so many: one for each thread of a machine
/// of usual size.
pub const MAX_CONNECTIONS_PER_SERVER: usize = 8;

/// Wrong keys that an address may show before it is put into the penalty box: a host with an old key tries a few times at once.
pub const FREE_WRONG_KEYS: u32 = 10;

/// How long the first penalty is. Each is twice as long as the one before.
pub const FIRST_PENALTY: Duration = Duration::from_secs(1);

/// How long a penalty is at the most: somebody who has mended their host must not wait for an hour.
pub const LONGEST_PENALTY: Duration = Duration::from_mins(15);

/// How long after its last wrong key an address begins anew.
pub const PENALTY_MEMORY: Duration = Duration::from_hours(1);

/// Addresses whose wrong keys are remembered: those of a home many times over, and half a megabyte.
pub const MAX_PENALTIES: usize = 4096;

/// How often what is counted is written down, and who may ask no more is told so: what a kill of the gateway takes back at the
/// most.
pub const KEEP: Duration = Duration::from_millis(250);

/// Refusals of one client that have rows of their own in the record at once: as many as a person would read.
pub const REFUSALS_AT_ONCE: u32 = 32;

/// After how long a client may cause one more such row: in the record, which keeps some millions of rows, nobody then pushes out
/// by refusals what was done within a month.
pub const REFUSAL_PERIOD: Duration = Duration::from_secs(1);

/// How often the number of the others is recorded.
pub const TELL_REFUSALS: Duration = Duration::from_secs(10);

/// The bytes of a body that holds a pairing code.
pub const MAX_PAIR_BYTES: usize = 1024;

/// How long the last records may take to reach the disk when the gateway ends.
pub const LAST_RECORDS: Duration = Duration::from_secs(2);

/// How long it counts that a conversation over HTTP has read text that nobody vouches for: what a model has read it still knows on the
/// same day, and on the next a person has begun anew.
pub const READ_LASTS: Duration = Duration::from_hours(24);

/// Conversations of one client over HTTP whose reading is told apart; what more of them read counts for all of that client's.
pub const MAX_CONVERSATIONS_PER_CLIENT: usize = 1000;

/// Calls of tasks that are made at once: after a restart, all that were approved meanwhile are due together, and what clients call
/// themselves must not wait behind them.
pub const MAX_TASKS_AT_ONCE: usize = 16;

/// Requests of ours that wait for an answer of clients at once: each is a person who looks at a form.
pub const MAX_QUESTIONS: usize = 1000;

/// What callers may read, as it is kept compiled: some methods of each of many clients, in one minute.
pub const MAX_SCOPES_KEPT: usize = 4096;

/// How often what is over is taken out of what waits for a person, and of what conversations have read.
pub const TIDY: Duration = Duration::from_mins(1);
