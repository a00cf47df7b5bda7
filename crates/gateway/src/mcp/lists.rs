//! `tools/list` and `prompts/list`, which are in the cap files.

use mcp_types::{CacheScope, Era, List, ListResult, ModernList};
use mcp_wire::{RpcError, code, result_reply};
use serde::Serialize;
use serde_json::value::RawValue;

use crate::limits::LIST_TTL_MS;
use crate::mcp::{Asked, hello};

/// Every item, in one page.
pub(super) fn whole<'a>(
    asked: &Asked<'_>,
    list: List,
    items: impl Iterator<Item = &'a Box<RawValue>>,
) -> Result<Vec<u8>, RpcError> {
    if asked.params.get("cursor").is_some() {
        let text = "no such `cursor`: the list is one page";
        return Err(RpcError::new(code::INVALID_PARAMS, text));
    }
    let items: Vec<_> = items.collect();
    Ok(page(asked, list, &items, None))
}

/// One page of a list.
pub(super) fn page<T: Serialize>(
    asked: &Asked<'_>,
    list: List,
    items: &[T],
    next_cursor: Option<String>,
) -> Vec<u8> {
    let modern = ModernList {
        ttl_ms: LIST_TTL_MS,
        // What is listed is what this client may use.
        cache_scope: CacheScope::Private,
        server_info: hello::info(),
    };
    let modern = (asked.era == Era::Modern).then_some(modern);
    result_reply(asked.request.id, &ListResult { list, items, next_cursor, modern })
}
