//! What is said on a `subscriptions/listen` (MCP 2026-07-28, "Subscriptions").

use serde::Serialize;
use serde_json::value::RawValue;

use crate::result::ResultType;

/// The changes that a client hears of (`SubscriptionFilter`).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SubscriptionFilter {
    /// Of the list of tools.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub tools_list_changed: bool,
    /// Of the list of prompts.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub prompts_list_changed: bool,
    /// Of the list of resources.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub resources_list_changed: bool,
    /// Of these tasks (the extension of tasks).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub task_ids: Vec<String>,
}

/// A notification on a subscription.
#[derive(Debug, Clone, Serialize)]
pub struct SubscriptionNotification<'a> {
    jsonrpc: &'static str,
    method: &'static str,
    params: Params<'a>,
}

/// The result of a subscription, which says that it has ended (`SubscriptionsListenResult`).
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SubscriptionsListenResult<'a> {
    result_type: ResultType,
    #[serde(rename = "_meta")]
    meta: Meta<'a>,
}

#[derive(Debug, Clone, Serialize)]
struct Params<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    notifications: Option<SubscriptionFilter>,
    #[serde(rename = "_meta")]
    meta: Meta<'a>,
}

/// Which subscription it is: the id of the request that opened it.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Meta<'a> {
    #[serde(rename = "io.modelcontextprotocol/subscriptionId")]
    pub(crate) subscription_id: &'a RawValue,
}

impl<'a> SubscriptionNotification<'a> {
    /// The first one: what of the wishes of the request with this `id` is granted.
    pub const fn acknowledged(id: &'a RawValue, granted: SubscriptionFilter) -> Self {
        Self::new("notifications/subscriptions/acknowledged", id, Some(granted))
    }

    /// The list of tools has changed.
    pub const fn tools_list_changed(id: &'a RawValue) -> Self {
        Self::new("notifications/tools/list_changed", id, None)
    }

    /// The list of prompts has changed.
    pub const fn prompts_list_changed(id: &'a RawValue) -> Self {
        Self::new("notifications/prompts/list_changed", id, None)
    }

    /// The list of resources has changed.
    pub const fn resources_list_changed(id: &'a RawValue) -> Self {
        Self::new("notifications/resources/list_changed", id, None)
    }

    const fn new(
        method: &'static str,
        id: &'a RawValue,
        notifications: Option<SubscriptionFilter>,
    ) -> Self {
        let meta = Meta { subscription_id: id };
        Self { jsonrpc: "2.0", method, params: Params { notifications, meta } }
    }
}

impl<'a> SubscriptionsListenResult<'a> {
    /// The end of the subscription that the request with this `id` opened.
    pub const fn new(id: &'a RawValue) -> Self {
        Self { result_type: ResultType::Complete, meta: Meta { subscription_id: id } }
    }
}
