//! Where the kernel has AppArmor and the profiles are loaded, the daemons run under them, and do their work all the same.

use std::fs;

use anyhow::{Context, Result, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use crate::process;
use crate::vm::Site;
use crate::vm::machine::Machine;
use crate::vm::mcp::Caller;

pub(crate) const RELIED_ON: &str =
    "with the AppArmor profiles loaded (Debian, Ubuntu), the daemons are held by them and work";

/// Where a kernel takes compiled profiles.
const LOAD: &str = "/sys/kernel/security/apparmor/.replace";
/// Where a fresh test of denials begins in the kernel's log.
const MARK: &str = "the profiles are loaded";

pub(crate) fn run(site: &Site<'_>, machine: &mut Machine) -> Result<()> {
    let host = Caller::of(machine)?;
    for daemon in ["gateway", "fs"] {
        load(site, machine, daemon)?;
    }
    machine.done(&format!("echo \"{MARK}\" > /dev/kmsg"))?;
    for daemon in ["gateway", "fs"] {
        machine.done(&format!("systemctl restart llmbasedos-{daemon}.service"))?;
    }
    host.call("fs_write", &json!({ "path": "/held.txt", "content": "held" }))?;
    let read = host.call("fs_read", &json!({ "path": "/held.txt" }))?;
    ensure!(read["content"] == "held", "the host reads {read}");
    host.call("fs_delete", &json!({ "path": "/held.txt" }))?;
    for daemon in ["gateway", "fs"] {
        let held = machine.done(&format!(
            "cat /proc/$(systemctl show -P MainPID llmbasedos-{daemon})/attr/current"
        ))?;
        ensure!(held == format!("llmbasedos-{daemon} (enforce)"), "{daemon} is held by: {held}");
    }
    let denied = machine
        .done(&format!("dmesg | sed -n \"/{MARK}/,\\$p\" | grep -c 'apparmor=.DENIED' || true"))?;
    ensure!(denied == "0", "what the daemons need is denied {denied} times");
    Ok(())
}

/// Compiles a profile here, since the machine has no compiler for it, and gives it to the machine's kernel.
fn load(site: &Site<'_>, machine: &mut Machine, daemon: &str) -> Result<()> {
    let tools = site.trees.tools().join("etc/apparmor.d");
    let folder = tempfile::tempdir()?;
    let compiled = folder.path().join("profile");
    let mut parser = site.trees.command("usr/sbin/apparmor_parser");
    parser.args(["--skip-kernel-load", "--skip-cache", "--quiet", "--base"]).arg(&tools);
    parser.arg("--kernel-features").arg(tools.join("abi/4.0")).arg("--ofile").arg(&compiled);
    let profile = format!("systemd/apparmor/llmbasedos-{daemon}");
    process::quietly(parser.arg(site.workspace.root.join(profile)))?;
    let bytes = STANDARD.encode(fs::read(&compiled).context("read the compiled profile")?);
    machine
        .done(&format!("echo {bytes} | base64 -d > /run/profile && cat /run/profile > {LOAD}"))?;
    Ok(())
}
