//! The names under which hosts address this machine.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use rustls::pki_types::DnsName;

/// The names and addresses that a certificate is to have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Names {
    pub(crate) hosts: Vec<String>,
    pub(crate) addresses: Vec<IpAddr>,
}

impl Names {
    /// Loopback, this machine's name, alone and as it is announced (`.local`), and what the configuration allows.
    pub(crate) fn of(machine: &str, configured: &[String]) -> Self {
        let mut names = Self {
            hosts: vec!["localhost".to_owned()],
            addresses: vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()],
        };
        names.add(machine);
        if !machine.contains('.') {
            names.add(&format!("{machine}.local"));
        }
        for name in configured {
            names.add(name);
        }
        names
    }

    /// Adds what is a name or an address; `Host` may have other things, which no certificate can name.
    fn add(&mut self, name: &str) {
        let bare = name.trim_matches(['[', ']']);
        if let Ok(address) = bare.parse::<IpAddr>() {
            if !self.addresses.contains(&address) {
                self.addresses.push(address);
            }
        } else if DnsName::try_from(name).is_ok() {
            let name = name.to_ascii_lowercase();
            if !self.hosts.contains(&name) {
                self.hosts.push(name);
            }
        }
    }
}

/// The name of this machine.
pub(crate) fn machine() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_certificate_can_name_is_named_once() {
        let configured =
            ["LLMbasedOS.local", "box.example", "[fd00::7]", "192.168.1.7", "a b", "", "::1"]
                .map(str::to_owned);
        let names = Names::of("llmbasedos", &configured);
        assert_eq!(names.hosts, ["localhost", "llmbasedos", "llmbasedos.local", "box.example"]);
        let shown: Vec<_> = names.addresses.iter().map(ToString::to_string).collect();
        assert_eq!(shown, ["127.0.0.1", "::1", "fd00::7", "192.168.1.7"]);
        assert_eq!(Names::of("box.home.arpa", &[]).hosts, ["localhost", "box.home.arpa"]);
        assert_eq!(Names::of("(none)", &[]).hosts, ["localhost"]);
    }
}
