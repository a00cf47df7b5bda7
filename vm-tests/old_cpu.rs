//! A processor of 2003 is enough: nothing asks for instructions that came later.

use anyhow::{Result, ensure};
use serde_json::json;

use crate::vm::Site;
use crate::vm::machine::Machine;
use crate::vm::mcp::Caller;
use crate::vm::qemu::Options;

pub(crate) const RELIED_ON: &str =
    "it boots and answers on a processor without AVX2 (QEMU's `qemu64`)";

pub(crate) fn run(site: &Site<'_>) -> Result<()> {
    let options = Options { processor: Some("qemu64"), ..Options::default() };
    let mut machine = Machine::boot(&site.trees, &site.image, &options)?;
    // Or it would show nothing.
    let newer = machine.run("grep -woE \"avx2|avx|sse4_2|popcnt\" /proc/cpuinfo")?;
    ensure!(newer.out.is_empty(), "the processor has {}", newer.out);
    Caller::of(&mut machine)?.call("fs_list", &json!({ "path": "/" }))?;
    let state = machine.run("systemctl is-system-running")?.out;
    ensure!(state.trim() == "running", "it is {state}");
    Ok(())
}
