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
/// How long a client waits for the answer, in milliseconds, set by the client (the gateway takes the least of it and its
/// own bound).
pub const TIMEOUT_MS: &str = "org.llmbasedos/timeoutMs";
/// What a client wants named in the progress notifications of its request (MCP, all revisions).
pub const PROGRESS_TOKEN: &str = "progressToken";
