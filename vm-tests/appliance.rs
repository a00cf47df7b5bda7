//! What every appliance has, whatever it was booted from: the checks that a live medium and an installed disk share.

use anyhow::{Result, ensure};
use serde_json::json;

use super::tty1::{PROMPT, see};
use crate::vm::machine::{Machine, PERSON};
use crate::vm::mcp::Caller;

/// Owners and modes: of the application, of the configuration, of what daemons keep, and of where they meet.
const OWNED: [(&str, &str); 21] = [
    ("/usr/lib/llmbasedos/gateway", "root:root 755"),
    ("/usr/lib/llmbasedos/cap-fs", "root:root 755"),
    ("/usr/bin/llmbasedos", "root:root 755"),
    ("/usr/bin/luca-shell", "root:root 755"),
    ("/root", "root:root 700"),
    ("/root/llmbasedos_postinstall.sh", "root:root 755"),
    ("/etc/llmbasedos", "root:llmgateway 2755"),
    ("/etc/llmbasedos/gateway.yaml", "root:llmgateway 640"),
    ("/etc/llmbasedos/fs.yaml", "root:llmuser 640"),
    ("/etc/llmbasedos/policies", "root:llmgateway 2750"),
    ("/etc/llmbasedos/authorized_keys", "root:root 755"),
    ("/var/lib/llmbasedos", "root:root 755"),
    ("/var/log/llmbasedos", "root:root 755"),
    ("/var/lib/llmbasedos/gateway", "llmbasedos-gateway:llmgateway 700"),
    ("/var/lib/llmbasedos/gateway/tls/ca.key", "llmbasedos-gateway:llmgateway 600"),
    ("/run/mcp", "root:root 755"),
    ("/run/mcp/fs.cap.json", "root:root 644"),
    ("/run/mcp/gateway.sock", "root:llmgroup 660"),
    ("/run/mcp/person.sock", "root:llmconsole 660"),
    ("/run/mcp/fs.sock", "root:llmgateway 660"),
    ("/home/llmuser", "llmuser:llmuser 700"),
];

/// What is enabled, and what is not.
const UNITS: [(&str, &str); 12] = [
    ("llmbasedos.target", "enabled"),
    ("llmbasedos-gateway.socket", "enabled"),
    ("llmbasedos-person.socket", "enabled"),
    ("llmbasedos-gateway.service", "enabled"),
    ("llmbasedos-fs.socket", "enabled"),
    ("luca-shell@tty1.service", "enabled"),
    ("appliance-firewall.service", "enabled"),
    ("appliance-ssh.path", "enabled"),
    ("systemd-networkd.service", "enabled"),
    ("systemd-resolved.service", "enabled"),
    ("getty@tty1.service", "disabled"),
    ("ssh.service", "disabled"),
];

/// Looks at all of it, from inside and from outside.
pub(crate) fn check(machine: &mut Machine) -> Result<()> {
    let state = machine.run("systemctl is-system-running")?.out;
    let failed = machine.done("systemctl --failed --no-legend --plain")?;
    ensure!(state.trim() == "running" && failed.is_empty(), "it is {state}: {failed}");

    people(machine)?;
    for (path, wanted) in OWNED {
        let owned = machine.done(&format!("stat -c '%U:%G %a' {path}"))?;
        ensure!(owned == wanted, "{path} is {owned}, and should be {wanted}");
    }
    let open = machine.done(
        "find /usr/lib/llmbasedos /usr/share/llmbasedos /etc/llmbasedos -perm /022 ! -type l",
    )?;
    ensure!(open.is_empty(), "others than their owner may write {open}");
    for (unit, wanted) in UNITS {
        let found = machine.run(&format!("systemctl is-enabled {unit}"))?.out;
        ensure!(found.trim() == wanted, "{unit} is {found}, and should be {wanted}");
    }

    let name = machine.done("cat /proc/sys/kernel/hostname; resolvectl mdns | grep -c yes")?;
    ensure!(name == "llmbasedos\n2", "its name, and who answers for it: {name}");
    let filter = machine.done("nft list chain inet llmbasedos input")?;
    ensure!(filter.contains("policy drop"), "the firewall lets all in: {filter}");

    see(machine, PROMPT)?;
    let host = Caller::of(machine)?;
    let listed = host.call("fs_list", &json!({ "path": "/" }))?;
    ensure!(listed.to_string().contains("README.md"), "port 8000 lists {listed}");
    ssh(machine)
}

/// Users, groups, and that nobody has a password.
fn people(machine: &mut Machine) -> Result<()> {
    let groups = machine.done(&format!("id -nG {PERSON}; id -nG llmbasedos-gateway"))?;
    ensure!(groups == "llmuser llmgroup\nllmgateway", "the groups are {groups}");
    let members = machine.done("getent group llmconsole llmgateway llmgroup | cut -d: -f1,4")?;
    ensure!(members == "llmconsole:\nllmgateway:\nllmgroup:llmuser", "the members are {members}");
    let passwords = machine.done("awk -F: '$2 !~ /^[!*]/ {print $1}' /etc/shadow")?;
    ensure!(passwords.is_empty(), "these have a password, or need none: {passwords}");
    Ok(())
}

/// SSH is off until a key is added, on then, and takes keys alone.
fn ssh(machine: &mut Machine) -> Result<()> {
    let open = "ss -Hltn 'sport = :22' | grep .";
    ensure!(machine.run(open)?.status != 0, "SSH runs though nobody has added a key");
    machine.done(
        "ssh-keygen -q -t ed25519 -N '' -f /run/key && cp /run/key.pub /etc/llmbasedos/authorized_keys/llmuser",
    )?;
    machine.until("SSH to begin", super::tty1::SHOWN, open)?;
    let log_in = "ssh -i /run/key -o BatchMode=yes -o StrictHostKeyChecking=accept-new";
    let who = machine.done(&format!("{log_in} {PERSON}@127.0.0.1 id -un"))?;
    ensure!(who == PERSON, "by that key one is {who}");
    let stranger = machine.run(&format!("{log_in} root@127.0.0.1 id -un"))?;
    ensure!(stranger.status != 0, "the key of one opens for another: {stranger:?}");
    let asked = machine.run(
        "ssh -o PreferredAuthentications=password,keyboard-interactive -o BatchMode=yes \
         -o StrictHostKeyChecking=accept-new llmuser@127.0.0.1 id",
    )?;
    ensure!(asked.err.contains("(publickey)"), "it asks for more than keys: {asked:?}");
    // As it was.
    machine.done(
        "rm /etc/llmbasedos/authorized_keys/llmuser /run/key /run/key.pub; systemctl stop appliance-ssh.service; \
         rm -r /root/.ssh /etc/ssh/ssh_host_*",
    )?;
    Ok(())
}
