//! What the server declares: its tools and prompts, and the cap file that the gateway reads.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use serde_json::{Value, json};

use crate::prompts;
use crate::resources;

/// The name of the server; it stands before all others in a list of tools, as the suite calls the first tool.
const SERVICE: &str = "conformance";
/// The tool that comes and goes.
pub(crate) const CHANGING: &str = "test_changing_tool";
/// Everybody may read a cap file, and only its owner write it; the gateway insists on that.
const CAP_FILE_MODE: u32 = 0o644;

/// The tools without arguments: the name, and what it does. The suite's header scenario calls the first without any.
const PLAIN: [(&str, &str); 23] = [
    ("test_simple_text", "Answers with a text"),
    ("test_image_content", "Answers with a picture"),
    ("test_audio_content", "Answers with a sound"),
    ("test_embedded_resource", "Answers with a resource"),
    ("test_multiple_content_types", "Answers with a text, a picture and a resource"),
    ("test_error_handling", "Fails"),
    ("test_tool_with_logging", "Logs three messages"),
    ("test_tool_with_progress", "Tells three times how far it is"),
    ("test_logging_tool", "Logs one message"),
    ("test_missing_capability", "Needs a client that can sample"),
    ("test_streaming_elicitation", "Tells how far it is, then asks for a name"),
    ("test_trigger_tool_change", "Adds a tool, or takes it away again"),
    ("test_trigger_prompt_change", "Adds a prompt, or takes it away again"),
    ("test_elicitation_sep1034_defaults", "Asks with a form that has defaults"),
    ("test_elicitation_sep1330_enums", "Asks with a form that has choices"),
    ("test_input_required_result_elicitation", "Asks a person for a name"),
    ("test_input_required_result_sampling", "Asks a model a question"),
    ("test_input_required_result_list_roots", "Asks for the client's folders"),
    ("test_input_required_result_request_state", "Asks, and gives the client a state to carry"),
    ("test_input_required_result_multiple_inputs", "Asks three things at once"),
    ("test_input_required_result_multi_round", "Asks twice"),
    ("test_input_required_result_tampered_state", "Asks, and notices a changed state"),
    ("test_input_required_result_capabilities", "Asks only what the client can be asked"),
];

/// What comes and goes, and whether it is there now.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Offers {
    /// The tool [`CHANGING`].
    pub(crate) tool: bool,
    /// The prompt [`prompts::CHANGING`].
    pub(crate) prompt: bool,
}

/// The tools that are there now.
pub(crate) fn tools(offers: Offers) -> Vec<Value> {
    let nothing = json!({ "type": "object", "properties": {} });
    let mut tools: Vec<Value> =
        PLAIN.iter().map(|(name, text)| tool(name, text, &nothing)).collect();
    let text = |name: &str| json!({ "type": "object", "properties": { name: { "type": "string" } }, "required": [name] });
    tools.push(tool("test_sampling", "Asks the client's model", &text("prompt")));
    tools.push(tool(
        "test_elicitation",
        "Asks a person for a name and an address",
        &text("message"),
    ));
    let region = json!({
        "type": "object",
        "properties": { "region": { "type": "string", "x-mcp-header": "Region" } },
    });
    tools.push(tool("test_header_parameter", "Has a parameter that is a header too", &region));
    tools.push(tool("json_schema_2020_12_tool", "Has a schema with many keywords", &schema()));
    if offers.tool {
        tools.push(tool(CHANGING, "A tool that comes and goes", &nothing));
    }
    tools
}

fn tool(name: &str, text: &str, schema: &Value) -> Value {
    json!({ "name": name, "title": text, "description": text, "inputSchema": schema })
}

/// A schema with the keywords that a gateway must not take away (SEP-1613, SEP-2106).
fn schema() -> Value {
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "$defs": {
            "address": {
                "$anchor": "addressDef",
                "type": "object",
                "properties": { "street": { "type": "string" }, "city": { "type": "string" } },
            },
        },
        "properties": {
            "name": { "type": "string" },
            "address": { "$ref": "#/$defs/address" },
            "contactMethod": { "type": "string", "enum": ["phone", "email"] },
            "phone": { "type": "string" },
            "email": { "type": "string" },
        },
        "allOf": [{ "anyOf": [{ "required": ["phone"] }, { "required": ["email"] }] }],
        "if": {
            "properties": { "contactMethod": { "const": "phone" } },
            "required": ["contactMethod"],
        },
        "then": { "required": ["phone"] },
        "else": { "required": ["email"] },
        "additionalProperties": false,
    })
}

/// Writes the cap file, whole or not at all.
pub(crate) fn write_cap_file(path: &Path, offers: Offers) -> io::Result<()> {
    let method = |tool: Value| {
        let name = tool["name"].as_str().unwrap_or_default();
        json!({
            "method": format!("mcp.{SERVICE}.{}", name.trim_start_matches("test_")),
            "description": tool["description"],
            "params_schema": { "type": "array", "maxItems": 0 },
            "tool": tool,
        })
    };
    let file = json!({
        "service_name": SERVICE,
        "description": "The fixture of the conformance suite",
        "version": env!("CARGO_PKG_VERSION"),
        "capabilities": tools(offers).into_iter().map(method).collect::<Vec<_>>(),
        "prompts": prompts::declared(offers.prompt),
        "resource_uris": [resources::PREFIX],
        "completions": true,
        "logging": true,
    });
    let new = path.with_extension("new");
    fs::write(&new, file.to_string())?;
    fs::set_permissions(&new, Permissions::from_mode(CAP_FILE_MODE))?;
    fs::rename(&new, path)
}
