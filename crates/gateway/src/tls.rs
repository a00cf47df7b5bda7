//! The administrator's certificate: where it is, and where its key is.

use std::path::{Path, PathBuf};

use certificates::Certificates;
use daemon::BoxError;
use secrets::{Resolver, Secret, SecretRef, SecretRefError, VaultConfig, resolve_local};
use serde::de::{Deserializer, Error};
use serde::{Deserialize, Serialize};

/// The administrator's certificate and its key, both PEM.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TlsFile {
    /// The chain, the machine's own certificate first.
    pub certificate: PathBuf,
    /// The key of that.
    pub key: TlsKey,
}

/// Where the key of a certificate is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum TlsKey {
    /// In this file, which nobody may read but its owner and the group of the gateway.
    File(PathBuf),
    /// Where other secrets are.
    Secret(SecretRef),
}

impl<'de> Deserialize<'de> for TlsKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        match text.parse() {
            Ok(reference) => Ok(Self::Secret(reference)),
            // What begins otherwise may be the key itself, and is not repeated.
            Err(SecretRefError::Scheme) if Path::new(&text).is_absolute() => {
                Ok(Self::File(text.into()))
            }
            Err(SecretRefError::Scheme) => Err(D::Error::custom(
                "the key does not stand here, but where it is: write its path, which begins with `/`, \
                 `credential:NAME`, `file:/PATH` or `vault:MOUNT/PATH#FIELD`",
            )),
            Err(error) => Err(D::Error::custom(error)),
        }
    }
}

/// The administrator's certificate with its key, from wherever that is. To be called before the process is locked down:
/// afterwards there is neither the file nor a network.
pub(crate) fn given(tls: &TlsFile, vault: Option<&VaultConfig>) -> Result<Certificates, BoxError> {
    let given = match &tls.key {
        TlsKey::File(path) => Certificates::given(&tls.certificate, path),
        TlsKey::Secret(reference) => {
            let key = fetch(reference, vault)?;
            Certificates::given_key(&tls.certificate, key.expose(), &reference.to_string())
        }
    };
    Ok(given?)
}

fn fetch(reference: &SecretRef, vault: Option<&VaultConfig>) -> Result<Secret, BoxError> {
    if reference.is_local() {
        return Ok(resolve_local(reference)?);
    }
    let resolver = Resolver::new(vault.cloned())?;
    // One that ends here, with all its threads: Landlock holds for those that start after it.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    Ok(runtime.block_on(resolver.resolve_for_daemon(reference))?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(text: &str) -> Result<TlsKey, String> {
        let yaml = serde_json::json!({ "certificate": "/c.pem", "key": text }).to_string();
        let read = settings::parse::<TlsFile>("gateway.yaml", &yaml);
        read.map(|tls| tls.key).map_err(|error| error.to_string())
    }

    #[test]
    fn a_key_is_a_file_or_a_reference() {
        assert_eq!(key("/etc/key.pem"), Ok(TlsKey::File("/etc/key.pem".into())));
        for text in ["credential:tls.key", "file:/etc/key.pem", "vault:secret/gateway#key"] {
            let read = key(text).unwrap();
            assert_eq!(read, TlsKey::Secret(text.parse().unwrap()));
            assert_eq!(serde_json::to_value(&read).unwrap(), text);
        }
    }

    #[test]
    fn what_may_be_the_key_itself_is_not_repeated() {
        for (text, reason) in [
            ("-----BEGIN PRIVATE KEY-----\nMIGHcanary\n-----END PRIVATE KEY-----\n", "stand here"),
            ("MIGHcanary", "stand here"),
            ("canary.pem", "begins with `/`"),
            ("keys:canary", "stand here"),
            ("credential:canary/x", "LoadCredential"),
            ("vault:canary", "vault:MOUNT/PATH#FIELD"),
            ("", "stand here"),
        ] {
            let error = key(text).unwrap_err();
            assert!(error.contains(reason) && !error.contains("canary"), "{text}: {error}");
        }
    }
}
