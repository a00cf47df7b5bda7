//! Whether this machine can reach others, and at which address it is reached.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};

use crate::Finding;

/// Addresses that no machine has (RFC 5737, RFC 3849): connecting a UDP socket sends nothing, it only asks the routes.
const ELSEWHERE: [(IpAddr, IpAddr); 2] = [
    (IpAddr::V4(Ipv4Addr::UNSPECIFIED), IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1))),
    (IpAddr::V6(Ipv6Addr::UNSPECIFIED), IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1))),
];

/// Any port will do, since nothing is sent.
const PORT: u16 = 9;

/// The gateway's port.
const GATEWAY_PORT: u16 = 8000;

/// Looks at the network.
pub(crate) fn examine() -> Finding {
    let reaches_out =
        ELSEWHERE.into_iter().any(|(any, elsewhere)| own_address(any, elsewhere).is_ok());
    judge(&addresses().unwrap_or_default(), reaches_out)
}

/// The addresses by which others reach this machine: not its own, nor those that hold on one cable only.
fn addresses() -> io::Result<Vec<SocketAddr>> {
    let known = if_addrs::get_if_addrs()?;
    let reached = known.iter().filter(|known| !known.is_loopback() && !known.is_link_local());
    Ok(reached.map(|known| SocketAddr::new(known.ip(), GATEWAY_PORT)).collect())
}

fn judge(addresses: &[SocketAddr], reaches_out: bool) -> Finding {
    if addresses.is_empty() {
        return Finding::warning(
            "network",
            "this machine has no address: no cable, or no router that gives one",
            "What is on this machine works without. Look at the cable and at the router; `networkctl` shows what each \
             interface has",
        );
    }
    let addresses: Vec<_> = addresses.iter().map(ToString::to_string).collect();
    let beyond = if reaches_out { "" } else { "; nothing beyond it is, since there is no router" };
    let addresses = addresses.join(" and ");
    Finding::good("network", format!("reachable from the same network at {addresses}{beyond}"))
}

fn own_address(any: IpAddr, elsewhere: IpAddr) -> io::Result<IpAddr> {
    let socket = UdpSocket::bind((any, 0))?;
    socket.connect((elsewhere, PORT))?;
    Ok(socket.local_addr()?.ip())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Level;

    #[test]
    fn a_machine_without_an_address_is_told_what_still_works() {
        let finding = judge(&[], false);
        assert_eq!(finding.level, Level::Warning);
        assert!(finding.remedy.unwrap().contains("works without"));
    }

    #[test]
    fn a_machine_with_addresses_tells_them() {
        let addresses =
            ["192.168.1.7:8000", "[2001:db8::7]:8000"].map(|text| text.parse().unwrap());
        let finding = judge(&addresses, true);
        assert_eq!(finding.level, Level::Good);
        assert!(finding.what.ends_with("192.168.1.7:8000 and [2001:db8::7]:8000"), "{finding:?}");
        assert!(judge(&addresses, false).what.contains("no router"));
    }

    #[test]
    fn the_own_address_is_the_one_that_the_route_has() {
        let loopback = IpAddr::V4(Ipv4Addr::LOCALHOST);
        assert_eq!(own_address(IpAddr::V4(Ipv4Addr::UNSPECIFIED), loopback).unwrap(), loopback);
    }
}
