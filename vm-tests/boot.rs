//! A machine that is switched on is ready soon, complete, and leaves most of its memory to the person.

use std::time::Duration;

use anyhow::{Result, ensure};

use crate::vm::Site;
use crate::vm::gates::{self, Gate};
use crate::vm::machine::{self, Machine};
use crate::vm::starts;

pub(crate) const RELIED_ON: &str =
    "it boots with no failed unit, soon, and most of its memory is left";

/// How long the machine may take to come to rest before its memory is read.
const REST: Duration = Duration::from_mins(1);

pub(crate) fn run(site: &Site<'_>, machine: &mut Machine) -> Result<()> {
    let state = machine.run("systemctl is-system-running")?.out;
    let failed = machine.done("systemctl --failed --no-legend --plain")?;
    ensure!(state.trim() == "running" && failed.is_empty(), "it is {state}: {failed}");

    machine.until(
        "the machine to be at rest",
        REST,
        "test -z \"$(systemctl list-jobs --no-legend)\"",
    )?;
    // What `free` calls used: what there is without what can be had at once.
    let used = machine.done("awk '/^MemTotal|^MemAvailable/{print $2}' /proc/meminfo")?;
    let mut kib = used.lines().map(str::parse::<f64>);
    let (Some(Ok(total)), Some(Ok(available))) = (kib.next(), kib.next()) else {
        anyhow::bail!("the machine does not tell its memory: {used}");
    };
    machine.qmp.pause()?;
    let bare = machine::bare_boot(&site.trees, &site.image);
    machine.qmp.go_on()?;
    let bare = bare?;
    let boot = machine.boot.as_secs_f64();
    crate::say::line(format!(
        "gateway ready after {boot:.1} s; the kernel alone after {:.1} s",
        bare.as_secs_f64()
    ));
    let mut figures = vec![
        Gate {
            goal: "P26",
            what: "boot to gateway ready, by the bare kernel's".to_owned(),
            unit: "times",
            figure: boot / bare.as_secs_f64(),
            floor: 9.0,
            target: 5.0,
        },
        Gate {
            goal: "P28",
            what: "memory of the idle machine".to_owned(),
            unit: "MB",
            figure: (total - available) * 1024.0 / 1e6,
            floor: 220.0,
            target: 130.0,
        },
    ];
    figures.extend(starts::measure(&site.programs)?);
    gates::judge(&figures)
}
