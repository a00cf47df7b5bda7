//! `subscriptions/listen`: a request that stays open, and on which a client hears of changes (MCP 2026-07-28,
//! "Subscriptions").

use mcp_types::{
    ServerCapabilities, SubscriptionFilter, SubscriptionNotification, SubscriptionsListenResult,
    TaskNotification,
};
use mcp_wire::{Object, RpcError, code, result_reply};
use serde::Serialize;
use serde_json::value::RawValue;

use crate::mcp::tasks::Followed;
use crate::mcp::{Asked, Failure, Mcp};

impl Mcp {
    /// Tells the client of changes until it goes away, or the gateway does: only then there is a result.
    pub(super) async fn listen(
        &self,
        asked: &Asked<'_>,
        offered: &ServerCapabilities,
    ) -> Result<Vec<u8>, Failure> {
        let wishes = wishes(&asked.params)?;
        let mut followed = self.followed(asked, &wishes).await?;
        let granted = granted(&wishes, offered, &followed)?;
        let (mut versions, mut stopped) = (self.registry.versions(), self.stopped.clone());
        // A change from here on is told, also one that comes before the client knows that it is listened for.
        let mut known = *versions.borrow_and_update();
        // A request has an id, else it were a notification.
        let Some(id) = asked.request.envelope.get("id") else { return Err(unreadable().into()) };
        tell(asked, &SubscriptionNotification::acknowledged(id, granted.clone())).await?;
        loop {
            tokio::select! {
                biased;
                _ = stopped.changed() => break,
                changed = versions.changed() => if changed.is_err() { break },
                task = followed.changed() => {
                    if let Some(task) = self.told(asked, &task).await? {
                        tell(asked, &TaskNotification::new(id, task.detailed())).await?;
                    }
                }
            }
            let now = *versions.borrow_and_update();
            if granted.tools_list_changed && now.tools != known.tools {
                tell(asked, &SubscriptionNotification::tools_list_changed(id)).await?;
            }
            if granted.prompts_list_changed && now.prompts != known.prompts {
                tell(asked, &SubscriptionNotification::prompts_list_changed(id)).await?;
            }
            if granted.resources_list_changed && now.resources != known.resources {
                tell(asked, &SubscriptionNotification::resources_list_changed(id)).await?;
            }
            known = now;
        }
        Ok(result_reply(asked.request.id, &SubscriptionsListenResult::new(id)))
    }
}

/// What a client wants to hear of.
fn wishes<'a>(params: &Object<'a>) -> Result<Object<'a>, RpcError> {
    let wishes = params.get("notifications").map(|raw| Object::parse(raw.get()));
    wishes.and_then(Result::ok).ok_or_else(|| {
        let text = "`notifications` must be an object that names what you want to hear of";
        RpcError::new(code::INVALID_PARAMS, text)
    })
}

/// What of the client's wishes can be granted: changes of lists that there are, and of its tasks. Changes of single resources cannot.
fn granted(
    wishes: &Object<'_>,
    offered: &ServerCapabilities,
    followed: &Followed,
) -> Result<SubscriptionFilter, RpcError> {
    let wish = |key: &str| match wishes.get(key).map(RawValue::get) {
        None | Some("false") => Ok(false),
        Some("true") => Ok(true),
        Some(_) => {
            Err(RpcError::new(code::INVALID_PARAMS, format!("`{key}` must be true or false")))
        }
    };
    let has = |list: Option<mcp_types::ListCapability>| list.is_some_and(|list| list.list_changed);
    Ok(SubscriptionFilter {
        tools_list_changed: wish("toolsListChanged")? && offered.tools.list_changed,
        prompts_list_changed: wish("promptsListChanged")? && has(offered.prompts),
        resources_list_changed: wish("resourcesListChanged")? && has(offered.resources),
        task_ids: followed.ids(),
    })
}

/// Sends a notification; the first cannot be where the client would take no stream.
async fn tell(asked: &Asked<'_>, notification: &impl Serialize) -> Result<(), RpcError> {
    let message = serde_json::to_vec(notification).map_err(|_| unreadable())?;
    let sent = asked.door.outlet.send(message.into()).await;
    sent.map_err(|_| {
        let text = "`Accept` must list `text/event-stream`: a subscription is a stream";
        RpcError::new(code::NOT_ACCEPTABLE, text)
    })
}

fn unreadable() -> RpcError {
    RpcError::new(code::INTERNAL_ERROR, "the notification could not be written")
}
