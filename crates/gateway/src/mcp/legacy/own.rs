//! The methods that the gateway answers itself.

use capfile::{CapFile, TextSource, TextSources};
use serde_json::Value;

use crate::access::Access;
use crate::identity::Identity;
use crate::registry::Table;

/// Whether this is one of the gateway's own methods.
pub(super) fn is_own(method: &str) -> bool {
    ["mcp.hello", "mcp.listCapabilities", "mcp.licence.check"].contains(&method)
}

/// The answer to one of the gateway's own methods, and from where text in it comes; `None`: it is not one.
pub(super) fn answer(
    access: &Access,
    client: &Identity,
    table: &Table,
    method: &str,
) -> Option<(Value, TextSources)> {
    let permitted = || {
        let all = table.methods().filter(|method| access.may_call(client, &method.declared));
        all.map(|method| method.name.as_str())
    };
    let ours = |value| Some((value, TextSources::NONE));
    match method {
        "mcp.hello" => ours(permitted().collect()),
        "mcp.listCapabilities" => Some(capabilities(access, client, table)),
        "mcp.licence.check" => ours(access.licence(client, permitted())),
        _ => None,
    }
}

/// The cap files in the order of their servers' names, without what this one may not call.
fn capabilities(access: &Access, client: &Identity, table: &Table) -> (Value, TextSources) {
    let files = table.files().iter().filter_map(|file| permitted(access, client, file));
    let files: Vec<CapFile> = files.collect();
    let strangers = files.iter().any(|file| file.third_party);
    let sources = if strangers { TextSource::Server.into() } else { TextSources::NONE };
    (files.iter().filter_map(|file| serde_json::to_value(file).ok()).collect(), sources)
}

/// What this one may use of a server; `None`: nothing.
fn permitted(access: &Access, client: &Identity, file: &CapFile) -> Option<CapFile> {
    let may = |method: &str| access.rulebook().may_ever(client, method);
    let mut file = file.clone();
    file.capabilities.retain(|method| may(method.method.as_str()));
    if !may(&format!("mcp.{}.prompts", file.service_name)) {
        file.prompts.clear();
    }
    if !may(&format!("mcp.{}.resources", file.service_name)) {
        file.resource_uris.clear();
    }
    let nothing =
        file.capabilities.is_empty() && file.prompts.is_empty() && file.resource_uris.is_empty();
    (!nothing).then_some(file)
}
