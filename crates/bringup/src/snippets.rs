//! What to paste into a host.

use crate::facts::Facts;

/// The name under which hosts know the server.
const NAME: &str = "llmbasedos";

/// The configuration of each host, with its title, ready to be pasted.
pub(crate) fn snippets(facts: &Facts) -> [(&'static str, String); 3] {
    let Facts { endpoint, key, .. } = facts;
    let headers = serde_json::json!({ "Authorization": format!("Bearer {key}") });
    let vs_code = serde_json::json!({
        "servers": { NAME: { "type": "http", "url": endpoint, "headers": headers } }
    });
    let cursor = serde_json::json!({
        "mcpServers": { NAME: { "url": endpoint, "headers": headers } }
    });
    [
        ("VS Code (.vscode/mcp.json)", format!("{vs_code:#}")),
        ("Cursor (~/.cursor/mcp.json)", format!("{cursor:#}")),
        (
            "Claude Code",
            format!(
                "claude mcp add --transport http {NAME} {endpoint} --header \"Authorization: Bearer {key}\""
            ),
        ),
    ]
}
