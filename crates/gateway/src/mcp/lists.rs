//! `tools/list` and `prompts/list`, which are in the cap files.

use capfile::{TextSource, TextSources};
use mcp_types::{CacheScope, Era, List, ListResult, ModernList};
use mcp_wire::{RpcError, code, result_reply};
use serde::Serialize;
use serde_json::value::RawValue;

use crate::limits::LIST_TTL_MS;
use crate::mcp::{Asked, Failure, Mcp, hello, own};
use crate::registry::{Backend, Declared, Table};

impl Mcp {
    /// The tools that the client may call, and those of the gateway's own.
    pub(super) async fn list_tools(
        &self,
        asked: &Asked<'_>,
        table: &Table,
    ) -> Result<Vec<u8>, Failure> {
        let may = |declared: &Declared| self.access.may_call(asked.door.client, declared);
        let tools = table.tools().iter().filter(|(declared, _)| may(declared));
        let tools: Vec<_> = tools.collect();
        let described = tools.iter().map(|(declared, _)| declared.described_by);
        let sources = described.fold(TextSources::NONE, TextSources::and);
        self.heard(asked.door, sources).await;
        let own = own::shown(asked.door.client).map(|tool| &tool.text);
        let tools = tools.into_iter().map(|(_, tool)| tool).chain(own);
        Ok(whole(asked, List::Tools, tools, sources)?)
    }

    /// The prompts that the client may get.
    pub(super) async fn list_prompts(
        &self,
        asked: &Asked<'_>,
        table: &Table,
    ) -> Result<Vec<u8>, Failure> {
        let may = |backend: &Backend| self.access.may_call(asked.door.client, &backend.prompts);
        let prompts = table.prompts().iter().filter(|(backend, _)| may(backend));
        let prompts: Vec<_> = prompts.collect();
        let described = prompts.iter().map(|(backend, _)| backend.prompts.described_by);
        let sources = described.fold(TextSources::NONE, TextSources::and);
        self.heard(asked.door, sources).await;
        let prompts = prompts.into_iter().map(|(_, prompt)| prompt);
        Ok(whole(asked, List::Prompts, prompts, sources)?)
    }
}

/// Every item, in one page.
fn whole<'a>(
    asked: &Asked<'_>,
    list: List,
    items: impl Iterator<Item = &'a Box<RawValue>>,
    sources: TextSources,
) -> Result<Vec<u8>, RpcError> {
    if asked.params.get("cursor").is_some() {
        let text = "no such `cursor`: the list is one page";
        return Err(RpcError::new(code::INVALID_PARAMS, text));
    }
    let items: Vec<_> = items.collect();
    Ok(page(asked, list, &items, None, sources))
}

/// One page of a list, whose text comes from these sources.
pub(super) fn page<T: Serialize>(
    asked: &Asked<'_>,
    list: List,
    items: &[T],
    next_cursor: Option<String>,
    sources: TextSources,
) -> Vec<u8> {
    let modern = ModernList {
        ttl_ms: LIST_TTL_MS,
        // What is listed is what this client may use.
        cache_scope: CacheScope::Private,
        server_info: hello::info(),
    };
    let modern = (asked.era == Era::Modern).then_some(modern);
    let untrusted = sources.iter().map(TextSource::name).collect();
    result_reply(asked.request.id, &ListResult { list, items, next_cursor, untrusted, modern })
}
