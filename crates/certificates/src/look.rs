//! Looking at what a server shows, for people who compare it.

use std::io;
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, ClientConnection, DigitallySignedStruct, SignatureScheme};
use x509_parser::parse_x509_certificate;

use crate::authority::NAME;
use crate::limits::LOOK;

/// The certificates that a server has shown.
#[derive(Debug, Clone)]
pub struct Seen {
    /// The server's own (DER).
    pub leaf: CertificateDer<'static>,
    /// That of the appliance's own authority, which has signed the other; `None`: an administrator gave the certificate.
    pub authority: Option<CertificateDer<'static>>,
}

/// Why nothing was seen.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LookError {
    /// Nobody listens.
    #[error("nothing answers at {address}: start the gateway, or name its address ({source})")]
    Connect {
        /// Where.
        address: SocketAddr,
        /// What the kernel said.
        source: io::Error,
    },
    /// What answers does not speak TLS.
    #[error("what answers at {address} shows no certificate: {reason}")]
    Handshake {
        /// Where.
        address: SocketAddr,
        /// What came instead.
        reason: String,
    },
}

/// Makes a TLS connection, only to see the certificates. Nothing is sent over it: whether the server is the right one is
/// for whoever compares them to say. That it has the key of what it shows is made sure of.
pub fn look(address: SocketAddr) -> Result<Seen, LookError> {
    let failed = |reason: String| LookError::Handshake { address, reason };
    let stream = TcpStream::connect_timeout(&address, LOOK);
    let mut stream = stream.map_err(|source| LookError::Connect { address, source })?;
    let timeouts = stream.set_read_timeout(Some(LOOK));
    timeouts
        .and_then(|()| stream.set_write_timeout(Some(LOOK)))
        .map_err(|e| failed(e.to_string()))?;
    let provider = Arc::new(ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .map_err(|error| failed(error.to_string()))?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Anybody(provider)))
        .with_no_client_auth();
    let name = ServerName::IpAddress(address.ip().into());
    let mut connection =
        ClientConnection::new(Arc::new(config), name).map_err(|error| failed(error.to_string()))?;
    while connection.is_handshaking() {
        connection.complete_io(&mut stream).map_err(|error| failed(error.to_string()))?;
    }
    let shown = connection.peer_certificates().unwrap_or_default();
    let leaf =
        shown.first().ok_or_else(|| failed("none was sent".to_owned()))?.clone().into_owned();
    let authority = shown.get(1).filter(|other| signed_by_ours(&leaf, other));
    Ok(Seen { authority: authority.map(|other| other.clone().into_owned()), leaf })
}

/// Whether a certificate is signed by this authority, which is an appliance's.
fn signed_by_ours(leaf: &[u8], authority: &[u8]) -> bool {
    let (Ok((_, leaf)), Ok((_, authority))) =
        (parse_x509_certificate(leaf), parse_x509_certificate(authority))
    else {
        return false;
    };
    let name = authority.subject().iter_common_name().next().and_then(|name| name.as_str().ok());
    name.is_some_and(|name| name.starts_with(NAME))
        && leaf.verify_signature(Some(authority.public_key())).is_ok()
}

/// Accepts every certificate, to look at it.
#[derive(Debug)]
struct Anybody(Arc<CryptoProvider>);

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
