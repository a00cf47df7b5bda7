//! The requests that are under way, and the task of each.

use std::collections::HashMap;

use mcp_wire::{Id, Object, RpcError, code};
use serde_json::value::RawValue;
use tokio::task::{self, AbortHandle};

/// The requests that are under way, by id.
#[derive(Debug, Default)]
pub(super) struct UnderWay(HashMap<String, Request>);

#[derive(Debug)]
struct Request {
    task: AbortHandle,
    modern: bool,
}

/// A place among the requests, not taken yet.
#[derive(Debug)]
pub(super) struct Place(String);

impl UnderWay {
    /// Whether one more may begin: there are fewer than `max`, and none has this id.
    pub(super) fn admit(&self, id: Id<'_>, max: usize) -> Result<Place, RpcError> {
        if self.0.len() >= max {
            let message =
                format!("{max} requests are under way: wait for an answer before the next");
            return Err(RpcError::new(code::OVERLOADED, message));
        }
        let key = key(id.as_str());
        if self.0.contains_key(&key) {
            let message = "a request with this id is under way: use each id once";
            return Err(RpcError::new(code::INVALID_REQUEST, message));
        }
        Ok(Place(key))
    }

    /// Takes the place.
    pub(super) fn started(&mut self, place: Place, task: AbortHandle, modern: bool) {
        self.0.insert(place.0, Request { task, modern });
    }

    /// A task has ended.
    pub(super) fn ended(&mut self, task: task::Id) {
        self.0.retain(|_, request| request.task.id() != task);
    }

    /// Drops the request that `{requestId}` names; says whether it was of the modern era, if it was there.
    pub(super) fn cancel(&mut self, params: Option<&RawValue>) -> Option<bool> {
        let params = Object::parse(params?.get()).ok()?;
        let request = self.0.remove(&key(params.get("requestId")?.get()))?;
        request.task.abort();
        Some(request.modern)
    }
}

/// An id in one spelling: a string can be written with escapes or without.
fn key(id: &str) -> String {
    match serde_json::from_str::<String>(id) {
        Ok(text) => format!("\"{text}"),
        Err(_) => id.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_request_is_found_by_its_id_however_it_is_spelt() {
        let raw = |json: &str| RawValue::from_string(json.to_owned()).unwrap();
        let mut under_way = UnderWay::default();
        for (number, id) in ["\"a\"", "7", "\"7\""].into_iter().enumerate() {
            let id = raw(id);
            let place = under_way.admit(Id::new(&id).unwrap(), 3).unwrap();
            let task = tokio::spawn(std::future::pending::<()>()).abort_handle();
            under_way.started(place, task, number == 0);
        }
        let full = under_way.admit(Id::new(&raw("8")).unwrap(), 3).unwrap_err();
        assert_eq!(full.code, code::OVERLOADED);
        let twice = under_way.admit(Id::new(&raw("7")).unwrap(), 4).unwrap_err();
        assert_eq!(twice.code, code::INVALID_REQUEST);

        let mut cancel = |params: &str| under_way.cancel(Some(&raw(params)));
        assert_eq!(cancel(r#"{"requestId":"\u0061"}"#), Some(true));
        assert_eq!(cancel(r#"{"requestId":"a"}"#), None);
        assert_eq!(cancel(r#"{"requestId":7}"#), Some(false));
        assert_eq!(cancel("{}"), None);
        assert_eq!(cancel("[7]"), None);
        assert_eq!(under_way.0.len(), 1);
    }
}
