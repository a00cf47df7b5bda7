//! From outside, the machine can be reached at the gateway and asked for its name, and in no other way.

use std::collections::BTreeSet;

use anyhow::{Context, Result, ensure};

use crate::vm::Site;
use crate::vm::machine::Machine;

pub(crate) const RELIED_ON: &str =
    "the open ports are TCP 8000 and UDP 5353 (and DHCP's), no others; there is no SSH in it yet";

/// What may be open: MCP, and the machine's name on the local network.
const OPEN: [&str; 2] = ["tcp 8000", "udp 5353"];

pub(crate) fn run(_: &Site<'_>, machine: &mut Machine) -> Result<()> {
    let listed = machine.done("ss -Hlntup")?;
    let found = open(&listed)?;
    let wanted: BTreeSet<_> = OPEN.map(str::to_owned).into();
    ensure!(found == wanted, "open are {found:?}, and should be {wanted:?}:\n{listed}");
    Ok(())
}

/// The client of DHCP, by which the machine keeps the address that it was given: nothing is offered there.
const DHCP: (&str, &str) = ("udp 68", "\"systemd-network\"");

/// The ports in a list of `ss` that can be reached from another machine.
fn open(listed: &str) -> Result<BTreeSet<String>> {
    let mut found = BTreeSet::new();
    for line in listed.lines() {
        let mut words = line.split_whitespace();
        let protocol = words.next().context("a protocol")?;
        let local = words.nth(3).with_context(|| format!("no address: {line}"))?;
        let (address, port) = local.rsplit_once(':').with_context(|| format!("no port: {line}"))?;
        let port = format!("{protocol} {port}");
        let is_dhcp = port == DHCP.0 && line.contains(DHCP.1);
        if !is_loopback(address) && !is_dhcp {
            found.insert(port);
        }
    }
    Ok(found)
}

/// Whether this address, of `ss`, is of the machine alone.
fn is_loopback(address: &str) -> bool {
    let bare = address.trim_matches(['[', ']']);
    let bare = bare.split_once('%').map_or(bare, |(address, _)| address);
    bare.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_only_the_machine_itself_reaches_is_not_open() {
        let listed = "udp UNCONN 0 0 127.0.0.53%lo:53 0.0.0.0:*\n\
                      udp UNCONN 0 0 0.0.0.0:5353 0.0.0.0:*\n\
                      udp UNCONN 0 0 10.0.2.15%eth0:68 0.0.0.0:* users:((\"systemd-network\",pid=9,fd=9))\n\
                      tcp LISTEN 0 9 *:8000 *:*\n\
                      tcp LISTEN 0 9 [::1]:631 [::]:*\n\
                      tcp LISTEN 0 9 [::]:22 [::]:*\n";
        let found = open(listed).unwrap();
        assert_eq!(found.into_iter().collect::<Vec<_>>(), ["tcp 22", "tcp 8000", "udp 5353"]);
        let others = "udp UNCONN 0 0 0.0.0.0:68 0.0.0.0:* users:((\"other\",pid=9,fd=9))\n";
        assert!(open(others).unwrap().contains("udp 68"));
        assert!(open("tcp LISTEN").is_err());
    }
}
