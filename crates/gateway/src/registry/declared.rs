//! What is known of a call before it is made.

use std::sync::Arc;

use capfile::{CapFile, Effect, Method, Spend, TargetKind, TextSource, TextSources};

/// What somebody may be allowed to call, and what it may do.
#[derive(Debug)]
pub(crate) struct Declared {
    /// The name that licences and scopes have for it.
    pub(crate) name: Arc<str>,
    /// Whether it changes nothing.
    pub(crate) read_only: bool,
    /// What it uses up.
    pub(crate) spends: Vec<Spend>,
    /// Whether it works on paths.
    pub(crate) on_paths: bool,
    /// From where text in a result may come that nobody has vouched for.
    pub(crate) text_from: TextSources,
    /// Whether a result may say that it has less of it: only a server that the owner trusts is believed.
    pub(crate) narrows: bool,
    /// From where the text comes that describes it.
    pub(crate) described_by: TextSources,
}

impl Declared {
    /// A tool or a method of the legacy dialect, which is the same thing under one name.
    pub(super) fn of(file: &CapFile, method: &Method) -> Self {
        let declared = method.text_from.as_ref().filter(|_| !file.third_party);
        let on_paths = method.works_on.iter().any(|target| target.kind == TargetKind::Path);
        Self {
            name: method.method.as_str().into(),
            // One that declares nothing may do anything.
            read_only: method.effects.contains(&Effect::ReadOnly),
            on_paths,
            spends: method.spends.clone(),
            narrows: declared.is_some(),
            text_from: declared.map_or(anywhere(), |from| from.iter().copied().collect()),
            described_by: described_by(file),
        }
    }

    /// All that a server offers of this kind, `prompts` or `resources`, which MCP lets nobody change anything by.
    pub(super) fn reading(file: &CapFile, kind: &str) -> Self {
        Self {
            name: format!("mcp.{}.{kind}", file.service_name).into(),
            read_only: true,
            on_paths: false,
            spends: Vec::new(),
            text_from: anywhere(),
            narrows: !file.third_party,
            described_by: described_by(file),
        }
    }
}

/// What says nothing of its text may have it from whoever the server has it from, whom nobody here knows.
fn anywhere() -> TextSources {
    TextSource::Server.into()
}

fn described_by(file: &CapFile) -> TextSources {
    if file.third_party { anywhere() } else { TextSources::NONE }
}
