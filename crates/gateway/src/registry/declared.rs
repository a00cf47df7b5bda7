//! What is known of a call before it is made.

use std::sync::Arc;

use capfile::{Effect, Method, Spend, TextSource, TextSources};

/// What somebody may be allowed to call, and what it may do.
#[derive(Debug)]
pub(crate) struct Declared {
    /// The name that licences and scopes have for it.
    pub(crate) name: Arc<str>,
    /// Whether it changes nothing.
    pub(crate) read_only: bool,
    /// What it uses up.
    pub(crate) spends: Vec<Spend>,
    /// From where text in a result may come that nobody has vouched for.
    pub(crate) text_from: TextSources,
}

impl Declared {
    /// A tool or a method of the legacy dialect, which is the same thing under one name.
    pub(super) fn of(method: &Method) -> Self {
        Self {
            name: method.method.as_str().into(),
            // One that declares nothing may do anything.
            read_only: method.effects.contains(&Effect::ReadOnly),
            spends: method.spends.clone(),
            text_from: method
                .text_from
                .as_ref()
                .map_or(anywhere(), |from| from.iter().copied().collect()),
        }
    }

    /// All that a server offers of this kind, `prompts` or `resources`, which MCP lets nobody change anything by.
    pub(super) fn reading(server: &str, kind: &str) -> Self {
        let name = format!("mcp.{server}.{kind}").into();
        Self { name, read_only: true, spends: Vec::new(), text_from: anywhere() }
    }
}

/// What says nothing of its text may have it from whoever the server has it from, whom nobody here knows.
fn anywhere() -> TextSources {
    TextSource::Server.into()
}
