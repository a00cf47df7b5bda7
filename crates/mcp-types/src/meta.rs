//! Keys of `_meta`.

/// The revision that a request speaks (MCP 2026-07-28, `RequestMetaObject`; required).
pub const PROTOCOL_VERSION: &str = "io.modelcontextprotocol/protocolVersion";
/// What the client can do (MCP 2026-07-28; required).
pub const CLIENT_CAPABILITIES: &str = "io.modelcontextprotocol/clientCapabilities";
/// Who the client says that it is (MCP 2026-07-28; optional, never trusted).
pub const CLIENT_INFO: &str = "io.modelcontextprotocol/clientInfo";
/// Who answers (MCP 2026-07-28, in the `_meta` of a result).
pub const SERVER_INFO: &str = "io.modelcontextprotocol/serverInfo";
/// Whose call it is, set by the gateway alone: see [`crate::Caller`].
pub const CALLER: &str = "org.llmbasedos/caller";
/// What kind of failure an `isError` result is, for programs; the text is for models and people.
pub const ERROR_KIND: &str = "org.llmbasedos/errorKind";
/// From where text in a result comes that nobody has vouched for, a list of names: a server narrows with it what its tool declares, and
/// the gateway tells the client what holds. An empty list says that all text is the owner's or the server's own.
pub const TEXT_FROM: &str = "org.llmbasedos/textFrom";
/// From where untrusted text in a result comes, a list of names, set by the gateway alone; absent where none does.
pub const UNTRUSTED: &str = "org.llmbasedos/untrusted";
/// That a call was or is to be approved by somebody, set by the gateway alone: the id of the approval, what has become of it, and the
/// arguments that it was made with where somebody has changed them.
pub const APPROVAL: &str = "org.llmbasedos/approval";
/// How long a client waits for the answer, in milliseconds, set by the client (the gateway takes the least of it and its
/// own bound).
pub const TIMEOUT_MS: &str = "org.llmbasedos/timeoutMs";
/// What a client wants named in the progress notifications of its request (MCP, all revisions).
pub const PROGRESS_TOKEN: &str = "progressToken";
/// How severe a log message of a request must be for its client to be sent it; without this, none are (MCP 2026-07-28).
pub const LOG_LEVEL: &str = "io.modelcontextprotocol/logLevel";
/// Which request a `notifications/message` of a capability server is about: its id, as the server got it. MCP has nothing for
/// that, since its logs come on the stream of their request; between gateway and servers many requests share one. The
/// gateway takes it off.
pub const LOG_OF: &str = "org.llmbasedos/request";
