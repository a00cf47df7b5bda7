//! Which certificates are trusted.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

use crate::limits::MAX_CA_FILE_BYTES;

/// The authorities whose certificates are accepted besides those that this machine trusts anyway: an appliance's own.
#[derive(Debug, Clone, Default)]
pub struct Trust(Vec<CertificateDer<'static>>);

/// Why a file names no authority.
#[derive(Debug, thiserror::Error)]
#[error("`{}`: {reason}", path.display())]
pub struct TrustError {
    path: PathBuf,
    reason: String,
}

impl Trust {
    /// The authorities of this file, one or more certificates in PEM.
    pub fn with_file(path: &Path) -> Result<Self, TrustError> {
        let refused = |reason: String| TrustError { path: path.to_owned(), reason };
        let mut bytes = Vec::new();
        let read = File::open(path)
            .and_then(|file| file.take(MAX_CA_FILE_BYTES + 1).read_to_end(&mut bytes));
        read.map_err(|error| refused(error.to_string()))?;
        if bytes.len() as u64 > MAX_CA_FILE_BYTES {
            return Err(refused(format!("it has more than {MAX_CA_FILE_BYTES} bytes")));
        }
        let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&bytes).collect();
        let found = found.map_err(|error| refused(error.to_string()))?;
        if found.is_empty() {
            return Err(refused(
                "there is no certificate in PEM in it: `llmbasedos tls show --ca-out FILE` writes one".to_owned(),
            ));
        }
        for certificate in &found {
            // Now rather than when a connection is made.
            RootCertStore::empty()
                .add(certificate.clone())
                .map_err(|error| refused(format!("a certificate in it cannot be used: {error}")))?;
        }
        Ok(Self(found))
    }

    pub(crate) fn authorities(&self) -> impl Iterator<Item = CertificateDer<'static>> + '_ {
        self.0.iter().cloned()
    }
}
