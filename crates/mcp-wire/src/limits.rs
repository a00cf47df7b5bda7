//! The bounds of a message, whatever brought it.

/// How deep arrays and objects may nest in a message.
///
/// Real calls stay under 20. Recursive readers behind the gateway (serde_json stops at 128, others at
/// less) must never be the first to notice.
pub const MAX_DEPTH: usize = 64;

/// The size of one message from a client, in bytes, framing not counted.
///
/// Four times the largest content that a tool takes in one call, so that escaping and the envelope fit.
pub const MAX_MESSAGE_BYTES: usize = 4 * 1024 * 1024;

/// The size of one reply of a capability server, in bytes, framing not counted.
///
/// A reply carries its content twice (as text and as structured content), and text may grow sixfold
/// when control characters are escaped: 1 MiB of content stays below this.
pub const MAX_REPLY_BYTES: usize = 16 * 1024 * 1024;

/// The text of a request id, in bytes, quotes included.
///
/// Ids are numbers or UUIDs in every known client; an id is kept and sent back for each call under way.
pub const MAX_ID_BYTES: usize = 256;
