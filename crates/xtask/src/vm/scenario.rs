//! The scenarios: which there are, what each needs, and running them.
//!
//! Each is a file of `vm-tests/`, at the top of which stands what a person relies on. Those that leave the machine as they
//! found it share one.

use std::time::Instant;

use anyhow::{Context, Result, bail};

use super::machine::Machine;
use super::qemu::Options;
use super::{Site, WHAT};
use crate::process;
use crate::say;

#[path = "../../../../vm-tests/acts.rs"]
mod acts;
#[path = "../../../../vm-tests/apparmor.rs"]
mod apparmor;
#[path = "../../../../vm-tests/appliance.rs"]
mod appliance;
#[path = "../../../../vm-tests/boot.rs"]
mod boot;
#[path = "../../../../vm-tests/broken.rs"]
mod broken;
#[path = "../../../../vm-tests/files.rs"]
mod files;
#[path = "../../../../vm-tests/install.rs"]
mod install;
#[path = "../../../../vm-tests/killed.rs"]
mod killed;
#[path = "../../../../vm-tests/medium.rs"]
mod medium;
#[path = "../../../../vm-tests/old_cpu.rs"]
mod old_cpu;
#[path = "../../../../vm-tests/outside.rs"]
mod outside;
#[path = "../../../../vm-tests/ports.rs"]
mod ports;
#[path = "../../../../vm-tests/reboot.rs"]
mod reboot;
#[path = "../../../../vm-tests/tls.rs"]
mod tls;
#[path = "../../../../vm-tests/tty1.rs"]
mod tty1;
#[path = "../../../../vm-tests/users.rs"]
mod users;

/// What a scenario begins with.
#[derive(Clone, Copy)]
enum Begin {
    /// A machine that others have used and will use.
    Shared(fn(&Site<'_>, &mut Machine) -> Result<()>),
    /// Nothing: it boots its own.
    Own(fn(&Site<'_>) -> Result<()>),
}

/// A scenario.
pub(crate) struct Scenario {
    name: &'static str,
    relied_on: &'static str,
    /// Whether CI runs it.
    in_ci: bool,
    begin: Begin,
}

const fn shared(
    name: &'static str,
    relied_on: &'static str,
    in_ci: bool,
    run: fn(&Site<'_>, &mut Machine) -> Result<()>,
) -> Scenario {
    Scenario { name, relied_on, in_ci, begin: Begin::Shared(run) }
}

const fn own(
    name: &'static str,
    relied_on: &'static str,
    in_ci: bool,
    run: fn(&Site<'_>) -> Result<()>,
) -> Scenario {
    Scenario { name, relied_on, in_ci, begin: Begin::Own(run) }
}

/// All of them, in the order in which they run.
const SCENARIOS: [Scenario; 18] = [
    shared("boot", boot::RELIED_ON, true, boot::run),
    shared("tty1", tty1::RELIED_ON, true, tty1::run),
    shared("outside", outside::RELIED_ON, true, outside::run),
    shared("websocket", outside::RELIED_ON_WEBSOCKET, false, outside::websocket),
    shared("users", users::RELIED_ON, true, users::run),
    shared("files", files::RELIED_ON, false, files::run),
    shared("ports", ports::RELIED_ON, false, ports::run),
    shared("acts", acts::RELIED_ON, true, acts::run),
    shared("killed", killed::RELIED_ON, true, killed::run),
    shared("apparmor", apparmor::RELIED_ON, false, apparmor::run),
    own("tls", tls::RELIED_ON, true, tls::run),
    own("reboot", reboot::RELIED_ON, false, reboot::run),
    own("broken", broken::RELIED_ON, false, broken::run),
    own("old_cpu", old_cpu::RELIED_ON, false, old_cpu::run),
    own("medium_bios", medium::RELIED_ON_BIOS, true, medium::bios),
    own("medium_uefi", medium::RELIED_ON_UEFI, true, medium::uefi),
    own("medium_cut", medium::RELIED_ON_CUT, true, medium::cut),
    own("install", install::RELIED_ON, true, install::run),
];

impl Scenario {
    /// Whether it begins with the medium.
    fn of_medium(&self) -> bool {
        self.name.starts_with("medium") || self.name == "install"
    }
}

/// Prints what there is.
pub(crate) fn list() {
    for scenario in &SCENARIOS {
        let ci = if scenario.in_ci { "CI" } else { "" };
        say::line(format!("{:<11} {ci:<3} {}", scenario.name, scenario.relied_on));
    }
}

/// Those of these names; where there is none, those that CI runs, or all.
pub(crate) fn choose(names: &[String], all: bool) -> Result<Vec<&'static Scenario>> {
    if let Some(name) = names.iter().find(|name| SCENARIOS.iter().all(|s| s.name != **name)) {
        bail!("no scenario `{name}`: `cargo xtask vm-test --list` shows what there is");
    }
    let wanted = |scenario: &&Scenario| {
        if names.is_empty() {
            all || scenario.in_ci
        } else {
            names.iter().any(|name| name == scenario.name)
        }
    };
    let chosen = SCENARIOS.iter().filter(wanted);
    if !names.is_empty() || process::is_root() {
        return Ok(chosen.collect());
    }
    // pacman makes the medium, and files of other owners.
    let (without, possible): (Vec<_>, Vec<_>) = chosen.partition(|scenario| scenario.of_medium());
    for scenario in without {
        say::line(format!("not run, since only root can make the medium: {}", scenario.name));
    }
    Ok(possible)
}

/// Runs them all, whatever comes of each, and tells what did.
pub(crate) fn run(site: &Site<'_>, chosen: &[&Scenario]) -> Result<()> {
    let mut machine = None;
    let mut failed = Vec::new();
    for scenario in chosen {
        say::heading(format!("{}: {}", scenario.name, scenario.relied_on));
        let start = Instant::now();
        let ended = match scenario.begin {
            Begin::Shared(run) => on_shared(site, &mut machine, run),
            Begin::Own(run) => {
                // One machine at a time: two would slow each other down.
                machine = None;
                run(site)
            }
        };
        let seconds = start.elapsed().as_secs_f64();
        match ended {
            Ok(()) => say::line(format!("{}: passed in {seconds:.1} s", scenario.name)),
            Err(error) => {
                say::line(format!("{}: FAILED after {seconds:.1} s: {error:#}", scenario.name));
                if let Some(machine) = &mut machine {
                    machine.show_console();
                }
                // The next one gets a machine that is as it should be.
                machine = None;
                failed.push(scenario.name);
            }
        }
    }
    say::line(format!(
        "\n{} of {} scenarios passed ({WHAT})",
        chosen.len() - failed.len(),
        chosen.len()
    ));
    if failed.is_empty() {
        return Ok(());
    }
    bail!("failed: {}", failed.join(", "))
}

fn on_shared(
    site: &Site<'_>,
    machine: &mut Option<Machine>,
    run: fn(&Site<'_>, &mut Machine) -> Result<()>,
) -> Result<()> {
    if machine.is_none() {
        let booted = Machine::boot(&site.trees, &site.image, &Options::default());
        *machine = Some(booted.context("boot a machine")?);
    }
    machine.as_mut().map_or(Ok(()), |machine| run(site, machine))
}
