//! `resources/list` and `resources/templates/list`: resources come and go, so the servers themselves are asked, all at once.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use capfile::TextSources;
use futures_util::future::join_all;
use mcp_types::List;
use mcp_wire::limits::MAX_REPLY_BYTES;
use mcp_wire::{Edit, Message, Object, RpcError, code};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::limits::{LIST_WAIT, MAX_CURSOR_BYTES};
use crate::mcp::pass::{self, Passing};
use crate::mcp::{Asked, Failure, Mcp, forward, lists};
use crate::registry::{Backend, Table};
use crate::upstream::CallError;

/// Where the lists of some servers go on: cursors of their own by their names; none where a list begins.
type Places = BTreeMap<String, Option<String>>;

/// One page of one server.
struct Page {
    items: Vec<Box<RawValue>>,
    next: Option<String>,
    /// From where its text comes.
    sources: TextSources,
}

impl Mcp {
    /// The pages of all servers that have one, as one page. A server that does not answer is left out, so that it takes nobody
    /// else's resources with it, unless nobody answers.
    pub(super) async fn list_resources(
        &self,
        asked: &Asked<'_>,
        list: List,
    ) -> Result<Vec<u8>, Failure> {
        let table = &self.registry.table();
        let mut backends = table.with_resources();
        backends.retain(|_, backend| self.access.may_call(asked.door.client, &backend.resources));
        let places = match asked.params.get("cursor") {
            None => backends.keys().map(|name| (name.clone(), None)).collect(),
            Some(_) => read_cursor(&asked.params.get_str("cursor").unwrap_or_default())?,
        };
        let asking = places.iter().filter_map(|(name, place)| {
            let backend = backends.get(name)?;
            Some(async move {
                (name, place, self.page_of(asked, table, backend, list, place.as_deref()).await)
            })
        });
        let (mut items, mut bytes, mut next) = (Vec::new(), 0, Places::new());
        let (mut answered, mut failed, mut sources) = (false, None, TextSources::NONE);
        for (name, place, page) in join_all(asking).await {
            let page = match page {
                Ok(page) => page,
                Err(error) => {
                    tracing::warn!(server = name, "a list was left out");
                    failed = Some(error);
                    continue;
                }
            };
            let length: usize = page.items.iter().map(|item| item.get().len()).sum();
            if answered && bytes + length > MAX_REPLY_BYTES {
                // It is asked again for the next page.
                next.insert(name.clone(), place.clone());
                continue;
            }
            answered = true;
            sources = sources.and(page.sources);
            bytes += length;
            items.extend(page.items);
            if let Some(place) = page.next {
                next.insert(name.clone(), Some(place));
            }
        }
        match failed {
            Some(error) if !answered => Err(error.into()),
            _ => Ok(lists::page(asked, list, &items, write_cursor(next), sources)),
        }
    }

    /// One page of one server, without what is not its own.
    async fn page_of(
        &self,
        asked: &Asked<'_>,
        table: &Table,
        backend: &Backend,
        list: List,
        place: Option<&str>,
    ) -> Result<Page, RpcError> {
        let place = place.map(|place| Value::from(place).to_string());
        let cursor = place.as_deref().map_or(Edit::Remove, Edit::Raw);
        let edits = [("cursor", cursor)];
        let call = Passing { declared: &backend.resources, grant: None, answered: false };
        let asking = self.reply_to(asked, backend, call, &edits);
        let reply = tokio::time::timeout(LIST_WAIT, asking);
        let reply = reply.await.unwrap_or_else(|_| Err(forward::failed(CallError::TimedOut)))?;
        let page = read_page(&reply, list).ok_or_else(|| pass::broken(backend))?;
        let some = !page.items.is_empty();
        let sources = if some { backend.resources.text_from } else { TextSources::NONE };
        self.heard(asked.door, sources).await;
        let key = if list == List::Resources { "uri" } else { "uriTemplate" };
        let mut items = page.items;
        items.retain(|item| {
            let item = Object::parse(item.get()).ok();
            let holder = item.and_then(|item| table.resource(&item.get_str(key)?));
            let own = holder.is_some_and(|holder| holder.name() == backend.name());
            if !own {
                tracing::warn!(
                    server = backend.name(),
                    "a resource was left out that is not its own"
                );
            }
            own
        });
        Ok(Page { items, next: page.next, sources })
    }
}

/// The page that a reply holds; `None` where it holds none, an error included.
fn read_page(reply: &[u8], list: List) -> Option<Page> {
    let Message::Response(response) = Message::parse(std::str::from_utf8(reply).ok()?).ok()? else {
        return None;
    };
    let result = Object::parse(response.outcome.ok()?.get()).ok()?;
    let items = serde_json::from_str(result.get(list.member())?.get()).ok()?;
    let next = match result.get("nextCursor") {
        None => None,
        Some(_) => Some(result.get_str("nextCursor")?.into_owned()),
    };
    Some(Page { items, next, sources: TextSources::NONE })
}

/// Where the next page begins, as text that means nothing to the client; `None` where there is none. What would make it longer than we
/// take back is left out, the longest place first, so that no server takes the others' next pages with it.
fn write_cursor(mut places: Places) -> Option<String> {
    while !places.is_empty() {
        let cursor = URL_SAFE_NO_PAD.encode(serde_json::to_vec(&places).ok()?);
        if cursor.len() <= MAX_CURSOR_BYTES {
            return Some(cursor);
        }
        let longest = places.iter().max_by_key(|(_, place)| place.as_ref().map(String::len));
        let server = longest?.0.clone();
        tracing::warn!(server, "the rest of a list was left out: its cursor is too long");
        places.remove(&server);
    }
    None
}

fn read_cursor(cursor: &str) -> Result<Places, RpcError> {
    let decoded = (cursor.len() <= MAX_CURSOR_BYTES).then(|| URL_SAFE_NO_PAD.decode(cursor).ok());
    let places = decoded.flatten().and_then(|text| serde_json::from_slice(&text).ok());
    places.ok_or_else(|| {
        let text =
            "no such `cursor`: send the `nextCursor` of the page before, or none to begin anew";
        RpcError::new(code::INVALID_PARAMS, text)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_says_where_each_server_goes_on() {
        let places: Places =
            [("fs".to_owned(), Some("12".to_owned())), ("mail".to_owned(), None)].into();
        let cursor = write_cursor(places.clone()).unwrap();
        assert_eq!(read_cursor(&cursor).unwrap(), places);
        assert_eq!(write_cursor(Places::new()), None);
        let long = "A".repeat(MAX_CURSOR_BYTES + 4);
        for strange in ["", "x", "!", "W10", &long] {
            let error = read_cursor(strange).unwrap_err();
            assert_eq!(error.code, code::INVALID_PARAMS, "{strange}");
        }
    }

    #[test]
    fn a_cursor_that_is_given_is_taken_back() {
        // As long as it may be with `fs` beside it, and one more: then only that of `fs` is given.
        let with = |length: usize| {
            let long = ("mail".to_owned(), Some("x".repeat(length)));
            let places: Places = [("fs".to_owned(), Some("12".to_owned())), long].into();
            write_cursor(places).map(|cursor| (cursor.len(), read_cursor(&cursor).unwrap().len()))
        };
        let most = (MAX_CURSOR_BYTES / 4) * 3 - r#"{"fs":"12","mail":""}"#.len();
        assert_eq!(with(most), Some((MAX_CURSOR_BYTES, 2)));
        assert!(with(most - 1).is_some_and(|(_, places)| places == 2));
        assert!(with(most + 1).is_some_and(|(_, places)| places == 1));
    }

    #[test]
    fn a_page_is_read_and_anything_else_is_none() {
        let read = |result: &str| {
            let reply = format!(r#"{{"jsonrpc":"2.0","id":1,"result":{result}}}"#);
            read_page(reply.as_bytes(), List::Resources).map(|page| (page.items.len(), page.next))
        };
        assert_eq!(read(r#"{"resources":[]}"#), Some((0, None)));
        assert_eq!(
            read(r#"{"resources":[{},{}],"nextCursor":"a"}"#),
            Some((2, Some("a".to_owned())))
        );
        for strange in [r#"{"resources":{}}"#, "{}", r#"{"resources":[],"nextCursor":1}"#] {
            assert_eq!(read(strange), None, "{strange}");
        }
        let error = br#"{"jsonrpc":"2.0","id":1,"error":{"code":1,"message":""}}"#;
        assert!(read_page(error, List::Resources).is_none());
    }
}
