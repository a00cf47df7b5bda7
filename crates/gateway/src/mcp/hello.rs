//! What the gateway says of itself: `server/discover` and `initialize`.

use std::collections::BTreeMap;

use mcp_types::{
    CacheScope, DiscoverResult, Era, Implementation, InitializeResult, ListCapability,
    ProtocolVersion, ResultType, SUPPORTED_VERSIONS, ServerCapabilities, meta,
};

use crate::limits::LIST_TTL_MS;

/// What a model is told about the whole.
const INSTRUCTIONS: &str = "llmbasedos gives access to what a person keeps on this machine. Paths are virtual: \
    they begin with `/`, which is the folder that the person exposes.";

pub(super) const fn info() -> Implementation {
    Implementation { name: "llmbasedos", title: "llmbasedos", version: env!("CARGO_PKG_VERSION") }
}

pub(super) fn versions() -> Vec<&'static str> {
    SUPPORTED_VERSIONS.iter().map(|version| version.as_str()).collect()
}

pub(super) fn discover(capabilities: ServerCapabilities) -> DiscoverResult {
    DiscoverResult {
        result_type: ResultType::Complete,
        supported_versions: versions(),
        capabilities,
        instructions: INSTRUCTIONS,
        ttl_ms: LIST_TTL_MS,
        cache_scope: CacheScope::Private,
        meta: BTreeMap::from([(meta::SERVER_INFO, info())]),
    }
}

/// The revision asked for if it is served, else the newest that has a handshake (MCP 2025-11-25, "Version
/// Negotiation").
pub(super) fn initialize(asked: Option<&str>, offered: &ServerCapabilities) -> InitializeResult {
    let version = asked
        .and_then(ProtocolVersion::parse)
        .filter(|version| version.era() == Era::Legacy)
        .unwrap_or(ProtocolVersion::LATEST_LEGACY);
    // A client of this era is told of no change: it asks for the lists when it wants them.
    let silent = ListCapability { list_changed: false };
    InitializeResult {
        protocol_version: version.as_str(),
        capabilities: ServerCapabilities {
            tools: silent,
            prompts: offered.prompts.map(|_| silent),
            resources: offered.resources.map(|_| silent),
            completions: offered.completions,
            logging: offered.logging,
            // Both sides say what they have with each request, which came with the later era.
            extensions: None,
        },
        server_info: info(),
        instructions: INSTRUCTIONS,
    }
}
