//! Where Vault is, and how we show ourselves.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use reqwest::Url;
use serde::de::{Deserializer, Error};
use serde::{Deserialize, Serialize, Serializer};

use crate::reference::SecretRef;

/// HashiCorp Vault, as a configuration names it.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VaultConfig {
    /// Its address, such as `https://vault.example:8200`.
    pub address: VaultAddress,
    /// Its token: a `credential:` or a `file:`, since nothing else can be had without it.
    pub token: SecretRef,
    /// The namespace that the mounts are in; the uppermost if it is not here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// The certificate of the authority that vouches for Vault, in PEM form; those of this machine if it is not here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_file: Option<PathBuf>,
}

/// Where Vault is: `https://HOST:PORT`, or `http://` on this machine alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VaultAddress(Url);

/// Why a text is not the address of Vault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum VaultAddressError {
    /// It is no URL of HTTP, or holds more than an address.
    #[error(
        "the address of Vault must be `https://HOST:PORT`, without user, password, query and fragment"
    )]
    Form,
    /// The token would go over the network for everybody to read.
    #[error(
        "the address of Vault must be `https://`: `http://` is for a Vault on this machine alone"
    )]
    Plain,
}

impl VaultAddress {
    /// Whether it is on this machine.
    pub(super) fn is_loopback(&self) -> bool {
        match self.0.host_str() {
            Some("localhost") => true,
            Some(host) => {
                let host = host.trim_matches(['[', ']']).parse::<std::net::IpAddr>();
                host.is_ok_and(|address| address.is_loopback())
            }
            None => false,
        }
    }

    pub(super) fn url(&self) -> &Url {
        &self.0
    }
}

impl FromStr for VaultAddress {
    type Err = VaultAddressError;

    fn from_str(text: &str) -> Result<Self, VaultAddressError> {
        let url = Url::parse(text).map_err(|_| VaultAddressError::Form)?;
        let more = !url.username().is_empty()
            || url.password().is_some()
            || url.query().is_some()
            || url.fragment().is_some();
        let is_http = matches!(url.scheme(), "http" | "https");
        if more || !is_http || url.host_str().is_none() {
            return Err(VaultAddressError::Form);
        }
        let address = Self(url);
        if address.0.scheme() == "http" && !address.is_loopback() {
            return Err(VaultAddressError::Plain);
        }
        Ok(address)
    }
}

impl fmt::Display for VaultAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_str())
    }
}

impl Serialize for VaultAddress {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0.as_str())
    }
}

impl<'de> Deserialize<'de> for VaultAddress {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Result<&str, VaultAddressError>) {
        let address = text.parse::<VaultAddress>().map(|address| address.to_string());
        assert_eq!(address.as_deref().map_err(|error| *error), expected, "{text}");
    }

    #[test]
    fn only_this_machine_is_spoken_to_in_the_clear() {
        check("https://vault.example:8200", Ok("https://vault.example:8200/"));
        check("https://vault.example/behind/a/proxy", Ok("https://vault.example/behind/a/proxy"));
        check("http://127.0.0.1:8200", Ok("http://127.0.0.1:8200/"));
        check("http://[::1]:8200", Ok("http://[::1]:8200/"));
        check("http://localhost:8200", Ok("http://localhost:8200/"));
        check("http://vault.example:8200", Err(VaultAddressError::Plain));
        check("http://127.0.0.1.example:8200", Err(VaultAddressError::Plain));
        check("http://192.168.1.2:8200", Err(VaultAddressError::Plain));
        check("http://localhost.example", Err(VaultAddressError::Plain));
    }

    #[test]
    fn an_address_is_nothing_but_an_address() {
        for text in [
            "",
            "vault.example",
            "unix:/run/vault.sock",
            "ftp://vault.example",
            "https://token@vault.example",
            "https://user:token@vault.example",
            "https://vault.example?token=x",
            "https://vault.example#x",
        ] {
            check(text, Err(VaultAddressError::Form));
        }
    }
}
