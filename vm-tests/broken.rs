//! Whatever is broken, whoever sits at the machine has a shell that says what, and what to do.

use std::time::Duration;

use anyhow::{Context, Result, ensure};

use super::tty1::{PROMPT, see};
use crate::vm::machine::Machine;
use crate::vm::qemu::Options;
use crate::vm::{GATEWAY_IS_BROKEN, Site, image};

pub(crate) const RELIED_ON: &str = "on a full disk, without a network, and with daemons that cannot start, the shell comes and says what to do";

/// How long the machine may take to come to what it will not get over.
const TRIED: Duration = Duration::from_secs(90);

/// Something that goes wrong.
struct Trouble {
    name: &'static str,
    /// Makes it, on a machine that is well and keeps what is written.
    make: &'static str,
    /// Succeeds once the machine that has it shows it.
    shows: &'static str,
    /// What `status` says of it, and what is to be done.
    said: [&'static str; 2],
    /// Mends it.
    mend: &'static str,
}

const TROUBLES: [Trouble; 3] = [
    Trouble {
        name: "disk",
        // To the last block: what is left for root is used up, too.
        make: "head -c 1G /dev/zero > /var/filler 2> /dev/null; sync; test -s /var/filler",
        shows: "true",
        said: ["full:", "Delete or move files away"],
        mend: "rm /var/filler",
    },
    Trouble {
        name: "fs",
        make: "echo \"roots: nonsense\" > /etc/llmbasedos/fs.yaml",
        // It is started when it is called.
        shows: "timeout 10 setpriv --reuid llmuser --regid llmuser --init-groups luca-shell -c ls > /dev/null 2>&1; \
                systemctl show -P SubState llmbasedos-fs | grep -qE \"failed|auto-restart\"",
        said: ["fs.yaml", "systemctl restart llmbasedos-fs"],
        mend: "cp -p /usr/share/llmbasedos/config/fs.yaml /etc/llmbasedos/fs.yaml; \
               chown root:llmuser /etc/llmbasedos/fs.yaml; chmod 640 /etc/llmbasedos/fs.yaml",
    },
    Trouble {
        name: "gateway",
        make: "echo \"no_such_setting: 1\" >> /etc/llmbasedos/gateway.yaml",
        shows: "systemctl show -P SubState llmbasedos-gateway | grep -qE \"failed|auto-restart\"",
        said: ["no_such_setting", "systemctl restart llmbasedos-gateway"],
        mend: "sed -i /no_such_setting/d /etc/llmbasedos/gateway.yaml",
    },
];

pub(crate) fn run(site: &Site<'_>) -> Result<()> {
    let folder = tempfile::Builder::new().prefix("llmb").tempdir()?;
    let disk = folder.path().join("data");
    image::data_disk(&site.trees, &disk)?;
    let data = Options { data: Some(disk), ..Options::default() };
    let mut machine = Machine::boot(&site.trees, &site.image, &data)?;
    for trouble in &TROUBLES {
        machine.done(trouble.make)?;
        machine.power_off()?;
        // Its gateway may answer or not.
        let options = Options { words: vec![GATEWAY_IS_BROKEN], ..data.clone() };
        machine = Machine::boot(&site.trees, &site.image, &options)?;
        machine.until(&format!("the trouble with {}", trouble.name), TRIED, trouble.shows)?;
        told(site, &mut machine, trouble.name, &trouble.said)?;
        machine.done(trouble.mend)?;
    }
    drop(machine);
    let offline = Options { offline: true, ..Options::default() };
    let mut machine = Machine::boot(&site.trees, &site.image, &offline)?;
    told(site, &mut machine, "network", &["this machine has no address", "works without"])?;
    // And it does.
    machine.qmp.type_line("ls")?;
    see(&mut machine, "README.md")?;
    Ok(())
}

/// Asks the shell on TTY1 how the machine is; it must say these.
fn told(site: &Site<'_>, machine: &mut Machine, name: &str, said: &[&str]) -> Result<()> {
    see(machine, PROMPT).with_context(|| format!("{name} is broken, and no shell comes"))?;
    machine.qmp.type_line("status")?;
    let screen = said.iter().map(|text| see(machine, text)).collect::<Result<Vec<_>>>();
    let picture = Machine::kept(&site.kept, &format!("broken-{name}.png"))?;
    machine.qmp.screen(&picture)?;
    let screen = screen.with_context(|| format!("{name} is broken"))?;
    ensure!(!screen.is_empty(), "nothing was asked for");
    crate::say::line(format!("{name}: the screen is in `{}`", picture.display()));
    Ok(())
}
