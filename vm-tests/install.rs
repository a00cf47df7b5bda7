//! What the README says about a disk is true: the medium installs the appliance, twice is as good as once, and it boots.

use std::fs::{self, File};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use crate::iso::standin;
use crate::process;
use crate::vm::Site;
use crate::vm::machine::Machine;
use crate::vm::qemu::{Firmware, Options};

pub(crate) const RELIED_ON: &str =
    "a disk installed from the medium as the README says boots, and is the whole appliance";

/// The size of the disk: sparse, so most of it is nowhere.
const DISK: u64 = 4 * 1024 * 1024 * 1024;
/// How long an installation may take in an emulated machine.
const INSTALLATION: Duration = Duration::from_mins(15);
/// What the recipe of the README begins with, and what is put in the place of some of its words here.
const RECIPE: &str = "<!-- the scenario `install` runs this -->\n```bash\n";
const HERE: [(&str, &str); 3] = [
    ("/dev/sdX", "/dev/vdb"),
    // Nobody signs stand-in packages.
    ("pacman-key --init && pacman-key --populate\n", ""),
    ("pacstrap -K ", "yes '' | pacstrap -C /run/pacman.conf -G -M "),
];
/// The last step of the recipe that is the appliance's own.
const AGAIN: &str = "/root/llmbasedos_postinstall.sh /mnt";
/// All that is on the disk: names, modes, owners, sizes, times and ends of links. A folder's time is left out: whoever looks
/// whether there is something to do makes a lock in it and takes it away.
const LISTED: &str = "cd /mnt && find . -xdev \\( -type d -printf '%p %m %U %G\n' \\) -o \
     -printf '%p %m %U %G %s %T@ %l\n' | sort";

pub(crate) fn run(site: &Site<'_>) -> Result<()> {
    let folder = tempfile::Builder::new().prefix("llmb").tempdir()?;
    let disk = folder.path().join("disk");
    File::create(&disk)?.set_len(DISK)?;
    let mirror = folder.path().join("mirror");
    mirror_disk(site, &mirror)?;

    let options = Options {
        firmware: Firmware::Uefi,
        medium: Some(site.medium()?.to_owned()),
        medium_is_disk: true,
        disks: vec![(disk.clone(), true), (mirror, false)],
        ..Options::default()
    };
    let mut machine = Machine::boot(&site.trees, &site.image, &options)?;
    machine.checked(|machine| install(site, machine))?;
    machine.power_off()?;

    let disks = vec![(disk, true)];
    let options = Options { firmware: Firmware::Uefi, disks, ..Options::default() };
    let mut machine = Machine::boot(&site.trees, &site.image, &options)?;
    crate::say::line(format!(
        "from the disk: gateway ready after {:.1} s",
        machine.boot.as_secs_f64()
    ));
    machine.checked(super::appliance::check)?;
    let source =
        machine.done("findmnt -no FSTYPE / && systemctl is-enabled getty@tty2.service || true")?;
    ensure!(source.starts_with("ext4"), "its root is {source}");
    // On a disk, root is nobody without a password.
    let live = machine.run("test -e /etc/systemd/system/getty@tty2.service.d/10-live.conf")?;
    ensure!(live.status != 0, "the disk has the medium's way to root");
    machine.power_off()
}

/// Runs the recipe, its last step once more, and looks whether that changed anything.
fn install(site: &Site<'_>, machine: &mut Machine) -> Result<()> {
    let configuration = standin::configuration_for("/run/mirror".as_ref());
    machine.done(&format!(
        "mkdir /run/mirror && mount -o ro /dev/vdc /run/mirror && cat > /run/pacman.conf <<'END'\n{configuration}END"
    ))?;
    let recipe = recipe(&site.workspace.root)?;
    let done = machine.run_within(&format!("set -eu\n{recipe}"), INSTALLATION)?;
    ensure!(done.status == 0, "the recipe ended with {}:\n{}{}", done.status, done.out, done.err);
    let changed = |machine: &mut Machine, script: &str| -> Result<String> {
        machine.done(&format!("{LISTED} > /run/before"))?;
        let said = machine.done(script)?;
        let differs = machine.run(&format!("{LISTED} | diff /run/before -"))?;
        ensure!(differs.status == 0, "`{script}` changed something:\n{}", differs.out);
        Ok(said)
    };
    let again = changed(machine, AGAIN)?;
    crate::say::line(&again);
    ensure!(again.contains("(0 files changed)"), "the second run laid something");
    // And in the new system itself.
    changed(machine, "arch-chroot /mnt /root/llmbasedos_postinstall.sh")?;
    // What an older medium left is taken away, and what somebody changed is set right.
    let mended = machine.done(
        "cd /mnt && echo usr/lib/systemd/system/llmbasedos-old.service >> usr/share/llmbasedos/files.list && \
         touch usr/lib/systemd/system/llmbasedos-old.service && chmod 777 usr/bin/luca-shell && \
         /root/llmbasedos_postinstall.sh /mnt && test ! -e usr/lib/systemd/system/llmbasedos-old.service",
    )?;
    ensure!(mended.contains("(3 files changed)"), "it did not mend what it should: {mended}");
    // What it refuses: no system, more than one folder.
    for wrong in ["/run/mirror", "/nowhere", "/mnt /mnt"] {
        let refused = machine.run(&format!("/root/llmbasedos_postinstall.sh {wrong}"))?;
        ensure!(refused.status == 1 && !refused.err.is_empty(), "{wrong}: {refused:?}");
    }
    machine.done("umount -R /mnt")?;
    Ok(())
}

/// The commands of the README, with what is different here put in.
fn recipe(source: &Path) -> Result<String> {
    let readme = fs::read_to_string(source.join("README.md"))?;
    let (_, rest) = readme.split_once(RECIPE).context("the README has the recipe")?;
    let (recipe, _) = rest.split_once("```").context("the recipe ends")?;
    let mut recipe = recipe.to_owned();
    for (word, here) in HERE {
        ensure!(recipe.contains(word), "the recipe has no `{word}` any more");
        recipe = recipe.replace(word, here);
    }
    Ok(recipe)
}

/// The packages, as a disk that a machine without a network can have.
fn mirror_disk(site: &Site<'_>, file: &Path) -> Result<()> {
    let packages = standin::made(site.cache);
    let mut erofs = site.trees.command("usr/bin/mkfs.erofs");
    process::quietly(erofs.args(["--quiet", "--all-root"]).arg(file).arg(packages))?;
    let mut chmod = Command::new("chmod");
    process::run(chmod.arg("644").arg(file))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_medium_tells_the_recipe_that_the_readme_does() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let readme = fs::read_to_string(root.join("README.md")).unwrap();
        let (_, rest) = readme.split_once(RECIPE).unwrap();
        let (recipe, _) = rest.split_once("```").unwrap();
        let told = fs::read_to_string(root.join("archiso/airootfs/etc/motd")).unwrap();
        assert!(told.contains(recipe), "README and `/etc/motd` of the medium differ");
    }
}
