//! The appliance's own authority.

use std::net::IpAddr;
use std::path::Path;

use data_encoding::HEXLOWER;
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose,
    GeneralSubtree, IsCa, Issuer, KeyPair, KeyUsagePurpose, NameConstraints,
    PKCS_ECDSA_P256_SHA256, PublicKeyData, SanType, SerialNumber,
};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use time::OffsetDateTime;
use x509_parser::extensions::GeneralName;
use x509_parser::parse_x509_certificate;

use crate::error::Error;
use crate::files::{OTHERS, PUBLIC_MODE, SECRET_MODE, folder, put, read, read_secret};
use crate::limits::{AUTHORITY, LEAF, SKEW};
use crate::names::Names;
use crate::networks::Networks;

/// The files.
pub(crate) const CERTIFICATE: &str = "ca.pem";
pub(crate) const KEY: &str = "ca.key";

/// How the authority's name begins; the rest tells those of several machines apart.
pub(crate) const NAME: &str = "llmbasedos CA";
/// The name in the certificates that it signs.
const LEAF_NAME: &str = "llmbasedos gateway";

/// Names that no public authority gives to anybody: those of local networks. Besides them an authority signs what the
/// machine was called when it was made, and nothing else: whoever steals its key cannot be somebody's bank with it.
const LOCAL: [&str; 6] = ["home", "home.arpa", "internal", "lan", "local", "localhost"];

/// An authority that can sign.
pub(crate) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    certificate: CertificateDer<'static>,
    /// What names that it signs must be or end with.
    permitted: Vec<String>,
    /// Among which the addresses must be.
    networks: Networks,
}

/// A certificate with its key.
pub(crate) struct Leaf {
    pub(crate) chain: Vec<CertificateDer<'static>>,
    pub(crate) key: PrivateKeyDer<'static>,
}

impl Authority {
    /// The authority of this folder, which is made where there is none or its time is over.
    pub(crate) fn open(
        path: &Path,
        names: &Names,
        now: OffsetDateTime,
        remarks: &mut Vec<String>,
    ) -> Result<Self, Error> {
        folder(path)?;
        let (pem_file, key_file) = (path.join(CERTIFICATE), path.join(KEY));
        let Some(pem) = read(&pem_file)? else {
            return Self::make(path, names, now);
        };
        let Some(key) = read_secret(&key_file, OTHERS)? else {
            let reason = "the key of the authority beside it is gone: put it back, or remove `ca.pem` \
                          for a new authority, which every host must then be made to trust";
            return Err(Error::broken(&key_file, reason));
        };
        let broken = |reason: String| Error::broken(&pem_file, reason);
        let certificate = CertificateDer::from_pem_slice(&pem).map_err(|error| {
            broken(format!("it is no certificate ({error}): remove it for a new authority"))
        })?;
        let key = str::from_utf8(&key).ok().and_then(|key| KeyPair::from_pem(key).ok());
        let key = key.ok_or_else(|| {
            Error::broken(&key_file, "it is no key: put the right one back, or remove `ca.pem`")
        })?;
        let (_, parsed) = parse_x509_certificate(&certificate)
            .map_err(|error| broken(format!("it is no certificate: {error}")))?;
        if parsed.public_key().raw != key.subject_public_key_info() || !parsed.is_ca() {
            let reason = "it is not the authority's whose key is beside it: put the right one back, \
                          or remove it for a new authority";
            return Err(broken(reason.to_owned()));
        }
        if parsed.validity().not_after.to_datetime() < now + LEAF {
            let remark = "the time of the appliance's authority is over: there is a new one, which every host must be made to trust";
            remarks.push(remark.to_owned());
            return Self::make(path, names, now);
        }
        let (permitted, networks) = (permitted(&parsed), Networks::of(&parsed));
        let issuer = Issuer::from_ca_cert_der(&certificate, key)?;
        Ok(Self { issuer, certificate, permitted, networks })
    }

    fn make(path: &Path, names: &Names, now: OffsetDateTime) -> Result<Self, Error> {
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
        let id: [u8; 4] = random()?;
        let local = LOCAL.map(str::to_owned);
        let others = names.hosts.iter().filter(|name| !ends_with(name, &local)).cloned();
        let permitted: Vec<String> = local.iter().cloned().chain(others).collect();
        let mut params = params(format!("{NAME} {}", HEXLOWER.encode(&id)), now, now + AUTHORITY)?;
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        // A kind of name that is not constrained at all is free.
        let networks = Networks::with(&names.addresses);
        let subtrees = permitted.iter().cloned().map(GeneralSubtree::DnsName);
        params.name_constraints = Some(NameConstraints {
            permitted_subtrees: subtrees.chain(networks.subtrees()).collect(),
            excluded_subtrees: Vec::new(),
        });
        let made = params.self_signed(&key)?;
        // The certificate comes last: where it is, the key is.
        put(&path.join(KEY), SECRET_MODE, key.serialize_pem().as_bytes())?;
        put(&path.join(CERTIFICATE), PUBLIC_MODE, made.pem().as_bytes())?;
        let certificate = made.der().clone();
        Ok(Self { issuer: Issuer::new(params, key), certificate, permitted, networks })
    }

    /// The names that it may sign, and those that it may not.
    pub(crate) fn sort_out(&self, names: Names) -> (Names, Vec<String>) {
        let (hosts, mut refused): (_, Vec<String>) =
            names.hosts.into_iter().partition(|name| ends_with(name, &self.permitted));
        let (addresses, others): (_, Vec<IpAddr>) =
            names.addresses.into_iter().partition(|address| self.may_sign(*address));
        refused.extend(others.iter().map(ToString::to_string));
        (Names { hosts, addresses }, refused)
    }

    /// Whether it may sign an address. Hosts refuse a certificate as a whole that has one besides.
    pub(crate) fn may_sign(&self, address: IpAddr) -> bool {
        self.networks.have(address)
    }

    /// A new certificate, with a new key.
    pub(crate) fn sign(&self, names: &Names, now: OffsetDateTime) -> Result<Leaf, Error> {
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
        let mut params = params(LEAF_NAME.to_owned(), now, now + LEAF)?;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        for name in &names.hosts {
            params.subject_alt_names.push(SanType::DnsName(name.as_str().try_into()?));
        }
        params
            .subject_alt_names
            .extend(names.addresses.iter().map(|a: &IpAddr| SanType::IpAddress(*a)));
        let made = params.signed_by(&key, &self.issuer)?;
        let chain = vec![made.der().clone(), self.certificate.clone()];
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        Ok(Leaf { chain, key })
    }
}

/// What every certificate has.
fn params(
    name: String,
    now: OffsetDateTime,
    until: OffsetDateTime,
) -> Result<CertificateParams, Error> {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params.not_before = now - SKEW;
    params.not_after = until;
    // Hosts refuse a second certificate with the number of the first. No sign bit, and never zero in front.
    let mut serial: [u8; 16] = random()?;
    serial[0] = serial[0] & 0x7f | 0x40;
    params.serial_number = Some(SerialNumber::from_slice(&serial));
    Ok(params)
}

fn random<const N: usize>() -> Result<[u8; N], Error> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|error| Error::Make(error.to_string()))?;
    Ok(bytes)
}

/// The names that the certificate of an authority restricts it to.
fn permitted(certificate: &x509_parser::certificate::X509Certificate<'_>) -> Vec<String> {
    let constraints = certificate.name_constraints().ok().flatten();
    let subtrees = constraints.and_then(|found| found.value.permitted_subtrees.as_ref());
    let names = subtrees.into_iter().flatten().filter_map(|subtree| match subtree.base {
        GeneralName::DNSName(name) => Some(name.to_owned()),
        _ => None,
    });
    names.collect()
}

/// Whether a name is one of these or beneath one of them.
fn ends_with(name: &str, permitted: &[String]) -> bool {
    permitted.iter().any(|permitted| {
        name.strip_suffix(permitted.as_str())
            .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    })
}
