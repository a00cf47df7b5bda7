//! The methods that the gateway answers itself.

use serde_json::{Value, json};

use crate::access::Access;
use crate::identity::Identity;
use crate::registry::Table;

/// What stands where the old contract has a number and no limit applies.
const NO_LIMIT: &str = "N/A";

/// The answer to one of the gateway's own methods; `None`: it is not one.
pub(super) fn answer(
    access: &Access,
    client: &Identity,
    table: &Table,
    method: &str,
) -> Option<Value> {
    let permitted = || {
        let all = table.methods().filter(|method| access.may_call(client, &method.declared));
        all.map(|method| method.name.as_str())
    };
    match method {
        "mcp.hello" => Some(permitted().collect()),
        "mcp.listCapabilities" => Some(capabilities(table)),
        "mcp.licence.check" => Some(licence(permitted())),
        _ => None,
    }
}

/// The cap files as they are, in the order of their servers' names.
fn capabilities(table: &Table) -> Value {
    table.files().iter().filter_map(|file| serde_json::to_value(file).ok()).collect()
}

/// What the contract has for an appliance without a licence file, save for `effective_permissions` and the quotas: those tell
/// what is really so. There is no licence that could be installed yet.
fn licence<'a>(permitted: impl Iterator<Item = &'a str>) -> Value {
    json!({
        "tier": "FREE",
        "key_id": null,
        "user_identifier": "anonymous",
        "is_valid": true,
        "expires_at": null,
        "effective_permissions": permitted.collect::<Vec<_>>(),
        "quotas": {
            "api_requests_limit": NO_LIMIT,
            "api_requests_limit_human": NO_LIMIT,
            "api_requests_remaining_in_window": NO_LIMIT,
            "llm_access": false,
            "allowed_llm_models": [],
            "max_llm_tokens_per_request": 0,
            "max_llm_tokens_per_day": 0,
            "max_llm_tokens_per_day_limit": 0,
            "llm_tokens_today_remaining": NO_LIMIT,
        },
        "note": "This version knows no licences: whoever may connect may call every method that is listed in \
            `effective_permissions`, and nothing limits how often.",
    })
}
