//! TLS: rustls with ring, and the certificates that are trusted.

use std::error::Error as StdError;
use std::io;
use std::sync::Arc;

use rustls::crypto::{CryptoProvider, ring};
use rustls::{ClientConfig, ConfigBuilder, Error, RootCertStore, WantsVerifier};
use rustls_platform_verifier::Verifier;

use crate::trust::Trust;

/// What to do about a certificate that is not trusted.
const DISTRUST: &str = "if it is an appliance of yours, run `llmbasedos tls show --ca-out FILE` there, compare the \
                        fingerprint, and name FILE here in the environment variable LLMBASEDOS_CA_FILE";

/// For a connection that is encrypted.
pub(crate) fn config(trust: &Trust) -> Result<ClientConfig, Error> {
    let verifier = Verifier::new_with_extra_roots(trust.authorities(), provider())?;
    // The verifier is that of this machine, with more roots: nothing that it refuses is accepted.
    let builder = builder()?.dangerous().with_custom_certificate_verifier(Arc::new(verifier));
    Ok(builder.with_no_client_auth())
}

/// For one that is not: it trusts nobody, and so need not find this machine's certificates, of which there may be none.
pub(crate) fn unused() -> Result<ClientConfig, Error> {
    Ok(builder()?.with_root_certificates(RootCertStore::empty()).with_no_client_auth())
}

/// What to tell of a failure that is one of a certificate.
pub(crate) fn distrust(target: &str, error: &(dyn StdError + 'static)) -> Option<String> {
    let mut cause = Some(error);
    while let Some(error) = cause {
        // `io::Error` hides the one that it was made of from `source`.
        let inner = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        let inner = inner.map(|inner| inner as &(dyn StdError + 'static));
        for error in [Some(error), inner].into_iter().flatten() {
            if let Some(Error::InvalidCertificate(reason)) = error.downcast_ref() {
                return Some(format!(
                    "the certificate of `{target}` is not trusted ({reason:?}): {DISTRUST}"
                ));
            }
        }
        cause = inner.or_else(|| error.source());
    }
    None
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

fn builder() -> Result<ConfigBuilder<ClientConfig, WantsVerifier>, Error> {
    ClientConfig::builder_with_provider(provider()).with_safe_default_protocol_versions()
}
