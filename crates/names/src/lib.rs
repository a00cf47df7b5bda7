//! The addresses of a host, from `/etc/hosts` and DNS.
//!
//! The C library is not asked: it loads plug-ins for that while the program runs, which a static program cannot do. Nor
//! is the resolver that `reqwest` brings, which asks a stranger's servers where `/etc/resolv.conf` cannot be read.
//!
//! Nothing is kept from one look-up to the next: connections are made seldom, and a laptop changes its network.

use std::net::{IpAddr, SocketAddr};

use hickory_resolver::TokioResolver;
use hickory_resolver::config::{LookupIpStrategy, ResolverConfig};
use hickory_resolver::net::NetError;
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

/// A name that has no address that we can find.
#[derive(Debug, thiserror::Error)]
#[error("no address of `{host}` is found: check its spelling, the network and `/etc/resolv.conf`")]
pub struct UnknownName {
    host: String,
}

/// The addresses of `host`, which may be an address itself.
pub async fn addresses(host: &str) -> Result<Vec<IpAddr>, UnknownName> {
    if let Ok(address) = host.parse() {
        return Ok(vec![address]);
    }
    let unknown = || UnknownName { host: host.to_owned() };
    let found = async { resolver()?.lookup_ip(host).await }.await;
    let addresses: Vec<IpAddr> = found
        .map_err(|error| {
            tracing::debug!(%error, "a look-up came to nothing");
            unknown()
        })?
        .iter()
        .collect();
    if addresses.is_empty() { Err(unknown()) } else { Ok(addresses) }
}

/// With the name servers of this machine, or with none: `/etc/hosts` is read in both cases.
fn resolver() -> Result<TokioResolver, NetError> {
    let mut builder = TokioResolver::builder_tokio().unwrap_or_else(|error| {
        tracing::debug!(%error, "there are no name servers");
        let nobody = ResolverConfig::from_name_servers(Vec::new());
        TokioResolver::builder_with_config(nobody, TokioRuntimeProvider::default())
    });
    // They are tried in this order, and IPv6 leads nowhere more often than IPv4 does.
    builder.options_mut().ip_strategy = LookupIpStrategy::Ipv4AndIpv6;
    builder.build()
}

/// The same, for a client of HTTP: give it to [`reqwest::ClientBuilder::dns_resolver`].
#[derive(Debug)]
pub struct Names;

impl Resolve for Names {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let addresses = addresses(name.as_str()).await?;
            // The port comes from the URL.
            let addresses = addresses.into_iter().map(|address| SocketAddr::new(address, 0));
            Ok(Box::new(addresses) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    #[tokio::test]
    async fn an_address_is_its_own_and_this_machine_is_in_its_file() {
        assert_eq!(addresses("::1").await.unwrap(), ["::1".parse::<IpAddr>().unwrap()]);
        assert_eq!(addresses("192.0.2.7").await.unwrap(), [IpAddr::from([192, 0, 2, 7])]);
        let local = addresses("localhost").await.unwrap();
        assert!(local.contains(&Ipv4Addr::LOCALHOST.into()), "{local:?}");
    }

    #[tokio::test]
    async fn what_is_no_name_is_refused() {
        let error = addresses("two..dots").await.unwrap_err().to_string();
        assert!(error.starts_with("no address of `two..dots` is found: check"), "{error}");
    }
}
