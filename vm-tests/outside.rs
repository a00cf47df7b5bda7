//! Clients that nobody here wrote use the machine over the network, as a person's hosts do.

use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use crate::vm::Site;
use crate::vm::machine::{Machine, PERSON};
use crate::vm::mcp::Caller;

pub(crate) const RELIED_ON: &str =
    "the official Python and TypeScript clients use `/mcp` from outside, in both eras";
pub(crate) const RELIED_ON_WEBSOCKET: &str =
    "the official Python and TypeScript clients use `/ws` from outside";

/// Python with the official SDK, and with the last one that speaks WebSocket; and Node with the official SDKs.
const PYTHON: &str = "python/bin/python";
const PYTHON_WITH_WEBSOCKET: &str = "python-websocket/bin/python";
const NODE: &str = "node/node_modules/.bin/node";

/// The owner's rule by which these clients change files unasked, where the owner has put it, and how soon it is in force.
const RULE: &str = "@ask(\"never\") @untrusted(\"ok\") permit (principal, action, resource);";
const RULES: &str = "/etc/llmbasedos/policies/unasked.cedar";
const IN_FORCE: Duration = Duration::from_secs(20);

/// Through `/mcp`.
pub(crate) fn run(site: &Site<'_>, machine: &mut Machine) -> Result<()> {
    unasked(machine, |machine| through_mcp(site, machine))
}

/// Through `/ws`.
pub(crate) fn websocket(site: &Site<'_>, machine: &mut Machine) -> Result<()> {
    unasked(machine, |machine| through_websocket(site, machine))
}

/// Does something while the owner's rule is in force.
fn unasked(machine: &mut Machine, work: impl FnOnce(&mut Machine) -> Result<()>) -> Result<()> {
    machine.done(&format!("echo '{RULE}' > {RULES} && chmod 644 {RULES}"))?;
    let host = Caller::of(machine)?;
    crate::wait::until("the rule to be in force", IN_FORCE, || {
        let answer = host.ask("fs_delete", &json!({ "path": "/nothing" }))?;
        let kind = answer.pointer("/result/_meta/org.llmbasedos~1errorKind");
        Ok((kind == Some(&json!("not_found"))).then_some(()))
    })?;
    work(machine)?;
    machine.done(&format!("rm {RULES}"))?;
    Ok(())
}

fn through_mcp(site: &Site<'_>, machine: &mut Machine) -> Result<()> {
    let url = format!("http://127.0.0.1:{}/mcp", machine.port());
    for (program, script) in [(PYTHON, "python/four_calls.py"), (NODE, "typescript/four_calls.mjs")]
    {
        for era in ["modern", "legacy"] {
            check(site, machine, program, script, [("MCP_URL", &url), ("MCP_ERA", era)])?;
        }
    }
    Ok(())
}

fn through_websocket(site: &Site<'_>, machine: &mut Machine) -> Result<()> {
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
