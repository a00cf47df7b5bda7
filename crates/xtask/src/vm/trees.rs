//! What the machine is made from and run by, which the checkout cannot hold: two Debian trees in the cache folder.
//!
//! ```text
//! CACHE/vm/tools/tree   QEMU, mkfs.erofs and systemd's own checks, newer than most distributions have them
//! CACHE/vm/guest/tree   the userland and the kernel of the guest, with nothing of ours in it
//! ```
//!
//! Programs of the tools tree are started by its own dynamic loader: nothing is installed on this machine, and no root is
//! needed to run them.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::cache::Cache;
use crate::process;
use crate::tools;

/// The release of Debian that both are of.
const SUITE: &str = "trixie";
/// Where its packages come from.
const MIRROR: &str = "http://deb.debian.org/debian";
/// Where Debian keeps libraries, and the loader with them.
const LIBRARIES: &str = "usr/lib/x86_64-linux-gnu";

/// What makes images and runs them, checks units, and reads Nix files.
const TOOLS: [&str; 25] = [
    "apparmor",
    "arch-install-scripts",
    "ca-certificates",
    "curl",
    "dosfstools",
    "e2fsprogs",
    "erofs-utils",
    "isolinux",
    "jq",
    "kmod",
    "libarchive-tools",
    "libfaketime",
    "makepkg",
    "mtools",
    "nix-bin",
    "ovmf",
    "pacman-package-manager",
    "qemu-system-x86",
    "seabios",
    "squashfs-tools",
    "syslinux-common",
    "systemd",
    "systemd-boot-efi",
    "xorriso",
    "zstd",
];
/// The guest: what stands for Arch's packages of the profile (`iso/standin.rs` says which for which), and what they bring
/// on Arch: an init, the bus by which people's programs ask it, names, logins, and a kernel.
const GUEST: [&str; 19] = [
    "arch-install-scripts",
    "busybox-static",
    "dbus",
    "dosfstools",
    "e2fsprogs",
    "fdisk",
    "iproute2",
    "libnss-resolve",
    "linux-image-cloud-amd64",
    "login",
    "nftables",
    "openssh-server",
    "pacman-package-manager",
    "systemd-boot-efi",
    "systemd-boot-tools",
    "systemd-resolved",
    "systemd-sysv",
    "udev",
    "zstd",
];

/// Makes a root of the tree `$1` that nobody else sees, with `$2` at `/mnt`, and runs `$3` there.
const INSIDE: &str = "\
    mount --make-rprivate /\n\
    mount --bind \"$1\" \"$1\"\n\
    for folder in tmp run var/cache var/lib/pacman root; do mkdir -p \"$1/$folder\"; mount -t tmpfs tmpfs \"$1/$folder\"; done\n\
    mount -t proc proc \"$1/proc\"\n\
    mount --rbind /dev \"$1/dev\"\n\
    mount --rbind /sys \"$1/sys\"\n\
    mount --rbind \"$2\" \"$1/mnt\"\n\
    exec chroot \"$1\" sh -euc \"$3\"\n";

/// Both trees, made.
#[derive(Debug)]
pub(crate) struct Trees {
    tools: PathBuf,
    guest: PathBuf,
}

impl Trees {
    /// Makes what is missing: two minutes where nothing is there, nothing where both are.
    pub(crate) fn ensure(cache: &Cache) -> Result<Self> {
        let folder = cache.vm();
        fs::create_dir_all(&folder).with_context(|| format!("create `{}`", folder.display()))?;
        let _lock = tools::lock(&folder)?;
        Ok(Self { tools: tree(&folder, "tools", &TOOLS)?, guest: tree(&folder, "guest", &GUEST)? })
    }

    /// The tree of the guest.
    pub(crate) fn guest(&self) -> &Path {
        &self.guest
    }

    /// The folder of a file of the tools tree.
    pub(crate) fn tools(&self) -> &Path {
        &self.tools
    }

    /// A program of the tools tree, by its path there.
    pub(crate) fn command(&self, program: &str) -> Command {
        let libraries = self.tools.join(LIBRARIES);
        let mut search = OsString::from(&libraries);
        search.push(":");
        search.push(libraries.join("systemd"));
        let mut command = Command::new(libraries.join("ld-linux-x86-64.so.2"));
        command.arg("--library-path").arg(search);
        command.arg("--argv0").arg(Path::new(program).file_name().unwrap_or(OsStr::new(program)));
        command.arg(self.tools.join(program));
        command.env("QEMU_MODULE_DIR", libraries.join("qemu"));
        command
    }

    /// What the tree of the guest was made from; another text means another tree.
    pub(crate) fn guest_recipe(&self) -> Result<String> {
        let stamp = self.guest.with_file_name(".stamp");
        fs::read_to_string(&stamp).with_context(|| format!("read `{}`", stamp.display()))
    }

    /// A script of `sh` that runs as if the tools tree were the machine, with `work` at `/mnt` and nothing else of this one
    /// but its devices and its network. What it writes elsewhere is gone with it. Needs root, as pacman does.
    pub(crate) fn inside(&self, work: &Path, script: &str) -> Result<Command> {
        if !process::is_root() {
            bail!("only root can do this: pacman makes files of other owners");
        }
        let mut command = Command::new("unshare");
        command.args(["--mount", "--pid", "--fork", "--kill-child", "sh", "-euc"]);
        command.arg(INSIDE).arg("sh").arg(&self.tools).arg(work).arg(script);
        // Another clock, if we were given one; where its library is on Debian, as it is in the tree.
        let clock = ["FAKETIME", "LD_PRELOAD", "DONT_FAKE_MONOTONIC"];
        let clock = clock.map(|name| (name, std::env::var_os(name)));
        command.env_clear().env("PATH", "/usr/bin:/usr/sbin").env("LC_ALL", "C.UTF-8");
        command.envs(clock.into_iter().filter_map(|(name, value)| Some((name, value?))));
        Ok(command)
    }

    /// The kernel, and the folder of its modules.
    pub(crate) fn kernel(&self) -> Result<(PathBuf, String)> {
        let modules = self.guest.join("usr/lib/modules");
        let entry = fs::read_dir(&modules)?.next().context("the guest has a kernel")??;
        let release = entry.file_name().to_string_lossy().into_owned();
        Ok((self.guest.join("boot").join(format!("vmlinuz-{release}")), release))
    }
}

/// How a tree is made: what mmdebstrap is told.
fn recipe(packages: &[&str]) -> Vec<String> {
    let mut recipe =
        vec!["--variant=minbase".to_owned(), format!("--include={}", packages.join(","))];
    // Nobody reads manuals there.
    recipe.extend(
        ["man", "doc", "locale"].map(|kind| format!("--dpkgopt=path-exclude=/usr/share/{kind}/*")),
    );
    recipe
}

fn tree(folder: &Path, name: &str, packages: &[&str]) -> Result<PathBuf> {
    let folder = folder.join(name);
    let recipe = recipe(packages);
    // What it is made from is all of it: another way to make it makes another tree.
    let inputs = format!("{SUITE} {MIRROR} {}\n", recipe.join(" "));
    tools::ensure(&folder, &inputs, |folder| {
        if process::on_path("mmdebstrap").is_none() {
            bail!(
                "`mmdebstrap` is missing, which makes the Debian trees: install it, or run `cargo xtask tools` as root"
            );
        }
        let mut mmdebstrap = Command::new("mmdebstrap");
        mmdebstrap.arg("--quiet").args(recipe).arg(SUITE).arg(folder.join("tree")).arg(MIRROR);
        process::run(&mut mmdebstrap)
    })?;
    Ok(folder.join("tree"))
}
