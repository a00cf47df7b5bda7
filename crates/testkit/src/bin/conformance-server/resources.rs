//! Resources, and the template of some.

use mcp_wire::RpcError;
use serde_json::{Value, json};

use crate::call::{Call, invalid};
use crate::content;

/// What every URI of this server begins with.
pub(crate) const PREFIX: &str = "test://";

/// `resources/list`.
pub(crate) fn list() -> Value {
    let resource = |name: &str, title: &str, kind: &str| {
        let uri = format!("{PREFIX}{name}");
        json!({ "uri": uri, "name": name, "title": title, "description": title, "mimeType": kind })
    };
    let items = json!([
        resource("static-text", "A text that stays as it is", "text/plain"),
        resource("static-binary", "A picture that stays as it is", "image/png"),
        resource("watched-resource", "A text that can be watched", "text/plain"),
    ]);
    content::cacheable("resources", &items)
}

/// `resources/templates/list`.
pub(crate) fn templates() -> Value {
    let template = json!({
        "uriTemplate": format!("{PREFIX}template/{{id}}/data"),
        "name": "template",
        "title": "Data by its id",
        "description": "The data that has this id",
        "mimeType": "application/json",
    });
    content::cacheable("resourceTemplates", &json!([template]))
}

/// `resources/read`.
pub(crate) fn read(call: &Call) -> Result<Value, RpcError> {
    let uri = call.text("uri")?;
    let text = |text: &str| json!({ "uri": uri, "mimeType": "text/plain", "text": text });
    let found = match uri.strip_prefix(PREFIX) {
        Some("static-text") => text("This is the content of the static text resource."),
        Some("static-binary") => content::blob(uri),
        Some("watched-resource") => text("This is the content of the watched resource."),
        Some(name) => from_template(uri, name).ok_or_else(|| not_found(uri))?,
        None => return Err(not_found(uri)),
    };
    Ok(content::cacheable("contents", &json!([found])))
}

fn from_template(uri: &str, name: &str) -> Option<Value> {
    let id = name.strip_prefix("template/")?.strip_suffix("/data")?;
    if id.is_empty() || id.contains('/') {
        return None;
    }
    let data = format!("Data for ID: {id}");
    let text = json!({ "id": id, "templateTest": true, "data": data }).to_string();
    Some(json!({ "uri": uri, "mimeType": "application/json", "text": text }))
}

fn not_found(uri: &str) -> RpcError {
    invalid("there is no such resource").with_data(json!({ "uri": uri }))
}
