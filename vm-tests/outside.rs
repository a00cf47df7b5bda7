//! Clients that nobody here wrote use the machine over the network, as a person's hosts do.

use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::vm::Site;
use crate::vm::machine::{Machine, PERSON};

pub(crate) const RELIED_ON: &str =
    "the official Python and TypeScript clients use `/mcp` from outside, in both eras";
pub(crate) const RELIED_ON_WEBSOCKET: &str =
    "the official Python and TypeScript clients use `/ws` from outside";

/// Python with the official SDK, and with the last one that speaks WebSocket; and Node with the official SDKs.
const PYTHON: &str = "python/bin/python";
const PYTHON_WITH_WEBSOCKET: &str = "python-websocket/bin/python";
const NODE: &str = "node/node_modules/.bin/node";

/// Through `/mcp`.
pub(crate) fn run(site: &Site<'_>, machine: &mut Machine) -> Result<()> {
    let url = format!("http://127.0.0.1:{}/mcp", machine.port());
    for (program, script) in [(PYTHON, "python/four_calls.py"), (NODE, "typescript/four_calls.mjs")]
    {
        for era in ["modern", "legacy"] {
            check(site, machine, program, script, [("MCP_URL", &url), ("MCP_ERA", era)])?;
        }
    }
    Ok(())
}

/// Through `/ws`.
pub(crate) fn websocket(site: &Site<'_>, machine: &mut Machine) -> Result<()> {
    let url = format!("ws://127.0.0.1:{}/ws", machine.port());
    for (program, script, show) in [
        (PYTHON_WITH_WEBSOCKET, "python/websocket_calls.py", "header"),
        (NODE, "typescript/websocket_calls.mjs", "protocol"),
        (NODE, "typescript/websocket_calls.mjs", "frame"),
    ] {
        check(site, machine, program, script, [("MCP_WS", &url), ("MCP_SHOW", show)])?;
    }
    Ok(())
}

/// Runs a client, which checks each step itself and says what it saw.
fn check(
    site: &Site<'_>,
    machine: &mut Machine,
    program: &str,
    script: &str,
    how: [(&str, &str); 2],
) -> Result<()> {
    let prepared = machine
        .run_as(PERSON, "mkdir -p ~/files/notes && echo untouched > ~/files/notes/other.txt")?;
    ensure!(prepared.status == 0, "the person cannot write: {}", prepared.err);
    let tools = site.cache.tools();
    let mut client = Command::new(tools.join(program));
    client.arg(site.workspace.root.join("crates/testkit/clients").join(script));
    client.env("LLMBASEDOS_TOOLS", &tools).env("MCP_KEY", machine.key()?).envs(how);
    let output = client.output().with_context(|| format!("start `{program}`"))?;
    let (out, err) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    let what = format!("{script} with {}", how[1].1);
    ensure!(output.status.success() && err.is_empty(), "{what}: {out}{err}");
    let report: Value = serde_json::from_str(out.lines().last().unwrap_or_default())
        .with_context(|| format!("{what} reports {out}"))?;
    ensure!(report["ok"] == true, "{what}: {report}");
    crate::say::line(format!("{what}: {}", report["steps"]));
    // What it made it also deleted, and it touched nothing else.
    let left =
        machine.run_as(PERSON, "cd ~/files/notes && ls && cat other.txt && rm -r ~/files/notes")?;
    ensure!(left.out == "other.txt\nuntouched\n", "{what} left {left:?}");
    Ok(())
}
