//! The person and an MCP host work on the same file in turn, and each sees what the other wrote.

use anyhow::{Result, ensure};
use serde_json::json;

use crate::vm::Site;
use crate::vm::machine::{Machine, PERSON};
use crate::vm::mcp::Caller;

pub(crate) const RELIED_ON: &str =
    "the person and a host edit the same file in turn, and it stays the person's";

pub(crate) fn run(_: &Site<'_>, machine: &mut Machine) -> Result<()> {
    let host = Caller::of(machine)?;
    by_person(
        machine,
        "printf \"by the person\\n\" > files/letter.txt; chmod 640 files/letter.txt",
    )?;
    let read = host.call("fs_read", &json!({ "path": "/letter.txt" }))?;
    ensure!(read["content"] == "by the person\n", "the host reads {read}");

    host.call("fs_write", &json!({ "path": "/letter.txt", "content": "by the host\n" }))?;
    let seen = by_person(machine, "cat files/letter.txt; stat -c \"%U:%G %a\" files/letter.txt")?;
    ensure!(seen == "by the host\nllmuser:llmuser 640\n", "the person sees {seen:?}");

    by_person(machine, "echo and the person again >> files/letter.txt")?;
    let read = host.call("fs_read", &json!({ "path": "/letter.txt" }))?;
    ensure!(read["content"] == "by the host\nand the person again\n", "the host reads {read}");

    host.call("fs_delete", &json!({ "path": "/letter.txt" }))?;
    let left = by_person(machine, "ls files")?;
    ensure!(!left.contains("letter.txt"), "it was deleted and is there: {left}");
    Ok(())
}

fn by_person(machine: &mut Machine, script: &str) -> Result<String> {
    let done = machine.run_as(PERSON, &format!("cd && {script}"))?;
    ensure!(done.status == 0, "`{script}`: {}", done.err);
    Ok(done.out)
}
