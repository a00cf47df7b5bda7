//! A daemon that dies is back with the next call, and whoever called meanwhile is told.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use crate::vm::Site;
use crate::vm::machine::Machine;
use crate::vm::mcp::Caller;

pub(crate) const RELIED_ON: &str =
    "a daemon that is killed is back with the next call, and every caller gets an answer";

/// How long a daemon may take to be back: systemd waits a moment before it starts it anew.
const BACK: Duration = Duration::from_secs(30);

pub(crate) fn run(_: &Site<'_>, machine: &mut Machine) -> Result<()> {
    let host = Caller::of(machine)?;
    let list = || host.ask("fs_list", &json!({ "path": "/" }));
    for daemon in ["fs", "gateway"] {
        ensure!(is_listed(&list()?), "it does not work before anything was killed");
        let unit = format!("llmbasedos-{daemon}.service");
        let before = pid(machine, &unit)?;
        machine.done(&format!("kill -9 {before}"))?;
        // The socket is systemd's: even the gateway's own death refuses nobody.
        let during =
            list().with_context(|| format!("{daemon} was killed, and a caller got no answer"))?;
        ensure!(is_listed(&during) || is_typed_error(&during), "{daemon} was killed: {during}");
        crate::wait::until(&format!("{daemon} to be back"), BACK, || {
            Ok(is_listed(&list()?).then_some(()))
        })?;
        let after = pid(machine, &unit)?;
        ensure!(after != before, "{unit} is process {before} still");
    }
    // Nothing runs at all, and the call itself starts it.
    machine.done("systemctl stop llmbasedos-fs.service")?;
    ensure!(machine.run("systemctl is-active llmbasedos-fs.service")?.out.trim() == "inactive");
    let first = list()?;
    ensure!(is_listed(&first), "the call that starts it: {first}");
    machine.done("systemctl is-active llmbasedos-fs.service")?;
    Ok(())
}

fn pid(machine: &mut Machine, unit: &str) -> Result<u32> {
    let pid = machine.done(&format!("systemctl show -P MainPID {unit}"))?.parse()?;
    ensure!(pid != 0, "{unit} does not run");
    Ok(pid)
}

fn is_listed(answer: &Value) -> bool {
    answer["result"]["structuredContent"]["entries"].is_array()
}

fn is_typed_error(answer: &Value) -> bool {
    answer["error"]["code"].is_i64() && answer["error"]["message"].is_string()
}
