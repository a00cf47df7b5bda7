//! The medium as it is given to people boots on old firmware and on new, and is the whole appliance.

use std::time::Duration;

use anyhow::{Result, ensure};

use crate::vm::Site;
use crate::vm::machine::Machine;
use crate::vm::qemu::{Firmware, Options};

pub(crate) const RELIED_ON_BIOS: &str =
    "the medium boots as a compact disc from BIOS, and is the whole appliance";
pub(crate) const RELIED_ON_UEFI: &str =
    "the medium boots as a stick from UEFI, and is the whole appliance";
pub(crate) const RELIED_ON_CUT: &str = "a medium that was cut short says so, and boots nothing";

/// Where text is in the memory of a PC, and how much of it: more than a screen, which is a window in it that moves.
const TEXT: u64 = 0xb8000;
const TEXT_BYTES: u64 = 32 * 1024;
/// What is cut off: 20 MB, which is more than any tail that nobody needs.
const CUT: u64 = 20_000_000;
/// How long the boot loader and the kernel may take until they say it.
const SAID: Duration = Duration::from_mins(1);

pub(crate) fn bios(site: &Site<'_>) -> Result<()> {
    live(site, Firmware::Bios, false)
}

pub(crate) fn uefi(site: &Site<'_>) -> Result<()> {
    live(site, Firmware::Uefi, true)
}

fn live(site: &Site<'_>, firmware: Firmware, medium_is_disk: bool) -> Result<()> {
    let medium = Some(site.medium()?.to_owned());
    let options = Options { firmware, medium, medium_is_disk, ..Options::default() };
    let mut machine = Machine::boot(&site.trees, &site.image, &options)?;
    crate::say::line(format!("gateway ready after {:.1} s", machine.boot.as_secs_f64()));
    machine.checked(super::appliance::check)?;
    machine.checked(root_on_the_second_console)?;
    let name = if medium_is_disk { "medium-uefi.png" } else { "medium-bios.png" };
    machine.qmp.screen(&Machine::kept(&site.kept, name)?)
}

/// Whoever has the medium in their hands can install it.
fn root_on_the_second_console(machine: &mut Machine) -> Result<()> {
    machine.qmp.press(&["alt", "f2"])?;
    // What is typed before there is a shell is lost.
    machine.until("a prompt on the second console", SAID, "grep -q 'root@llmbasedos' /dev/vcs2")?;
    machine.qmp.type_line("touch /run/by-root")?;
    let made = "stat -c %U /run/by-root";
    let owner = machine.until("what root types to be done", SAID, made)?;
    ensure!(owner == "root", "on the second console one is {owner}");
    machine.qmp.press(&["alt", "f1"])
}

pub(crate) fn cut(site: &Site<'_>) -> Result<()> {
    let folder = tempfile::Builder::new().prefix("llmb").tempdir()?;
    let cut = folder.path().join("cut.iso");
    let bytes = std::fs::copy(site.medium()?, &cut)?;
    std::fs::File::options().write(true).open(&cut)?.set_len(bytes - CUT)?;
    let options = Options { firmware: Firmware::Bios, medium: Some(cut), ..Options::default() };
    let mut machine = Machine::start(&site.trees, &site.image, &options)?;
    let mut shown = String::new();
    let said = crate::wait::until("it to say so", SAID, || {
        let memory = machine.qmp.memory(TEXT, TEXT_BYTES, folder.path())?;
        // A character and its colour, each a byte.
        shown = memory
            .chunks(2)
            .map(|cell| char::from(cell.first().copied().unwrap_or(b' ')))
            .collect();
        Ok(shown.contains("This medium was cut short").then_some(()))
    });
    crate::say::line(format!(
        "the screen shows: {}",
        shown.split_whitespace().collect::<Vec<_>>().join(" ")
    ));
    machine.qmp.screen(&Machine::kept(&site.kept, "medium-cut.png")?)?;
    said?;
    ensure!(machine.get("/readyz").is_err(), "something answers on port 8000");
    // It goes down when told to, and not by itself.
    machine.qmp.press(&["ret"])?;
    machine.wait_until_off()
}
