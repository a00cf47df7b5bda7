//! The root of a medium, by mkarchiso's rules: the overlay first, then packages, then what a build leaves behind is removed.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result, ensure};

use super::definition::Definition;
use super::{Build, Packages};
use crate::process;
use crate::stage;
use crate::vm::image::remove_tree;

/// Where it is made, in the work folder.
pub(super) const ROOT: &str = "airootfs";
/// What is emptied: nothing in these belongs to a medium.
const EMPTIED: [&str; 2] = ["boot", "var/tmp"];
/// What pacman knew of its repositories on the day of the build.
const KNOWN: &str = "var/lib/pacman/sync";
/// Of these, files go and folders stay.
const WITHOUT_FILES: [&str; 2] = ["var/log", "var/cache/pacman/pkg"];

/// What pacman says of a hook that failed.
const HOOK_FAILED: &str = "command failed to execute correctly";

/// Makes it; gives the folder, in which `/boot` still has kernel and initramfs, and the list of its packages.
pub(super) fn make(
    build: &Build<'_>,
    profile: &Path,
    definition: &Definition,
) -> Result<(PathBuf, String)> {
    let root = build.work.join(ROOT);
    fs::create_dir(&root)?;
    fs::set_permissions(&root, Permissions::from_mode(0o755))?;
    lay(profile, definition, &root)?;
    let configuration = build.pacman_configuration(profile, &definition.packages)?;
    let list = packages(build, &configuration, definition)?;
    version(build, definition, &root)?;
    Ok((root, list))
}

/// Copies the overlay, without owner and mode, and gives what the profile names the modes that it names.
fn lay(profile: &Path, definition: &Definition, root: &Path) -> Result<()> {
    let mut copy = Command::new("cp");
    copy.args(["-af", "--no-preserve=ownership,mode", "--"]);
    process::run(copy.arg(profile.join(ROOT).join(".")).arg(root))?;
    // Whatever the mask of this process is: mkarchiso sets 0022.
    let mut modes = Command::new("chmod");
    process::run(modes.args(["-R", "u=rwX,go=rX"]).arg(root))?;
    for (path, mode) in &definition.permissions {
        fs::set_permissions(root.join(path), Permissions::from_mode(*mode))?;
    }
    Ok(())
}

/// Installs the packages, whose hooks do the rest, and lists them.
fn packages(build: &Build<'_>, configuration: &Path, definition: &Definition) -> Result<String> {
    let inner = build.work.join("pacstrap.conf");
    let text = fs::read_to_string(configuration)
        .with_context(|| format!("read `{}`", configuration.display()))?;
    // Hooks are those of the overlay, which is how a profile has its say.
    let text = text.replacen(
        "[options]\n",
        &format!("[options]\nCacheDir = /mnt/cache\nHookDir = /mnt/{ROOT}/etc/pacman.d/hooks/\n"),
        1,
    );
    fs::write(&inner, text)?;
    fs::create_dir_all(build.work.join("cache"))?;
    let keyring = match build.packages {
        Packages::Arch => "pacman-key --init; pacman-key --populate archlinux; ",
        Packages::Debian => "",
    };
    let script = format!(
        "{keyring}pacstrap -C /mnt/pacstrap.conf -c -G -M -- /mnt/{ROOT} {} >&2\n\
         pacman -Q --sysroot /mnt/{ROOT}",
        definition.packages.join(" ")
    );
    let mut pacstrap = build.trees.inside(build.work, &script)?;
    let output = pacstrap.env("SOURCE_DATE_EPOCH", build.epoch.to_string()).output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "pacstrap ended with {}:\n{said}", output.status);
    // To pacman a hook that fails is a remark; here it makes the medium.
    ensure!(!said.contains(HOOK_FAILED), "a hook of the profile failed:\n{said}");
    Ok(String::from_utf8(output.stdout)?)
}

/// Says which image this is.
fn version(build: &Build<'_>, definition: &Definition, root: &Path) -> Result<()> {
    fs::write(root.join("version"), format!("{}\n", definition.version))?;
    let release = root.join("usr/lib/os-release");
    let text = fs::read_to_string(&release)?;
    let mut kept: Vec<&str> = text.lines().collect();
    kept.retain(|line| !line.starts_with("IMAGE_ID=") && !line.starts_with("IMAGE_VERSION="));
    let mut file = OpenOptions::new().write(true).truncate(true).open(&release)?;
    write!(
        file,
        "{}\nIMAGE_ID={}\nIMAGE_VERSION={}\n",
        kept.join("\n"),
        definition.name,
        definition.version
    )?;
    let clock = File::create(root.join("usr/lib/clock-epoch"))?;
    Ok(clock.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(build.epoch))?)
}

/// Removes what a build leaves behind.
pub(super) fn clean(root: &Path) -> Result<()> {
    for folder in EMPTIED {
        if !root.join(folder).is_dir() {
            continue;
        }
        for entry in fs::read_dir(root.join(folder))? {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                remove_tree(&entry.path())?;
            } else {
                fs::remove_file(entry.path())?;
            }
        }
    }
    remove_tree(&root.join(KNOWN))?;
    for folder in WITHOUT_FILES.iter().filter(|folder| root.join(folder).is_dir()) {
        let mut find = Command::new("find");
        process::run(find.arg(root.join(folder)).args(["-type", "f", "-delete"]))?;
    }
    let mut find = Command::new("find");
    find.arg(root.join("var/lib/pacman")).args(["-maxdepth", "1", "-type", "f", "-delete"]);
    process::run(&mut find)?;
    let mut find = Command::new("find");
    find.arg(root).args(["(", "-name", "*.pacnew", "-o", "-name", "*.pacsave", "-o"]);
    process::run(find.args(["-name", "*.pacorig", ")", "-delete"]))?;
    // By this word systemd knows a first boot, at which each machine gets an identity of its own.
    stage::remove(&root.join("etc/machine-id"))?;
    Ok(fs::write(root.join("etc/machine-id"), "uninitialized\n")?)
}
