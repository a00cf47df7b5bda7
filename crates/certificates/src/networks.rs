//! The addresses for which the appliance's authority signs.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use rcgen::{CidrSubnet, GeneralSubtree};
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;

/// The addresses that begin with the same bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Network {
    address: IpAddr,
    prefix: u8,
}

/// Addresses that no public authority vouches for, since each network has its own: loopback, RFC 1918, RFC 4193 and
/// link-local ones.
const LOCAL: [Network; 8] = [
    Network::v4([127, 0, 0, 0], 8),
    Network::v4([10, 0, 0, 0], 8),
    Network::v4([172, 16, 0, 0], 12),
    Network::v4([192, 168, 0, 0], 16),
    Network::v4([169, 254, 0, 0], 16),
    Network { address: IpAddr::V6(Ipv6Addr::LOCALHOST), prefix: 128 },
    Network::v6(0xfc00, 7),
    Network::v6(0xfe80, 10),
];

impl Network {
    const fn v4([a, b, c, d]: [u8; 4], prefix: u8) -> Self {
        Self { address: IpAddr::V4(Ipv4Addr::new(a, b, c, d)), prefix }
    }

    const fn v6(first: u16, prefix: u8) -> Self {
        Self { address: IpAddr::V6(Ipv6Addr::new(first, 0, 0, 0, 0, 0, 0, 0)), prefix }
    }

    fn of(address: IpAddr) -> Self {
        Self { address, prefix: if address.is_ipv4() { 32 } else { 128 } }
    }

    fn has(self, address: IpAddr) -> bool {
        let differs = match (self.address, address) {
            (IpAddr::V4(own), IpAddr::V4(other)) => {
                (own.to_bits() ^ other.to_bits()).leading_zeros()
            }
            (IpAddr::V6(own), IpAddr::V6(other)) => {
                (own.to_bits() ^ other.to_bits()).leading_zeros()
            }
            _ => return false,
        };
        differs >= u32::from(self.prefix)
    }

    /// From the bytes of a name constraint: an address, and a mask of the same length.
    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (address, mask) = bytes.split_at_checked(bytes.len() / 2)?;
        if let (Ok(address), Ok(mask)) = (<[u8; 4]>::try_from(address), <[u8; 4]>::try_from(mask)) {
            let prefix = u32::from_be_bytes(mask).leading_ones();
            return Some(Self { address: address.into(), prefix: prefix.try_into().ok()? });
        }
        let (address, mask) = (<[u8; 16]>::try_from(address).ok()?, mask.try_into().ok()?);
        let prefix = u128::from_be_bytes(mask).leading_ones();
        Some(Self { address: address.into(), prefix: prefix.try_into().ok()? })
    }
}

/// What addresses an authority may sign.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Networks(Option<Vec<Network>>);

impl Networks {
    /// Those of local networks, and the ones given.
    pub(crate) fn with(addresses: &[IpAddr]) -> Self {
        let local = LOCAL.to_vec();
        let others = addresses.iter().copied().map(Network::of);
        let others = others.filter(|own| !LOCAL.iter().any(|network| network.has(own.address)));
        Self(Some(local.into_iter().chain(others).collect()))
    }

    /// Those of the certificate of an authority. One that names no network is from before there were any in it: hosts trust
    /// it for every address, and it stays what it is, since a new one had to be brought to every host.
    pub(crate) fn of(certificate: &X509Certificate<'_>) -> Self {
        let constraints = certificate.name_constraints().ok().flatten();
        let subtrees = constraints.and_then(|found| found.value.permitted_subtrees.as_ref());
        let networks = subtrees.into_iter().flatten().filter_map(|subtree| match subtree.base {
            GeneralName::IPAddress(bytes) => Some(Network::from_bytes(bytes)),
            _ => None,
        });
        let networks: Vec<Option<Network>> = networks.collect();
        // One that cannot be read permits nothing, and is a constraint all the same.
        Self((!networks.is_empty()).then(|| networks.into_iter().flatten().collect()))
    }

    /// The same as they stand in a certificate.
    pub(crate) fn subtrees(&self) -> impl Iterator<Item = GeneralSubtree> {
        self.0.iter().flatten().map(|network| {
            let subnet = CidrSubnet::from_addr_prefix(network.address, network.prefix);
            GeneralSubtree::IpAddress(subnet)
        })
    }

    pub(crate) fn have(&self, address: IpAddr) -> bool {
        self.0.as_ref().is_none_or(|all| all.iter().any(|network| network.has(address)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn local_addresses_are_had_and_public_ones_are_not() {
        let networks = Networks::with(&["203.0.113.7".parse().unwrap()]);
        for address in [
            "127.0.0.1",
            "127.255.255.255",
            "10.255.255.255",
            "172.16.0.0",
            "172.31.255.255",
            "192.168.0.0",
            "192.168.255.255",
            "169.254.0.1",
            "203.0.113.7",
            "::1",
            "fc00::",
            "fdff:ffff::1",
            "fe80::1",
            "febf:ffff::1",
        ] {
            assert!(networks.have(address.parse().unwrap()), "{address}");
        }
        for address in [
            "1.1.1.1",
            "126.255.255.255",
            "128.0.0.0",
            "9.255.255.255",
            "11.0.0.0",
            "172.15.255.255",
            "172.32.0.0",
            "192.167.255.255",
            "192.169.0.0",
            "169.253.255.255",
            "203.0.113.6",
            "203.0.113.8",
            "100.64.0.1",
            "::",
            "::2",
            "::ffff:192.168.0.1",
            "fbff::1",
            "fe00::1",
            "fec0::1",
            "2001:db8::7",
        ] {
            assert!(!networks.have(address.parse().unwrap()), "{address}");
        }
    }

    #[test]
    fn an_address_that_is_local_anyway_is_not_named_again() {
        let addresses = ["192.168.1.7", "fd00::7", "127.0.0.1", "::1"];
        let addresses = addresses.map(|address| address.parse().unwrap());
        assert_eq!(Networks::with(&addresses), Networks::with(&[]));
    }

    #[test]
    fn what_is_no_address_with_its_mask_is_no_network() {
        for length in (0..40).filter(|length| ![8, 32].contains(length)) {
            assert_eq!(Network::from_bytes(&vec![1; length]), None, "{length}");
        }
        let network = Network::from_bytes(&[172, 16, 0, 0, 255, 240, 0, 0]);
        assert_eq!(network, Some(Network::v4([172, 16, 0, 0], 12)));
    }
}
