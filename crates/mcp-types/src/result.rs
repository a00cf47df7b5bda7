//! Results other than those of tools.

use std::collections::BTreeMap;

use serde::ser::SerializeMap as _;
use serde::{Serialize, Serializer};

/// Whether a result is the last word (`Result.resultType`, MCP 2026-07-28).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ResultType {
    /// The request is done.
    Complete,
    /// The answer comes later, to whoever asks for the task (the extension of tasks).
    Task,
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
    /// Tools; always, since a client that lists none may show nothing.
    pub tools: ListCapability,
    /// Prompts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prompts: Option<ListCapability>,
    /// Resources.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resources: Option<ListCapability>,
    /// Completion of arguments.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub completions: Option<Offered>,
    /// Log messages, for clients that ask for them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub logging: Option<Offered>,
    /// Extensions, by their names (MCP 2026-07-28).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub extensions: Option<Extensions>,
}

/// The extensions that a server offers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Extensions {
    /// Calls whose answers come later ([`crate::TASKS_EXTENSION`]).
    #[serde(rename = "io.modelcontextprotocol/tasks")]
    pub tasks: Offered,
}

/// What a server offers about one of its lists.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ListCapability {
    /// Whether it tells of changes of the list.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub list_changed: bool,
}

/// A capability without settings, which is offered if it is there.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Offered {}

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

/// The answer to a request for a list: `tools/list` and its like. The items are JSON texts, since those of other servers
/// pass untouched.
#[derive(Debug, Clone)]
pub struct ListResult<T> {
    /// What is listed.
    pub list: List,
    /// Every item that the caller may use, in a stable order.
    pub items: T,
    /// Where the next page begins, if this is not the last.
    pub next_cursor: Option<String>,
    /// From where text in the items comes that nobody has vouched for, under [`crate::meta::UNTRUSTED`].
    pub untrusted: Vec<&'static str>,
    /// What only the modern era has.
    pub modern: Option<ModernList>,
}

/// The `_meta` of a list.
#[derive(Serialize)]
struct ListMeta<'a> {
    #[serde(
        rename = "io.modelcontextprotocol/serverInfo",
        skip_serializing_if = "Option::is_none"
    )]
    server_info: Option<&'a Implementation>,
    #[serde(rename = "org.llmbasedos/untrusted", skip_serializing_if = "<[_]>::is_empty")]
    untrusted: &'a [&'static str],
}

/// What is listed; the name of the member that holds the items.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum List {
    /// `tools/list`.
    Tools,
    /// `prompts/list`.
    Prompts,
    /// `resources/list`.
    Resources,
    /// `resources/templates/list`.
    ResourceTemplates,
}

/// What a list has in the modern era only (`CacheableResult`, `ResultMetaObject`, MCP 2026-07-28).
#[derive(Debug, Clone)]
pub struct ModernList {
    /// For how many milliseconds the list holds.
    pub ttl_ms: u64,
    /// Who may keep it.
    pub cache_scope: CacheScope,
    /// Who answers.
    pub server_info: Implementation,
}

impl List {
    /// The member that holds the items.
    pub const fn member(self) -> &'static str {
        match self {
            Self::Tools => "tools",
            Self::Prompts => "prompts",
            Self::Resources => "resources",
            Self::ResourceTemplates => "resourceTemplates",
        }
    }
}

impl<T: Serialize> Serialize for ListResult<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        if self.modern.is_some() {
            map.serialize_entry("resultType", &ResultType::Complete)?;
        }
        map.serialize_entry(self.list.member(), &self.items)?;
        if let Some(cursor) = &self.next_cursor {
            map.serialize_entry("nextCursor", cursor)?;
        }
        if let Some(modern) = &self.modern {
            map.serialize_entry("ttlMs", &modern.ttl_ms)?;
            map.serialize_entry("cacheScope", &modern.cache_scope)?;
        }
        let server_info = self.modern.as_ref().map(|modern| &modern.server_info);
        let meta = ListMeta { server_info, untrusted: &self.untrusted };
        if meta.server_info.is_some() || !meta.untrusted.is_empty() {
            map.serialize_entry("_meta", &meta)?;
        }
        map.end()
    }
}
