//! Each socket opens for those whom it is for, and for nobody else: a server believes who connects what they say of the
//! caller.

use anyhow::{Result, ensure};

use crate::vm::Site;
use crate::vm::machine::{Machine, PERSON};
use crate::vm::mcp::Caller;
use serde_json::json;

pub(crate) const RELIED_ON: &str =
    "each socket opens for its users and for nobody else, and so does port 8000";

const GATEWAY: &str = "/run/mcp/gateway.sock";
const PERSONS: &str = "/run/mcp/person.sock";
const FILES: &str = "/run/mcp/fs.sock";
const GATEWAYS_USER: &str = "llmbasedos-gateway";
const NOBODY: &str = "nobody";

/// No permission, as `connect(2)` says it.
const EACCES: i32 = 13;

/// Who may connect to what.
const RULES: [(&str, &str, bool); 9] = [
    (PERSON, GATEWAY, true),
    // Of all that runs as this user, the shell on the console alone.
    (PERSON, PERSONS, false),
    (PERSON, FILES, false),
    (NOBODY, GATEWAY, false),
    (NOBODY, PERSONS, false),
    (NOBODY, FILES, false),
    (GATEWAYS_USER, FILES, true),
    (GATEWAYS_USER, PERSONS, false),
    (GATEWAYS_USER, GATEWAY, false),
];

pub(crate) fn run(_: &Site<'_>, machine: &mut Machine) -> Result<()> {
    for (user, socket, may) in RULES {
        // The exit status is the number of the error.
        let connect = format!(
            "perl -MSocket -e \"socket(S,AF_UNIX,SOCK_STREAM,0);\
             connect(S,sockaddr_un(\\\"{socket}\\\"))||exit(\\$!+0)\""
        );
        let came = machine.run_as(user, &connect)?;
        let wanted = if may { 0 } else { EACCES };
        ensure!(came.status == wanted, "{user} at {socket}: {} {}", came.status, came.err);
        crate::say::line(format!(
            "{user} {} {socket}",
            if may { "connects to" } else { "is refused by" }
        ));
    }
    console(machine)?;
    // Through the one socket that is theirs, the person uses what is behind the other.
    let listed = machine.run_as(PERSON, "luca-shell -c ls")?;
    ensure!(listed.status == 0 && listed.out.contains("README.md"), "the shell: {listed:?}");
    let listed = machine.run_as(NOBODY, "luca-shell -c ls")?;
    ensure!(listed.status != 0 && !listed.out.contains("README.md"), "nobody: {listed:?}");

    // On the network the machine is called by its number.
    let by_number = machine.run_as(
        PERSON,
        "LLMBASEDOS_KEY=$(cat /var/lib/llmbasedos/first-key/key) luca-shell --url \
         ws://$(ip -4 -o addr show scope global | sed \"s/.*inet //; s:/.*::\"):8000/ws -c ls",
    )?;
    ensure!(by_number.out.contains("README.md"), "by its number: {by_number:?}");

    for key in ["", "wrong"] {
        let stranger = Caller::with_key(machine, key);
        let (status, body) = stranger.post("fs_list", &json!({ "path": "/" }))?;
        ensure!(status == 401, "the key {key:?} is answered with {status}: {body}");
    }
    Caller::of(machine)?.call("fs_list", &json!({ "path": "/" }))?;
    private(machine)
}

/// The shell on the console has the group of the person's door, and others of its user cannot get at it through the shell.
fn console(machine: &mut Machine) -> Result<()> {
    let shell = machine.done("systemctl show -P MainPID luca-shell@tty1.service")?;
    let groups = machine.done(&format!("sed -n \"s/^Groups://p\" /proc/{shell}/status"))?;
    let group = machine.done("getent group llmconsole | cut -d: -f3")?;
    ensure!(
        groups.split_whitespace().any(|one| one == group),
        "the shell on the console has the groups {groups}, and not {group}"
    );
    // Whoever can read this can change what the process does.
    let looked = machine.run_as(PERSON, &format!("readlink /proc/{shell}/exe"))?;
    ensure!(looked.status != 0, "another program of the person's looks into the shell: {looked:?}");
    Ok(())
}

/// What only one of them may read.
fn private(machine: &mut Machine) -> Result<()> {
    let rules = [
        (PERSON, "/var/lib/llmbasedos/first-key/key", true),
        (NOBODY, "/var/lib/llmbasedos/first-key/key", false),
        (GATEWAYS_USER, "/var/lib/llmbasedos/first-key/key", false),
        (GATEWAYS_USER, "/etc/llmbasedos/clients.yaml", true),
        (PERSON, "/etc/llmbasedos/clients.yaml", false),
        (NOBODY, "/etc/llmbasedos/clients.yaml", false),
    ];
    for (user, file, may) in rules {
        let read = machine.run_as(user, &format!("cat {file}"))?;
        ensure!((read.status == 0) == may, "{user} and {file}: {} {}", read.status, read.err);
    }
    Ok(())
}
