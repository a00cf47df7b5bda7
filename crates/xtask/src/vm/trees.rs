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
const TOOLS: [&str; 24] = [
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
/// What the guest has besides the appliance: an init, the bus by which people's programs ask it, names, and a kernel.
const GUEST: [&str; 8] = [
    "busybox-static",
    "dbus",
    "iproute2",
    "libnss-resolve",
    "linux-image-cloud-amd64",
    "systemd-resolved",
    "systemd-sysv",
    "udev",
];

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

    /// The kernel, and the folder of its modules.
    pub(crate) fn kernel(&self) -> Result<(PathBuf, String)> {
        let modules = self.guest.join("usr/lib/modules");
        let entry = fs::read_dir(&modules)?.next().context("the guest has a kernel")??;
        let release = entry.file_name().to_string_lossy().into_owned();
        Ok((self.guest.join("boot").join(format!("vmlinuz-{release}")), release))
    }
}

fn tree(folder: &Path, name: &str, packages: &[&str]) -> Result<PathBuf> {
    let folder = folder.join(name);
    let mut recipe =
        vec!["--variant=minbase".to_owned(), format!("--include={}", packages.join(","))];
    // Nobody reads manuals there.
    recipe.extend(
        ["man", "doc", "locale"].map(|kind| format!("--dpkgopt=path-exclude=/usr/share/{kind}/*")),
    );
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
