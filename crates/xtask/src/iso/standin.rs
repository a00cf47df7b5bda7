//! Packages that stand for Arch's where there is no Arch mirror: Debian's files in pacman's form, in a repository like any.
//!
//! `base` is the whole userland of the guest tree, `linux` its kernel, `syslinux` the boot loader for BIOS. What the map
//! says is in `base` is looked up there, so that it stays true; a package that it does not name is an error.

use std::ffi::OsStr;
use std::fmt::Write as _;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};

use crate::cache::Cache;
use crate::process;
use crate::stage;
use crate::tools;
use crate::vm::image;
use crate::vm::trees::Trees;

/// What stands for one of Arch's packages.
enum Standin {
    /// The guest's whole userland.
    Userland,
    /// The guest's kernel, its modules, and an initramfs that does what mkinitcpio-archiso's does.
    Kernel,
    /// The boot loader for BIOS, gathered from where Debian has it.
    Syslinux,
    /// A Debian package that is part of the userland.
    Within(&'static str),
    /// Nothing, for this reason.
    Nothing(&'static str),
}

/// The map. Sorted by Arch's names.
const MAP: [(&str, Standin); 14] = [
    ("amd-ucode", Standin::Nothing("an emulated processor has no microcode")),
    ("arch-install-scripts", Standin::Within("arch-install-scripts")),
    ("base", Standin::Userland),
    ("dosfstools", Standin::Within("dosfstools")),
    ("e2fsprogs", Standin::Within("e2fsprogs")),
    ("intel-ucode", Standin::Nothing("an emulated processor has no microcode")),
    ("linux", Standin::Kernel),
    ("linux-firmware-broadcom", Standin::Nothing("emulated cards need no firmware")),
    ("linux-firmware-realtek", Standin::Nothing("emulated cards need no firmware")),
    ("mkinitcpio", Standin::Nothing("`linux` brings its initramfs")),
    ("mkinitcpio-archiso", Standin::Nothing("`linux` brings its initramfs")),
    ("nftables", Standin::Within("nftables")),
    ("openssh", Standin::Within("openssh-server")),
    ("syslinux", Standin::Syslinux),
];

/// What the userland must not bring: the machine that it was made on, keys that every medium would share, other
/// packages' parts, and what of Debian's own is of no use without Debian's tools.
const LEFT_OUT: [&str; 13] = [
    "boot",
    "dev",
    "etc/hostname",
    "etc/localtime",
    "etc/machine-id",
    "etc/resolv.conf",
    "etc/locale.conf",
    "etc/pacman.d/mirrorlist",
    "usr/lib/modules",
    "var/cache",
    "var/lib/apt",
    "var/lib/dbus/machine-id",
    "var/log",
];
/// What mkarchiso needs of a root that Debian has elsewhere or not at all: a loader for 32-bit firmware (the 64-bit one is in
/// its place; no such firmware is tried).
const LOADER: &str = "usr/lib/systemd/boot/efi/systemd-bootx64.efi";
const LOADER_32: &str = "usr/lib/systemd/boot/efi/systemd-bootia32.efi";
/// The same in every build of the same files: no date is part of a package's name.
const VERSION: &str = "1-1";
/// Where Debian keeps the parts of its boot loader for BIOS, and the files that are taken of it.
const SYSLINUX: [(&str, &[&str]); 3] = [
    ("usr/lib/ISOLINUX", &["isolinux.bin", "isohdpfx.bin"]),
    ("usr/lib/syslinux", &["memdisk"]),
    ("usr/lib/syslinux/modules/bios", &["ldlinux.c32", "libcom32.c32", "libutil.c32", "menu.c32"]),
];
/// What the initramfs loads before it looks for a medium or a disk.
const MODULES: [&str; 12] = [
    "virtio_blk",
    "virtio_pci",
    "virtio_scsi",
    "sr_mod",
    "sd_mod",
    "ahci",
    "ata_piix",
    "isofs",
    "loop",
    "squashfs",
    "overlay",
    "ext4",
];
/// The source of what only stand-ins have.
pub(crate) const SOURCE: &str = "vm-tests/standin";
/// The check of the medium, which the stand-in's initramfs and Arch's share.
const HOOK: &str = "archiso/airootfs/usr/lib/initcpio/hooks/llmbasedos_medium";

/// A repository of them, `core`, for these packages. It is made once for the same inputs.
pub(crate) fn repository(
    trees: &Trees,
    cache: &Cache,
    source: &Path,
    packages: &[String],
) -> Result<PathBuf> {
    let folder = made(cache);
    let mut inputs = format!("{}\n{}\n", trees.guest_recipe()?, packages.join(" "));
    for file in [SOURCE, HOOK] {
        inputs.push_str(&content(&source.join(file))?);
    }
    inputs.push_str(include_str!("standin.rs"));
    fs::create_dir_all(cache.vm())?;
    let lock = tools::lock(&cache.vm())?;
    tools::ensure(&folder, &inputs, |folder| {
        packages.iter().try_for_each(|package| pack(trees, source, folder, package))?;
        let add = "cd /mnt && repo-add --quiet core.db.tar.gz *.pkg.tar.zst";
        process::quietly(&mut trees.inside(folder, add)?)
    })?;
    drop(lock);
    Ok(folder)
}

/// Where that is.
pub(crate) fn made(cache: &Cache) -> PathBuf {
    cache.vm().join("packages")
}

/// All that stands in a file or beneath a folder, as one text.
fn content(path: &Path) -> Result<String> {
    if !path.is_dir() {
        return fs::read_to_string(path).with_context(|| format!("read `{}`", path.display()));
    }
    let mut entries: Vec<_> = fs::read_dir(path)?.collect::<Result<_, _>>()?;
    entries.sort_by_key(fs::DirEntry::file_name);
    entries.iter().map(|entry| content(&entry.path())).collect()
}

fn pack(trees: &Trees, source: &Path, folder: &Path, package: &str) -> Result<()> {
    let standin = MAP.iter().find(|(name, _)| *name == package).map(|(_, standin)| standin);
    let standin = standin.with_context(|| {
        format!(
            "nothing stands for Arch's `{package}`: say in `iso/standin.rs` what of Debian's does"
        )
    })?;
    let tree = folder.join("tree");
    image::remove_tree(&tree)?;
    fs::create_dir(&tree)?;
    match standin {
        Standin::Userland => userland(trees, source, &tree)?,
        Standin::Kernel => kernel(trees, source, folder, &tree)?,
        Standin::Syslinux => syslinux(trees, &tree)?,
        Standin::Within(debian) => within(trees, debian)?,
        Standin::Nothing(reason) => ensure!(!reason.is_empty(), "`{package}` is nothing, and why?"),
    }
    write_package(trees, folder, &tree, package)?;
    image::remove_tree(&tree)
}

fn userland(trees: &Trees, source: &Path, tree: &Path) -> Result<()> {
    fs::remove_dir(tree)?;
    process::run(Command::new("cp").arg("-a").arg(trees.guest()).arg(tree))?;
    for name in LEFT_OUT {
        let path = tree.join(name);
        if path.is_dir() { image::remove_tree(&path)? } else { stage::remove(&path)? }
    }
    // Folders that are expected, without what was in them.
    for name in ["boot", "dev", "var/cache", "var/log"] {
        fs::create_dir(tree.join(name))?;
    }
    for key in fs::read_dir(tree.join("etc/ssh"))? {
        let key = key?;
        if key.file_name().to_string_lossy().starts_with("ssh_host_") {
            fs::remove_file(key.path())?;
        }
    }
    fs::copy(tree.join(LOADER), tree.join(LOADER_32))?;
    stage::copy(&source.join(SOURCE).join("overlay"), tree)
}

fn kernel(trees: &Trees, source: &Path, folder: &Path, tree: &Path) -> Result<()> {
    let (kernel, release) = trees.kernel()?;
    let modules = Path::new("usr/lib/modules").join(&release);
    fs::create_dir_all(tree.join("usr/lib/modules"))?;
    fs::create_dir(tree.join("boot"))?;
    process::run(
        Command::new("cp").arg("-a").arg(trees.guest().join(&modules)).arg(tree.join(&modules)),
    )?;
    fs::copy(kernel, tree.join("boot/vmlinuz-linux"))?;
    let files = [(source.join(SOURCE).join("init"), "init"), (source.join(HOOK), "medium")];
    let made = image::initramfs(trees, &MODULES, &files, &release, folder)?;
    fs::copy(&made, tree.join("boot/initramfs-linux.img"))?;
    Ok(fs::remove_file(made)?)
}

fn syslinux(trees: &Trees, tree: &Path) -> Result<()> {
    let to = tree.join("usr/lib/syslinux/bios");
    fs::create_dir_all(&to)?;
    for (from, files) in SYSLINUX {
        for file in files {
            let from = trees.tools().join(from).join(file);
            fs::copy(&from, to.join(file)).with_context(|| format!("copy `{}`", from.display()))?;
        }
    }
    // The boot loader for the network, which mkarchiso copies and Debian has in a package of its own: nothing boots by it.
    fs::write(to.join("lpxelinux.0"), "")?;
    Ok(())
}

/// It is installed in the guest, by Debian's own word.
fn within(trees: &Trees, package: &str) -> Result<()> {
    let status = fs::read_to_string(trees.guest().join("var/lib/dpkg/status"))?;
    let installed = status.lines().any(|line| line == format!("Package: {package}"));
    ensure!(installed, "Debian's `{package}` is not in the guest tree, though the map says so");
    Ok(())
}

/// A package as pacman takes it: what it is, then its files by name.
fn write_package(trees: &Trees, folder: &Path, tree: &Path, name: &str) -> Result<()> {
    let mut size = Command::new("du");
    size.args(["--summarize", "--apparent-size", "--block-size=1"]).arg(tree);
    let size = process::capture(&mut size)?;
    let size = size.split_whitespace().next().context("a size")?;
    let mut info = format!(
        "pkgname = {name}\npkgbase = {name}\npkgver = {VERSION}\npkgdesc = Debian's files in the place of Arch's\n\
         url = https://www.debian.org\nbuilddate = 0\npackager = llmbasedos\nsize = {size}\narch = any\n"
    );
    // The overlay of a profile may bring what is configuration; a package that does not say so would be refused.
    for file in configuration(tree)? {
        writeln!(info, "backup = {file}")?;
    }
    fs::write(tree.join(".PKGINFO"), info)?;
    let mut names: Vec<_> = fs::read_dir(tree)?.collect::<Result<_, _>>()?;
    names.sort_by_key(fs::DirEntry::file_name);
    let mut archive = trees.command("usr/bin/bsdtar");
    // pacman reads what the package is before it reads files: `.` sorts before letters.
    archive.args(["--create", "--file", "-", "--numeric-owner", "--directory"]).arg(tree);
    archive.args(names.iter().map(fs::DirEntry::file_name));
    let mut archive = archive.stdout(Stdio::piped()).spawn()?;
    let package = File::create(folder.join(format!("{name}-{VERSION}-any.pkg.tar.zst")))?;
    let mut zstd = trees.command("usr/bin/zstd");
    let input = archive.stdout.take().context("an output of ours")?;
    let packed = zstd.args(["-q", "-3", "-T0"]).stdin(input).stdout(package).status()?;
    if !archive.wait()?.success() || !packed.success() {
        bail!("the package `{name}` could not be packed");
    }
    Ok(())
}

/// The files beneath `/etc`.
fn configuration(tree: &Path) -> Result<Vec<String>> {
    if !tree.join("etc").is_dir() {
        return Ok(Vec::new());
    }
    let mut find = Command::new("find");
    find.args(["etc", "-type", "f"]).current_dir(tree).env("LC_ALL", "C");
    let mut files: Vec<_> = process::capture(&mut find)?.lines().map(str::to_owned).collect();
    files.retain(|file| !file.chars().any(char::is_whitespace));
    files.sort();
    Ok(files)
}

/// pacman's configuration for a repository that is at this place for whoever runs it.
pub(crate) fn configuration_for(place: &OsStr) -> String {
    format!(
        "# Stand-in packages are made here and signed by nobody.\n[options]\nArchitecture = x86_64\nSigLevel = Never\n\
         DisableSandbox\n\n[core]\nServer = file://{}\n",
        place.to_string_lossy()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_map_is_sorted_and_says_why_nothing_is_enough() {
        assert!(MAP.is_sorted_by_key(|(name, _)| *name));
        for (name, standin) in MAP {
            let told = !matches!(standin, Standin::Nothing(""));
            assert!(told, "{name}");
        }
    }
}
