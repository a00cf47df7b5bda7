//! A daemon that somebody has taken over can do nothing but its work: from inside its unit forty acts are refused.

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::vm::Site;
use crate::vm::machine::Machine;

pub(crate) const RELIED_ON: &str =
    "from inside each daemon's unit forty forbidden acts are refused, and what it needs is allowed";

/// The probe, which is in no other image.
const PROBE: &str = "/usr/lib/vm-tests/acts";
/// A copy of it that gives its caller root's rights, where nothing stands against that.
const SET_USER_ID: &str = "/usr/lib/vm-tests/acts-of-root";
/// What another daemon was trusted with.
const CREDENTIALS: &str = "/run/credentials/other.service/key";
/// Another user's file.
const PRIVATE: &str = "/srv/private";

/// What is not for the gateway: what others keep, and their sockets.
const NOT_FOR_GATEWAY: &str = "--state /var/lib/llmbasedos/fs --state /home/llmuser/files \
     --socket /run/dbus/system_bus_socket --socket /run/systemd/private";
/// What is not for the file server. By its user `gateway.sock` is, which is the person's; but its unit sees no socket.
const NOT_FOR_FS: &str = "--state /var/lib/llmbasedos/gateway --state /etc/llmbasedos/clients.yaml \
     --socket /run/mcp/gateway.sock --socket /run/mcp/person.sock --socket /run/dbus/system_bus_socket";

pub(crate) fn run(_: &Site<'_>, machine: &mut Machine) -> Result<()> {
    machine.done(&format!(
        "install -m 4755 {PROBE} {SET_USER_ID}
         install -d -m 0711 $(dirname {CREDENTIALS}); install -m 0400 /dev/null {CREDENTIALS}
         install -m 0600 /dev/null {PRIVATE}
         systemctl reset-failed vm-bystander 2> /dev/null
         systemd-run --quiet --unit vm-bystander --property Type=exec {PROBE} bystander"
    ))?;
    machine.until(
        "the bystander",
        std::time::Duration::from_secs(30),
        "grep -q @llmbasedos-bystander /proc/net/unix",
    )?;
    let mut wrong = Vec::new();
    for (daemon, not_for_it) in [("gateway", NOT_FOR_GATEWAY), ("fs", NOT_FOR_FS)] {
        let tried = inside(machine, daemon, not_for_it);
        // Whatever came of it, the daemon itself is back for the next scenario.
        machine.done(&format!(
            "rm -rf /run/systemd/system/llmbasedos-{daemon}.service.d
             systemctl daemon-reload && systemctl reset-failed llmbasedos-{daemon}.service
             systemctl start llmbasedos-{daemon}.service"
        ))?;
        wrong.extend(tried?);
    }
    machine.done("systemctl stop vm-bystander")?;
    ensure!(wrong.is_empty(), "not as it should be:\n{}", wrong.join("\n"));
    Ok(())
}

/// Tries all in the place of a daemon: in systemd's sandbox alone, and in the daemon's own as well. And outside of both,
/// where each act must succeed, or its refusal would show nothing.
fn inside(machine: &mut Machine, daemon: &str, not_for_it: &str) -> Result<Vec<String>> {
    let mut wrong = Vec::new();
    let command = format!(
        "{PROBE} {daemon} --config /etc/llmbasedos/{daemon}.yaml --caps /run/mcp --setuid {SET_USER_ID} \
         --credentials {CREDENTIALS} --home {PRIVATE} {not_for_it}"
    );
    for (place, option) in [("systemd's sandbox", ""), ("both sandboxes", "--own-sandbox")] {
        let unit = format!("llmbasedos-{daemon}.service");
        machine.done(&format!(
            "mkdir -p /run/systemd/system/{unit}.d; cat > /run/systemd/system/{unit}.d/90-acts.conf <<END
[Service]
Type=oneshot
Restart=no
WatchdogSec=0
ExecStart=
ExecStart={command} {option}
BindReadOnlyPaths=/usr/lib/vm-tests
StandardOutput=truncate:/run/acts.json
END
             systemctl daemon-reload; systemctl stop {unit}"
        ))?;
        wrong.extend(judge(machine, &unit, &format!("{daemon}, in {place}"))?);
    }
    machine.done(&format!(
        "cat > /run/systemd/system/vm-acts.service <<END
[Service]
Type=oneshot
NotifyAccess=main
Sockets=llmbasedos-{daemon}.socket
ExecStart={command} --control
StandardOutput=truncate:/run/acts.json
END
         systemctl daemon-reload; systemctl stop llmbasedos-{daemon}.service"
    ))?;
    let place = format!("{daemon}, in no sandbox, where all succeeds");
    wrong.extend(judge(machine, "vm-acts.service", &place)?);
    Ok(wrong)
}

/// Starts the unit, and reads what the probe says.
fn judge(machine: &mut Machine, unit: &str, place: &str) -> Result<Vec<String>> {
    let started = machine.run(&format!("rm -f /run/acts.json; systemctl start {unit}"))?;
    let said =
        machine.done(&format!("cat /run/acts.json; journalctl -b -u {unit} -n 3 -o cat >&2"))?;
    let rows = said.lines().map(serde_json::from_str).collect::<Result<Vec<Value>, _>>();
    let rows = rows.with_context(|| format!("{place}: {said}"))?;
    let summary = rows.iter().find(|row| row["summary"].is_string());
    let summary =
        summary.with_context(|| format!("{place}: no summary: {said} {}", started.err))?;
    crate::say::line(format!("{place}: {summary}"));
    let wrong = rows.iter().filter(|row| row["expected"] != true && row["summary"].is_null());
    let mut wrong: Vec<_> = wrong.map(|row| format!("{place}: {row}")).collect();
    if wrong.is_empty() && started.status != 0 {
        wrong.push(format!("{place}: {}", started.err));
    }
    Ok(wrong)
}
