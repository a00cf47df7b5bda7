//! What was there when the machine was switched off is there when it is switched on, and so it is when the power fails.

use anyhow::{Result, ensure};
use serde_json::json;

use crate::vm::machine::{Machine, PERSON};
use crate::vm::mcp::Caller;
use crate::vm::qemu::Options;
use crate::vm::{Site, image};

pub(crate) const RELIED_ON: &str = "files and the key are kept over a reboot, and what a host was told is written is kept when the power fails";

pub(crate) fn run(site: &Site<'_>) -> Result<()> {
    let folder = tempfile::Builder::new().prefix("llmb").tempdir()?;
    let disk = folder.path().join("data");
    image::data_disk(&site.trees, &disk)?;
    let boot = || {
        let options = Options { data: Some(disk.clone()), ..Options::default() };
        Machine::boot(&site.trees, &site.image, &options)
    };

    let mut machine = boot()?;
    let before = Kept::of(&mut machine)?;
    let host = Caller::of(&mut machine)?;
    host.call("fs_write", &json!({ "path": "/first.txt", "content": "before the reboot\n" }))?;
    machine.power_off()?;

    let mut machine = boot()?;
    let after = Kept::of(&mut machine)?;
    ensure!(after == before, "before the reboot {before:?}, after it {after:?}");
    let host = Caller::of(&mut machine)?;
    let read = host.call("fs_read", &json!({ "path": "/first.txt" }))?;
    ensure!(read["content"] == "before the reboot\n", "after the reboot it is {read}");
    host.call("fs_write", &json!({ "path": "/second.txt", "content": "before the cut\n" }))?;
    // The power fails, right after the host was told that it is written.
    drop(machine);

    let mut machine = boot()?;
    let read = machine.run_as(PERSON, "cat ~/files/second.txt")?;
    ensure!(read.out == "before the cut\n", "after the power failed: {read:?}");
    let state = machine.run("systemctl is-system-running")?.out;
    ensure!(state.trim() == "running", "after the power failed it is {state}");
    Ok(())
}

/// What stays the same as long as the disk does.
#[derive(Debug, PartialEq, Eq)]
struct Kept {
    key: String,
    machine_id: String,
}

impl Kept {
    fn of(machine: &mut Machine) -> Result<Self> {
        Ok(Self { key: machine.key()?, machine_id: machine.done("cat /etc/machine-id")? })
    }
}
