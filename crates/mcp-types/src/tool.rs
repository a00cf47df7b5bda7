//! Tools and what calling one gives.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// A tool as `tools/list` shows it (`Tool` in MCP's schema).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Tool {
    /// `[A-Za-z0-9_-]{1,64}`: what model interfaces accept as a function name.
    pub name: String,
    /// A name for people.
    pub title: String,
    /// What it does, for the model that chooses it.
    pub description: String,
    /// JSON Schema 2020-12 of the arguments; its type is `object`.
    pub input_schema: Value,
    /// JSON Schema 2020-12 of `structuredContent`; its type is `object`, which older clients require.
    pub output_schema: Value,
    /// Hints on what it does to the world.
    pub annotations: ToolAnnotations,
}

/// What a tool does to the world (`ToolAnnotations` in MCP's schema); the defaults there are the worst
/// case, so each is always stated.
#[expect(clippy::struct_excessive_bools, reason = "the shape is MCP's")]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ToolAnnotations {
    /// It changes nothing.
    pub read_only_hint: bool,
    /// It may remove or replace something.
    pub destructive_hint: bool,
    /// Calling it again with the same arguments changes nothing more.
    pub idempotent_hint: bool,
    /// It reaches things outside of the appliance.
    pub open_world_hint: bool,
}

/// What a tool call gives (`CallToolResult` in MCP's schema).
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CallToolResult {
    /// `complete`.
    pub result_type: super::ResultType,
    /// What the model reads.
    pub content: Vec<Content>,
    /// The same for programs; an object.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub structured_content: Option<Value>,
    /// Whether the tool failed; the content then says why and what to do.
    pub is_error: bool,
    /// See [`crate::meta`].
    #[serde(rename = "_meta", skip_serializing_if = "Map::is_empty")]
    pub meta: Map<String, Value>,
}

/// A piece of content (`ContentBlock` in MCP's schema).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Content {
    /// Text.
    Text {
        /// The text.
        text: String,
    },
}
