//! The methods that the gateway answers itself.

use serde_json::Value;

use crate::access::Access;
use crate::identity::Identity;
use crate::mcp::own as mcp_own;
use crate::registry::Table;

/// Whether this is one of the gateway's own methods.
pub(super) fn is_own(method: &str) -> bool {
    ["mcp.hello", "mcp.listCapabilities", "mcp.licence.check"].contains(&method)
}

/// The answer to one of the gateway's own methods; `None`: it is not one.
pub(super) fn answer(
    access: &Access,
    client: &Identity,
    table: &Table,
    method: &str,
) -> Option<Value> {
    let permitted = || {
        let all = table.methods().filter(|method| access.may_call(client, &method.declared));
        let own = mcp_own::shown(client).map(|tool| tool.method);
        all.map(|method| method.name.as_str()).chain(own)
    };
    match method {
        "mcp.hello" => Some(permitted().collect()),
        "mcp.listCapabilities" => Some(capabilities(table)),
        "mcp.licence.check" => Some(access.licence(client, permitted())),
        _ => None,
    }
}

/// The cap files as they are, in the order of their servers' names.
fn capabilities(table: &Table) -> Value {
    table.files().iter().filter_map(|file| serde_json::to_value(file).ok()).collect()
}
