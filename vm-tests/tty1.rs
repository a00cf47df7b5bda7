//! Whoever sits at the machine has a shell in front of them, and it does what they type.

use std::time::Duration;

use anyhow::{Result, ensure};

use crate::vm::Site;
use crate::vm::machine::Machine;

pub(crate) const RELIED_ON: &str =
    "luca-shell is on the screen of the machine, and does what is typed";

/// What the shell's prompt ends with.
pub(crate) const PROMPT: &str = "luca>";

/// How long the screen may take to show what it should.
pub(crate) const SHOWN: Duration = Duration::from_mins(1);

pub(crate) fn run(site: &Site<'_>, machine: &mut Machine) -> Result<()> {
    see(machine, PROMPT)?;
    machine.qmp.type_line("ls")?;
    let screen = see(machine, "README.md")?;
    ensure!(screen.contains("ls"), "what is typed is not shown:\n{screen}");
    let picture = Machine::kept(&site.kept, "tty1.png")?;
    machine.qmp.screen(&picture)?;
    crate::say::line(format!("the screen is in `{}`:\n{}", picture.display(), screen.trim_end()));
    Ok(())
}

/// Waits until the screen shows this, be it over the end of a line, and gives all that it shows.
pub(crate) fn see(machine: &mut Machine, text: &str) -> Result<String> {
    let mut last = String::new();
    let seen = crate::wait::until(&format!("{text:?} on the screen"), SHOWN, || {
        // The kernel keeps the rows without ends of lines.
        let shown = machine.done("cat /dev/vcs1")?.contains(text);
        last = machine.screen_text()?;
        Ok(shown.then(|| last.clone()))
    });
    seen.map_err(|error| error.context(format!("the screen shows:\n{}", last.trim_end())))
}
