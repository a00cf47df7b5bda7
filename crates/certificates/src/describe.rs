//! What people are shown of a certificate.

use std::fmt::Write as _;
use std::net::IpAddr;

use data_encoding::BASE64;
use jiff::Timestamp;
use serde::Serialize;
use sha2::{Digest, Sha256};
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;
use x509_parser::parse_x509_certificate;

/// The letters of a line of PEM (RFC 7468).
const PEM_LINE: usize = 64;

/// A certificate in words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Description {
    /// The SHA-256 of it, as browsers and `openssl x509 -fingerprint -sha256` write it.
    pub sha256: String,
    /// Whose it is.
    pub subject: String,
    /// Who signed it.
    pub issuer: String,
    /// The hosts and addresses that may show it.
    pub names: Vec<String>,
    /// From when it is valid.
    pub not_before: String,
    /// Until when.
    pub not_after: String,
}

/// Describes a certificate (DER); `None` where it is none.
pub fn describe(certificate: &[u8]) -> Option<Description> {
    let (_, parsed) = parse_x509_certificate(certificate).ok()?;
    let hash = Sha256::digest(certificate);
    let hex: Vec<String> = hash.iter().map(|byte| format!("{byte:02X}")).collect();
    let time = |seconds: i64| Timestamp::from_second(seconds).ok().map(|time| time.to_string());
    Some(Description {
        sha256: hex.join(":"),
        subject: parsed.subject().to_string(),
        issuer: parsed.issuer().to_string(),
        names: names(&parsed),
        not_before: time(parsed.validity().not_before.timestamp())?,
        not_after: time(parsed.validity().not_after.timestamp())?,
    })
}

fn names(certificate: &X509Certificate<'_>) -> Vec<String> {
    let found = certificate.subject_alternative_name().ok().flatten();
    let all = found.map(|found| found.value.general_names.as_slice()).unwrap_or_default();
    let name = |name: &GeneralName<'_>| match name {
        GeneralName::DNSName(name) => Some((*name).to_owned()),
        GeneralName::IPAddress(bytes) => match bytes.len() {
            4 => Some(IpAddr::from(<[u8; 4]>::try_from(*bytes).ok()?).to_string()),
            _ => Some(IpAddr::from(<[u8; 16]>::try_from(*bytes).ok()?).to_string()),
        },
        _ => None,
    };
    all.iter().filter_map(name).collect()
}

/// A certificate (DER) as PEM.
pub fn pem(certificate: &[u8]) -> String {
    let mut text = "-----BEGIN CERTIFICATE-----\n".to_owned();
    for line in BASE64.encode(certificate).as_bytes().chunks(PEM_LINE) {
        // Writing to a `String` cannot fail.
        writeln!(text, "{}", String::from_utf8_lossy(line)).ok();
    }
    text + "-----END CERTIFICATE-----\n"
}
