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

/// An administrator's certificates, without their key yet.
pub(crate) struct Chain<'a> {
    file: &'a Path,
    certificates: Vec<CertificateDer<'static>>,
}

/// Reads a chain in PEM, the machine's own certificate first.
pub(crate) fn chain<'a>(
    certificate: &'a Path,
    now: OffsetDateTime,
    remarks: &mut Vec<String>,
) -> Result<Chain<'a>, Error> {
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
    Ok(Chain { file: certificate, certificates: chain })
}

/// The content of a key's file.
pub(crate) fn key_file(key: &Path) -> Result<Vec<u8>, Error> {
    read_secret(key, OTHERS_BUT_READERS)?.ok_or_else(|| missing(key))
}

impl Chain<'_> {
    /// With its key in PEM, which is from `place`.
    pub(crate) fn with_key(self, key: &[u8], place: &Path) -> Result<CertifiedKey, Error> {
        let secret = PrivateKeyDer::from_pem_slice(key).map_err(|error| {
            Error::broken(place, format!("there is no private key in PEM in it: {error}"))
        })?;
        let provider = Arc::new(ring::default_provider());
        let made = CertifiedKey::from_der(self.certificates, secret, &provider);
        made.map_err(|error| match error {
            rustls::Error::InconsistentKeys(_) => {
                let reason = format!("it is not the key of `{}`", self.file.display());
                Error::broken(place, reason)
            }
            other => Error::broken(place, format!("it cannot be used: {other}")),
        })
    }
}

fn missing(path: &Path) -> Error {
    Error::broken(path, "there is no such file: correct `tls`")
}
