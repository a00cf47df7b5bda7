//! The image of a test machine: the guest's userland with the appliance laid on it, and the first program that finds it.

use std::fs::{self, File, Permissions};
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use super::trees::Trees;
use crate::process;
use crate::profile;
use crate::stage;

/// What must be there before the image can be mounted.
const MODULES: [&str; 3] = ["virtio_blk", "erofs", "overlay"];
/// What is written over the image can be kept here.
const DATA_BYTES: u64 = 256 * 1024 * 1024;

/// What QEMU boots.
#[derive(Debug)]
pub(crate) struct Image {
    pub(crate) kernel: PathBuf,
    pub(crate) initramfs: PathBuf,
    pub(crate) root: PathBuf,
}

impl Image {
    /// Makes it in `folder` from the programs of another one. `extra` are programs that only a test machine has.
    pub(crate) fn make(
        trees: &Trees,
        source: &Path,
        programs: &Path,
        extra: &[&str],
        folder: &Path,
    ) -> Result<Self> {
        fs::create_dir_all(folder)?;
        let (tree, profile) = (folder.join("tree"), folder.join("profile"));
        remove_tree(&tree)?;
        remove_tree(&profile)?;
        process::run(Command::new("cp").arg("-a").arg(trees.guest()).arg(&tree))?;
        remove_tree(&tree.join("boot"))?;
        fs::create_dir(tree.join("boot"))?;
        profile::make(source, programs, &profile)?;
        let overlay = profile.join(profile::OVERLAY).join(".");
        process::run(
            Command::new("cp").args(["-a", "--remove-destination"]).arg(overlay).arg(&tree),
        )?;
        remove_tree(&profile)?;
        stage::copy(&source.join("vm-tests/standin/overlay"), &tree)?;
        for program in extra {
            let to = tree.join("usr/lib/vm-tests");
            fs::create_dir_all(&to)?;
            fs::copy(programs.join(program), to.join(program))?;
        }
        settle(trees, &tree)?;
        let root = folder.join("root.erofs");
        stage::remove(&root)?;
        let mut erofs = trees.command("usr/bin/mkfs.erofs");
        erofs.args(["--quiet", "--all-root", "-T0", "-U00000000-0000-0000-0000-000000000000"]);
        process::run(erofs.arg(&root).arg(&tree))?;
        remove_tree(&tree)?;
        let (kernel, release) = trees.kernel()?;
        let first = [(source.join("vm-tests/guest/init"), "init")];
        let initramfs = initramfs(trees, &MODULES, &first, &release, folder)?;
        Ok(Self { kernel, initramfs, root })
    }
}

/// Does once what an installation does: users, and what is enabled.
fn settle(trees: &Trees, tree: &Path) -> Result<()> {
    let root = |program: &str| {
        let mut command = trees.command(program);
        command.arg(format!("--root={}", tree.display()));
        command
    };
    // What they say is of no interest where they succeed; and of each unit of Debian's that is masked there is a complaint.
    for command in
        [&mut root("usr/bin/systemd-sysusers"), root("usr/bin/systemctl").arg("preset-all")]
    {
        process::quietly(command)?;
    }
    // It is as new as the image: systemd need not bring caches up to date at each boot.
    for folder in ["etc", "var"] {
        fs::write(tree.join(folder).join(".updated"), "")?;
    }
    // Made at each boot: two machines must not be the same one.
    fs::write(tree.join("etc/machine-id"), "")?;
    let resolv = tree.join("etc/resolv.conf");
    fs::remove_file(&resolv).ok();
    std::os::unix::fs::symlink("../run/systemd/resolve/stub-resolv.conf", resolv)?;
    Ok(())
}

/// A first program and the modules that it needs, as the kernel unpacks them.
/// `files` are copied to its top under these names; all can be run. It is made in `folder` and called `initramfs`.
pub(crate) fn initramfs(
    trees: &Trees,
    modules: &[&str],
    files: &[(PathBuf, &str)],
    release: &str,
    folder: &Path,
) -> Result<PathBuf> {
    let tree = folder.join("initramfs.tree");
    remove_tree(&tree)?;
    for inner in ["bin", "modules"] {
        fs::create_dir_all(tree.join(inner))?;
    }
    let busybox = trees.guest().join("usr/bin/busybox");
    fs::copy(&busybox, tree.join("bin/busybox"))?;
    for (from, name) in files {
        fs::copy(from, tree.join(name)).with_context(|| format!("copy `{}`", from.display()))?;
        fs::set_permissions(tree.join(name), Permissions::from_mode(0o755))?;
    }
    let mut order = Vec::new();
    for module in modules {
        let mut modprobe = trees.command("usr/sbin/modprobe");
        modprobe.arg("--dirname").arg(trees.guest().join("usr"));
        modprobe.args(["--set-version", release, "--show-depends", module]);
        for line in process::capture(&mut modprobe)?.lines() {
            let Some(path) = line.strip_prefix("insmod ") else { continue };
            let path = Path::new(path.trim());
            let name =
                path.file_stem().context("a module has a name")?.to_string_lossy().into_owned();
            if order.contains(&name) {
                continue;
            }
            // The kernel unpacks none by itself.
            let unpacked = File::create(tree.join("modules").join(&name))?;
            let mut xz = Command::new(&busybox);
            let status = xz.args(["xz", "-dc"]).arg(path).stdout(unpacked).status()?;
            if !status.success() {
                bail!("`{}` could not be unpacked", path.display());
            }
            order.push(name);
        }
    }
    fs::write(tree.join("modules/order"), order.join("\n") + "\n")?;
    let to = folder.join("initramfs");
    archive(&busybox, &tree, &to)?;
    remove_tree(&tree)?;
    Ok(to)
}

fn archive(busybox: &Path, tree: &Path, to: &Path) -> Result<()> {
    let mut cpio = Command::new(busybox)
        .args(["cpio", "-o", "-H", "newc", "-R", "0:0"])
        .current_dir(tree)
        .stdin(Stdio::piped())
        .stdout(File::create(to)?)
        .stderr(Stdio::null())
        .spawn()?;
    let mut names = String::new();
    list(tree, Path::new("."), &mut names)?;
    cpio.stdin.take().context("its input is ours")?.write_all(names.as_bytes())?;
    if !cpio.wait()?.success() {
        bail!("the initramfs could not be packed");
    }
    Ok(())
}

fn list(tree: &Path, inner: &Path, names: &mut String) -> Result<()> {
    names.push_str(&inner.to_string_lossy());
    names.push('\n');
    if tree.join(inner).is_dir() {
        let mut entries: Vec<_> = fs::read_dir(tree.join(inner))?.collect::<Result<_, _>>()?;
        entries.sort_by_key(fs::DirEntry::file_name);
        for entry in entries {
            list(tree, &inner.join(entry.file_name()), names)?;
        }
    }
    Ok(())
}

/// Removes a folder with all that it holds, if it is there.
pub(crate) fn remove_tree(tree: &Path) -> Result<()> {
    match fs::remove_dir_all(tree) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("remove `{}`", tree.display()))
        }
        _ => Ok(()),
    }
}

/// An empty disk on which a machine keeps what is written.
pub(crate) fn data_disk(trees: &Trees, path: &Path) -> Result<()> {
    File::create(path)?.set_len(DATA_BYTES)?;
    let mut mkfs = trees.command("usr/sbin/mkfs.ext4");
    // Without it the first boot would still be writing tables while it is measured.
    mkfs.args(["-q", "-F", "-E", "lazy_itable_init=0,lazy_journal_init=0"]);
    process::run(mkfs.env("MKE2FS_CONFIG", trees.tools().join("etc/mke2fs.conf")).arg(path))
}
