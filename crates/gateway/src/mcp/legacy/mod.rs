//! The dialect from before MCP: plain JSON-RPC calls whose method is the capability's own name, such as `mcp.fs.list`.
//!
//! Scripts and shells of that time speak it on `/ws` and `gateway.sock`. It differs from MCP in that parameters may stand in
//! their order, that `id` may be absent or `null` and is answered as `null`, that a result is bare, and in its error codes:
//! those that a handler causes count down from a base of its server.

mod answer;
mod call;
mod message;
mod own;
mod params;

pub(crate) use message::{Call, error_reply};
