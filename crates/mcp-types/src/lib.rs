//! The MCP messages that we originate, held to the published schema.
//!
//! What passes through is never decoded into these types: it is forwarded as bytes (see `mcp-wire`). Only
//! what the gateway or a capability server says in its own name stands here, and
//! `tests/published_schema.rs` checks each against the JSON Schema of its revision.

mod caller;
mod level;
pub mod meta;
mod result;
mod subscription;
mod task;
mod tool;
mod version;

pub use caller::{Caller, Origin, Scope};
pub use level::LogLevel;
pub use result::{
    CacheScope, DiscoverResult, Extensions, Implementation, InitializeResult, List, ListCapability,
    ListResult, ModernList, Offered, ResultType, ServerCapabilities,
};
pub use subscription::{SubscriptionFilter, SubscriptionNotification, SubscriptionsListenResult};
pub use task::{
    CreateTaskResult, DetailedTask, GetTaskResult, TASKS_EXTENSION, TaskAcknowledged, TaskDetail,
    TaskHandle, TaskNotification, TaskStatus,
};
pub use tool::{CallToolResult, Content, Tool, ToolAnnotations};
pub use version::{Era, ProtocolVersion, SUPPORTED_VERSIONS};
