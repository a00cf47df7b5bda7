//! What to paste into a host.

use std::env;
use std::path::PathBuf;

use crate::facts::Facts;

/// The name under which hosts know the server.
const NAME: &str = "llmbasedos";

/// The configuration of each host, with its title, ready to be pasted.
pub(crate) fn snippets(facts: &Facts) -> [(&'static str, String); 4] {
    let Facts { endpoint, key, .. } = facts;
    let headers = serde_json::json!({ "Authorization": format!("Bearer {key}") });
    let vs_code = serde_json::json!({
        "servers": { NAME: { "type": "http", "url": endpoint, "headers": headers } }
    });
    let cursor = serde_json::json!({
        "mcpServers": { NAME: { "url": endpoint, "headers": headers } }
    });
    let claude_desktop = serde_json::json!({
        "mcpServers": { NAME: {
            "command": bridge(),
            "args": ["mcp", "--url", endpoint],
            "env": { "LLMBASEDOS_KEY": key },
        } }
    });
    [
        ("VS Code (.vscode/mcp.json)", format!("{vs_code:#}")),
        ("Cursor (~/.cursor/mcp.json)", format!("{cursor:#}")),
        ("Claude Desktop (claude_desktop_config.json)", format!("{claude_desktop:#}")),
        (
            "Claude Code",
            format!(
                "claude mcp add --transport http {NAME} {endpoint} --header \"Authorization: Bearer {key}\""
            ),
        ),
    ]
}

/// The program that Claude Desktop starts, as an absolute path, since it has a search path of its own: the one beside
/// this program.
fn bridge() -> PathBuf {
    let program = env::current_exe().unwrap_or_default();
    program.with_file_name("llmbasedos")
}
