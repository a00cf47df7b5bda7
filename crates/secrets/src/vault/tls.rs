//! TLS: rustls with ring, and the certificates that this machine or the configuration trusts.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use rustls::crypto::ring;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use rustls_platform_verifier::BuilderVerifierExt;

use crate::error::ResolverError;
use crate::limits::MAX_CA_BYTES;
use crate::local::read_at_most;
use crate::vault::VaultConfig;

/// For this Vault.
pub(super) fn config(config: &VaultConfig) -> Result<ClientConfig, ResolverError> {
    let tls = |error: rustls::Error| ResolverError::Tls(error.to_string());
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(tls)?;
    let builder = match &config.ca_file {
        Some(path) => builder.with_root_certificates(authority(path)?),
        // Without TLS nobody is trusted, and this machine need have no certificates.
        None if config.address.url().scheme() == "http" => {
            builder.with_root_certificates(RootCertStore::empty())
        }
        None => builder.with_platform_verifier().map_err(tls)?,
    };
    Ok(builder.with_no_client_auth())
}

/// The certificates of a file. It alone is trusted then.
fn authority(path: &Path) -> Result<RootCertStore, ResolverError> {
    let bytes = File::open(path).and_then(|file| read_at_most(&file, MAX_CA_BYTES));
    let bytes = bytes.map_err(ResolverError::CaFile)?.ok_or(ResolverError::CaForm)?;
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(&bytes) {
        let certificate = certificate.map_err(|_| ResolverError::CaForm)?;
        roots.add(certificate).map_err(|_| ResolverError::CaForm)?;
    }
    if roots.is_empty() { Err(ResolverError::CaForm) } else { Ok(roots) }
}
