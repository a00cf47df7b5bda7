//! What is known of a call before it is made.

use std::sync::Arc;

use capfile::{Effect, Method, Spend};

/// What somebody may be allowed to call, and what it may do.
#[derive(Debug)]
pub(crate) struct Declared {
    /// The name that licences and scopes have for it.
    pub(crate) name: Arc<str>,
    /// Whether it changes nothing.
    pub(crate) read_only: bool,
    /// What it uses up.
    pub(crate) spends: Vec<Spend>,
}

impl Declared {
    /// A tool or a method of the legacy dialect, which is the same thing under one name.
    pub(super) fn of(method: &Method) -> Self {
        Self {
            name: method.method.as_str().into(),
            // One that declares nothing may do anything.
            read_only: method.effects.contains(&Effect::ReadOnly),
            spends: method.spends.clone(),
        }
    }

    /// All that a server offers of this kind, `prompts` or `resources`, which MCP lets nobody change anything by.
    pub(super) fn reading(server: &str, kind: &str) -> Self {
        let name = format!("mcp.{server}.{kind}").into();
        Self { name, read_only: true, spends: Vec::new() }
    }
}
