//! The cap file: what a capability server declares, typed, bounded and checked.
//!
//! `/run/mcp/NAME.cap.json` names the methods of the server behind `/run/mcp/NAME.sock`. It is made at
//! build time from the server's own types (`capability` writes it) and read by the gateway, so the tools
//! of a daemon that is not running can be listed. The members `service_name`, `description`, `version`
//! and `capabilities[{method, description, params_schema, result_schema}]` are those of the legacy
//! contract; `tool`, `effects` and what is said of prompts and resources are what genuine MCP needs.

mod document;
mod header;
mod names;
mod pattern;
mod spend;
mod target;

pub use document::{CapFile, CapFileError, Effect, MAX_CAP_FILE_BYTES, Method};
pub use header::HeaderParameter;
pub use names::{MethodName, NameError, PromptName, ServiceName, ToolName, UriPrefix};
pub use pattern::{Pattern, PatternError, Patterns};
pub use spend::{Budget, Reserve, Spend};
pub use target::{Target, TargetKind, TextSource, TextSources};
