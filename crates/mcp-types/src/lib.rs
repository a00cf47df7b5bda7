//! The MCP messages that we originate, held to the published schema.
