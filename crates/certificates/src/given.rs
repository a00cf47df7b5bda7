//! The administrator's certificate.

use std::path::Path;
use std::sync::Arc;

use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use time::OffsetDateTime;
use x509_parser::parse_x509_certificate;

use crate::error::Error;
use crate::files::{OTHERS_BUT_READERS, read, read_secret};

/// Reads a chain, the machine's own certificate first, and its key, both PEM.
pub(crate) fn load(
    certificate: &Path,
    key: &Path,
    now: OffsetDateTime,
    remarks: &mut Vec<String>,
) -> Result<CertifiedKey, Error> {
    let missing = |path: &Path| Error::broken(path, "there is no such file: correct `tls`");
    let text = read(certificate)?.ok_or_else(|| missing(certificate))?;
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&text).collect();
    let chain = chain.map_err(|error| Error::broken(certificate, error.to_string()))?;
    let Some(leaf) = chain.first() else {
        let reason =
            "there is no certificate in it: it must hold the chain in PEM, the machine's own first";
        return Err(Error::broken(certificate, reason));
    };
    let (_, parsed) = parse_x509_certificate(leaf).map_err(|error| {
        Error::broken(certificate, format!("its first certificate cannot be read: {error}"))
    })?;
    if parsed.validity().not_after.to_datetime() < now {
        // Whoever is on this machine can still be served, and the administrator be told.
        let file = certificate.display();
        remarks.push(format!("`{file}` has expired, and no host will accept it: renew it"));
    }
    let text = read_secret(key, OTHERS_BUT_READERS)?.ok_or_else(|| missing(key))?;
    let secret = PrivateKeyDer::from_pem_slice(&text).map_err(|error| {
        Error::broken(key, format!("there is no private key in PEM in it: {error}"))
    })?;
    let provider = Arc::new(ring::default_provider());
    CertifiedKey::from_der(chain, secret, &provider).map_err(|error| match error {
        rustls::Error::InconsistentKeys(_) => {
            let reason = format!("it is not the key of `{}`", certificate.display());
            Error::broken(key, reason)
        }
        other => Error::broken(key, format!("it cannot be used: {other}")),
    })
}
