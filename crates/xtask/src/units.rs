//! What systemd itself says of our units, without booting: whether it understands them, and how much they leave open.
//!
//! They are checked where they will be: staged, beside the units of the guest, by the systemd of the tools tree, which is
//! newer than what this machine may have.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};

use crate::cache::Cache;
use crate::process;
use crate::say;
use crate::stage;
use crate::vm::trees::Trees;
use crate::workspace::Workspace;

/// How much a unit may leave open at most, in tenths of systemd's score, from 0 (nothing) to 100 (everything).
const GATES: [(&str, u32); 4] = [
    ("llmbasedos-fs.service", 3),
    ("llmbasedos-gateway.service", 11),
    ("appliance-firewall.service", 20),
    // Whoever comes in by it is to have what somebody at a console has.
    ("appliance-ssh.service", 100),
];
/// Programs of other packages that our units start.
const OTHERS: [&str; 4] = ["usr/sbin/nft", "usr/sbin/sshd", "usr/bin/ssh-keygen", "usr/bin/kill"];
/// The same for all others.
const GATE: u32 = 15;
/// What a template is checked as.
const INSTANCE: &str = "@tty1.";
/// Where the units are, staged.
const UNITS: &str = "usr/lib/systemd/system";
/// What has no sandbox, and so must be refused by the gate; and what systemd does not understand.
const BAD_UNITS: [(&str, &str); 2] = [
    ("plain", "[Service]\nType=oneshot\nExecStart=/usr/lib/llmbasedos/gateway\n"),
    ("unclear", "[Service]\nExecStart=/usr/lib/llmbasedos/gateway\nProtectHomes=yes\n"),
];

/// Checks everything; each check must also refuse what is wrong on purpose.
pub(crate) fn part(workspace: &Workspace, cache: &Cache) -> Result<()> {
    let trees = Trees::ensure(cache)?;
    let folder = tempfile::Builder::new().prefix("llmb").tempdir()?;
    let tree = folder.path();
    let inner = "usr/lib/systemd";
    fs::create_dir_all(tree.join(inner))?;
    let guest = trees.guest().join(inner);
    process::run(Command::new("cp").arg("-a").arg(guest.join("system")).arg(tree.join(inner)))?;
    stage::stage(&workspace.root, &workspace.target.join("ci"), tree)?;
    // What the image adds, whose units are ours as well.
    stage::copy(&workspace.root.join("archiso/airootfs/usr"), &tree.join("usr"))?;
    for other in OTHERS {
        let to = tree.join(other);
        fs::create_dir_all(to.parent().context("a folder")?)?;
        let from = trees.guest().join(other);
        fs::copy(&from, &to).with_context(|| format!("the guest has no `/{other}`"))?;
    }
    std::os::unix::fs::symlink("usr/bin", tree.join("bin"))?;
    for (name, text) in BAD_UNITS {
        fs::write(tree.join(UNITS).join(format!("{name}.service")), text)?;
    }
    let folders = ["systemd/system", "archiso/airootfs/usr/lib/systemd/system"];
    let mut units = Vec::new();
    for folder in folders {
        units.extend(self::units(&workspace.root.join(folder))?);
    }
    understood(&trees, tree, &units)?;
    scores(&trees, tree, &units)?;
    installed(&trees, tree)?;
    profiles(&trees, &workspace.root.join("systemd/apparmor"))
}

/// The names of our units, a template by an instance of it.
fn units(folder: &Path) -> Result<Vec<String>> {
    let mut units = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_file() {
            units.push(entry.file_name().to_string_lossy().replace("@.", INSTANCE));
        }
    }
    units.sort();
    Ok(units)
}

/// `systemd-analyze verify` finds nothing to say. Its exit code does not tell: what it does not know it ignores.
fn understood(trees: &Trees, tree: &Path, units: &[String]) -> Result<()> {
    let said = |units: &[&str]| -> Result<String> {
        let mut analyze = trees.command("usr/bin/systemd-analyze");
        let root = format!("--root={}", tree.display());
        let output = analyze.args(["verify", "--man=no", &root]).args(units).output()?;
        Ok(String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let names: Vec<&str> = units.iter().map(String::as_str).collect();
    let complaints = said(&names)?;
    ensure!(complaints.is_empty(), "systemd complains of our units:\n{complaints}");
    ensure!(said(&["unclear.service"])?.contains("ProtectHomes"), "verify sees no mistake at all");
    say::line(format!("systemd understands {} units", units.len()));
    Ok(())
}

/// `systemd-analyze security` gives each service no more than its gate.
fn scores(trees: &Trees, tree: &Path, units: &[String]) -> Result<()> {
    let asked = |unit: &str, gate: u32| -> Result<(bool, String)> {
        let mut analyze = trees.command("usr/bin/systemd-analyze");
        let root = format!("--root={}", tree.display());
        let threshold = format!("--threshold={gate}");
        analyze.args(["security", "--offline=true", "--no-pager", &root, &threshold, unit]);
        let output = analyze.stdin(Stdio::null()).output()?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let score = text.lines().last().and_then(|line| line.split(": ").nth(1));
        let score = score.with_context(|| format!("no score of {unit}: {text}"))?.to_owned();
        Ok((output.status.success(), score))
    };
    let mut missed = Vec::new();
    for unit in units.iter().filter(|unit| unit.ends_with(".service")) {
        let gate = GATES.iter().find(|(name, _)| name == unit).map_or(GATE, |(_, gate)| *gate);
        let (passed, score) = asked(unit, gate)?;
        let verdict = if passed { "passed" } else { "MISSED" };
        say::line(format!("{unit:<32} {score:<12} gate {}.{} {verdict}", gate / 10, gate % 10));
        if !passed {
            missed.push(unit.as_str());
        }
    }
    ensure!(missed.is_empty(), "these leave more open than they may: {}", missed.join(", "));
    let (passed, score) = asked("plain.service", GATE)?;
    ensure!(!passed, "a service without any sandbox passes the gate: {score}");
    Ok(())
}

/// Users, folders and what is enabled can be made of what is staged.
fn installed(trees: &Trees, tree: &Path) -> Result<()> {
    let root = format!("--root={}", tree.display());
    process::quietly(trees.command("usr/bin/systemd-sysusers").arg(&root))?;
    let users = fs::read_to_string(tree.join("etc/passwd"))?;
    let groups = fs::read_to_string(tree.join("etc/group"))?;
    for user in ["llmuser:", "llmbasedos-gateway:"] {
        ensure!(users.lines().any(|line| line.starts_with(user)), "there is no user {user}");
    }
    let members = |group: &str| groups.lines().find_map(|line| line.strip_prefix(group));
    ensure!(
        members("llmgroup:").is_some_and(|rest| rest.ends_with(":llmuser")),
        "llmuser is not in llmgroup"
    );
    for group in ["llmgateway", "llmconsole"] {
        let rest = members(&format!("{group}:"));
        ensure!(rest.is_some_and(|rest| rest.ends_with(':')), "somebody is in {group}");
    }
    // Nor by being their first group.
    let id = |group: &str| members(group).and_then(|rest| rest.split(':').nth(1));
    let person = users.lines().find(|line| line.starts_with("llmuser:"));
    ensure!(
        person.and_then(|line| line.split(':').nth(3)) == id("llmuser:"),
        "the first group of llmuser is another's"
    );
    let password = fs::read_to_string(tree.join("etc/shadow"))?;
    let llmuser = password.lines().find(|line| line.starts_with("llmuser:"));
    ensure!(llmuser.is_some_and(|line| line.contains(":!*:")), "llmuser has a password");

    // It complains of what of the guest's own is not there; what it enables is looked at.
    process::quietly(trees.command("usr/bin/systemctl").args([&root, "preset-all"]))?;
    for link in [
        "multi-user.target.wants/llmbasedos.target",
        "llmbasedos.target.wants/llmbasedos-gateway.service",
        "sockets.target.wants/llmbasedos-gateway.socket",
        "sockets.target.wants/llmbasedos-person.socket",
        "sockets.target.wants/llmbasedos-fs.socket",
        "mcp-gateway.service",
        "mcp-fs.service",
        "getty.target.wants/luca-shell@tty1.service",
        "sysinit.target.wants/appliance-firewall.service",
        "multi-user.target.wants/appliance-ssh.path",
    ] {
        let path = tree.join("etc/systemd/system").join(link);
        ensure!(path.symlink_metadata().is_ok(), "`{link}` is not enabled");
    }
    let getty = tree.join("etc/systemd/system/getty.target.wants/getty@tty1.service");
    ensure!(getty.symlink_metadata().is_err(), "a login is enabled beside the shell");

    // Owners and modes are looked at in the machine: to make them takes root.
    let dry = |config: &Path| -> Result<bool> {
        let mut tmpfiles = trees.command("usr/bin/systemd-tmpfiles");
        let output = tmpfiles.args([&root, "--dry-run", "--create"]).arg(config).output()?;
        let said = String::from_utf8_lossy(&output.stderr);
        Ok(output.status.success() && !said.contains("ignoring") && !said.contains("Failed"))
    };
    let ours = tree.join("usr/lib/tmpfiles.d/llmbasedos.conf");
    ensure!(dry(&ours)?, "systemd-tmpfiles does not take `{}`", ours.display());
    let broken = tempfile::NamedTempFile::new()?;
    fs::write(broken.path(), "d /run/mcp 0755 nobody-of-this-name root -\n")?;
    ensure!(!dry(broken.path())?, "systemd-tmpfiles takes any user");
    say::line("users, folders and what is enabled are as they should be");
    Ok(())
}

/// The AppArmor profiles can be compiled, for the kernels that have it.
fn profiles(trees: &Trees, folder: &Path) -> Result<()> {
    let compile = |file: &Path| -> Result<std::process::Output> {
        let mut parser = trees.command("usr/sbin/apparmor_parser");
        parser.args(["--skip-kernel-load", "--skip-cache", "--quiet", "--base"]);
        Ok(parser.arg(trees.tools().join("etc/apparmor.d")).arg(file).output()?)
    };
    let mut count = 0;
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let output = compile(&path)?;
        if !output.status.success() {
            bail!("`{}`: {}", path.display(), String::from_utf8_lossy(&output.stderr));
        }
        count += 1;
    }
    let broken = tempfile::NamedTempFile::new()?;
    fs::write(broken.path(), "profile broken {\n  /x nonsense,\n}\n")?;
    ensure!(!compile(broken.path())?.status.success(), "the compiler takes any profile");
    say::line(format!("{count} AppArmor profiles compile"));
    Ok(())
}
