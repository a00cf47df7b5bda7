//! Results other than those of tools.

use std::collections::BTreeMap;

use serde::Serialize;

/// Whether a result is the last word (`Result.resultType`, MCP 2026-07-28).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ResultType {
    /// The request is done.
    Complete,
}

/// Who may keep a copy of a result (`CacheableResult.cacheScope`, MCP 2026-07-28).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum CacheScope {
    /// Only whoever asked: it depends on the client's key.
    Private,
}

/// A program and its version (`Implementation`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Implementation {
    /// Its name for programs.
    pub name: &'static str,
    /// Its name for people.
    pub title: &'static str,
    /// Its version.
    pub version: &'static str,
}

/// What a server offers (`ServerCapabilities`).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct ServerCapabilities {
    /// Tools.
    pub tools: ToolsCapability,
}

/// What a server offers about its tools.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ToolsCapability {}

/// The answer to `server/discover` (MCP 2026-07-28).
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DiscoverResult {
    /// `complete`.
    pub result_type: ResultType,
    /// Revisions served, the newest first.
    pub supported_versions: Vec<&'static str>,
    /// What is offered.
    pub capabilities: ServerCapabilities,
    /// For the model: what this server is for.
    pub instructions: &'static str,
    /// For how many milliseconds the answer holds.
    pub ttl_ms: u64,
    /// Who may keep it.
    pub cache_scope: CacheScope,
    /// The server's own name, under [`crate::meta::SERVER_INFO`].
    #[serde(rename = "_meta")]
    pub meta: BTreeMap<&'static str, Implementation>,
}

/// The answer to `initialize` (MCP 2025-11-25 and before).
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct InitializeResult {
    /// The revision that the connection will speak.
    pub protocol_version: &'static str,
    /// What is offered.
    pub capabilities: ServerCapabilities,
    /// The server's own name.
    pub server_info: Implementation,
    /// For the model: what this server is for.
    pub instructions: &'static str,
}

/// The answer to `tools/list`. The tools are JSON texts, since those of other servers pass untouched.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ListToolsResult<T> {
    /// `complete`; only in the modern era.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub result_type: Option<ResultType>,
    /// Every tool that the caller may call, in a stable order.
    pub tools: T,
    /// For how many milliseconds the list holds; only in the modern era.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ttl_ms: Option<u64>,
    /// Who may keep it; only in the modern era.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cache_scope: Option<CacheScope>,
    /// The server's own name, under [`crate::meta::SERVER_INFO`]; only in the modern era.
    #[serde(rename = "_meta", skip_serializing_if = "BTreeMap::is_empty")]
    pub meta: BTreeMap<&'static str, Implementation>,
}
