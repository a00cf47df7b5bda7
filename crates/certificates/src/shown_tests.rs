//! What hosts accept of what is shown: by handshakes, as theirs are.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;

use rcgen::{CertificateParams, KeyPair};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::time_provider::TimeProvider;
use rustls::{ClientConfig, ClientConnection, RootCertStore, ServerConnection};
use tempfile::TempDir;

use super::*;
use crate::describe::{Description, describe, pem};
use crate::limits::{AUTHORITY, SKEW};
use crate::look::look;

const DAY: Duration = Duration::from_hours(24);

fn names() -> Names {
    Names::of("llmbasedos", &["box.example".to_owned()])
}

fn open_at(folder: &Path, now: OffsetDateTime) -> Result<Certificates, Error> {
    Certificates::own_at(folder, names(), now)
}

fn now() -> OffsetDateTime {
    OffsetDateTime::now_utc()
}

fn opened() -> (TempDir, Certificates) {
    let folder = tempfile::tempdir().unwrap();
    let certificates = open_at(&folder.path().join("tls"), now()).unwrap();
    (folder, certificates)
}

fn authority(folder: &TempDir) -> CertificateDer<'static> {
    CertificateDer::from_pem_file(folder.path().join("tls/ca.pem")).unwrap()
}

/// A clock that stands.
#[derive(Debug)]
struct At(OffsetDateTime);

impl TimeProvider for At {
    fn current_time(&self) -> Option<UnixTime> {
        let seconds = u64::try_from(self.0.unix_timestamp()).ok()?;
        Some(UnixTime::since_unix_epoch(Duration::from_secs(seconds)))
    }
}

/// A host that trusts `root` connects to `name` at a time; gives the certificate that it was shown.
fn handshake(
    certificates: &Certificates,
    root: CertificateDer<'static>,
    name: &str,
    at: OffsetDateTime,
) -> Result<Description, rustls::Error> {
    let mut roots = RootCertStore::empty();
    roots.add(root).unwrap();
    let provider = Arc::new(ring::default_provider());
    let config = ClientConfig::builder_with_details(provider, Arc::new(At(at)))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from(name).unwrap().to_owned();
    let mut client = ClientConnection::new(Arc::new(config), name).unwrap();
    let mut server = ServerConnection::new(certificates.config.clone()).unwrap();
    while client.is_handshaking() || server.is_handshaking() {
        let mut bytes = Vec::new();
        while client.wants_write() {
            client.write_tls(&mut bytes).unwrap();
        }
        let mut sent = bytes.as_slice();
        while !sent.is_empty() {
            server.read_tls(&mut sent).unwrap();
            server.process_new_packets()?;
        }
        let mut bytes = Vec::new();
        while server.wants_write() {
            server.write_tls(&mut bytes).unwrap();
        }
        let mut sent = bytes.as_slice();
        while !sent.is_empty() {
            client.read_tls(&mut sent).unwrap();
            client.process_new_packets()?;
        }
    }
    Ok(describe(&client.peer_certificates().unwrap()[0]).unwrap())
}

#[test]
fn hosts_that_trust_the_authority_accept_every_name() {
    let (folder, certificates) = opened();
    let root = authority(&folder);
    for name in ["localhost", "llmbasedos", "llmbasedos.local", "box.example", "127.0.0.1", "::1"] {
        let seen = handshake(&certificates, root.clone(), name, now());
        assert!(seen.is_ok(), "{name}: {seen:?}");
    }
    for name in ["example.com", "other.local", "sub.box.example", "192.168.1.7"] {
        assert!(handshake(&certificates, root.clone(), name, now()).is_err(), "{name}");
    }
}

#[test]
fn hosts_that_trust_another_authority_refuse() {
    let (_, certificates) = opened();
    let (other, _) = opened();
    let refused = handshake(&certificates, authority(&other), "localhost", now()).unwrap_err();
    assert!(matches!(refused, rustls::Error::InvalidCertificate(_)), "{refused}");
}

#[test]
fn the_authority_is_made_once_and_its_key_is_its_owner_s() {
    let (folder, _) = opened();
    let files =
        || ["ca.pem", "ca.key"].map(|name| fs::read(folder.path().join("tls").join(name)).unwrap());
    let before = files();
    open_at(&folder.path().join("tls"), now()).unwrap();
    assert_eq!(files(), before);
    let mode =
        |name: &str| fs::metadata(folder.path().join(name)).unwrap().permissions().mode() & 0o777;
    assert_eq!(["tls", "tls/ca.key", "tls/ca.pem"].map(mode), [0o700, 0o600, 0o644]);
    let authority = describe(&authority(&folder)).unwrap();
    assert!(authority.subject.starts_with("CN=llmbasedos CA "), "{authority:?}");
}

#[test]
fn an_address_by_which_the_machine_is_reached_is_named_from_then_on() {
    let (folder, certificates) = opened();
    let at = |address: &str| Some(address.parse().unwrap());
    let first = handshake(&certificates, authority(&folder), "localhost", now()).unwrap();
    certificates.for_connection_at(at("127.0.0.1"), now());
    certificates.for_connection_at(None, now());
    let same = handshake(&certificates, authority(&folder), "localhost", now()).unwrap();
    assert_eq!(first, same, "nothing asked for another");
    for name in ["192.168.1.7", "fd00::7"] {
        certificates.for_connection_at(at(name), now());
        handshake(&certificates, authority(&folder), name, now()).unwrap();
    }
    let both = handshake(&certificates, authority(&folder), "192.168.1.7", now()).unwrap();
    assert_eq!(both.names.len(), first.names.len() + 2);
    // The first ones make room.
    for last in 0..MAX_ADDRESSES {
        certificates.for_connection_at(at(&format!("10.0.0.{last}")), now());
    }
    let full = handshake(&certificates, authority(&folder), "10.0.0.0", now()).unwrap();
    assert_eq!(full.names.len(), first.names.len() + MAX_ADDRESSES);
    assert!(handshake(&certificates, authority(&folder), "192.168.1.7", now()).is_err());
}

/// A certificate that the authority's key signs for these addresses, whatever the authority is for.
fn signed_all_the_same(certificates: &Certificates, addresses: &[&str]) {
    let own = certificates.own.as_ref().unwrap();
    let mut names = Names::of("llmbasedos", &[]);
    names.addresses.extend(addresses.iter().map(|address| address.parse::<IpAddr>().unwrap()));
    let signed = certified(&own.authority, &names, now()).unwrap();
    certificates.shown.0.store(Arc::new(signed));
}

#[test]
fn hosts_refuse_what_the_authority_signs_for_public_addresses() {
    let (folder, certificates) = opened();
    let root = authority(&folder);
    for address in ["192.168.1.5", "10.1.2.3", "172.31.0.1", "169.254.1.1", "fd00::7", "fe80::1"] {
        signed_all_the_same(&certificates, &[address]);
        let seen = handshake(&certificates, root.clone(), address, now());
        assert!(seen.is_ok(), "{address}: {seen:?}");
    }
    for address in ["1.1.1.1", "172.32.0.1", "100.64.0.1", "2001:db8::7", "::ffff:192.168.1.5"] {
        signed_all_the_same(&certificates, &[address]);
        // Not the name that differs: it is that the authority may not.
        for name in [address, "localhost"] {
            let refused = handshake(&certificates, root.clone(), name, now()).unwrap_err();
            assert!(refused.to_string().contains("NameConstraint"), "{address}: {refused}");
        }
    }
}

#[test]
fn a_public_address_is_certified_if_it_was_configured_when_the_authority_was_made() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tls");
    let names = |address: &str| Names::of("llmbasedos", &[address.to_owned()]);
    let certificates = Certificates::own_at(&path, names("203.0.113.7"), now()).unwrap();
    let root = authority(&folder);
    handshake(&certificates, root.clone(), "203.0.113.7", now()).unwrap();
    // A connection to another one does not spoil it for those that there are.
    certificates.for_connection_at(Some([203, 0, 113, 8].into()), now());
    handshake(&certificates, root.clone(), "203.0.113.7", now()).unwrap();
    assert!(handshake(&certificates, root.clone(), "203.0.113.8", now()).is_err());
    let later = Certificates::own_at(&path, names("[2001:db8::7]"), now()).unwrap();
    let [remark] = later.remarks() else { panic!("{:?}", later.remarks()) };
    assert!(remark.contains("`2001:db8::7`"), "{remark}");
    handshake(&later, root, "localhost", now()).unwrap();
}

/// An authority as they were made before: confined by names alone.
fn before_there_were_networks(folder: &Path) {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::default();
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Constrained(0));
    params.distinguished_name.push(rcgen::DnType::CommonName, "llmbasedos CA of old");
    params.not_after = now() + AUTHORITY;
    params.name_constraints = Some(rcgen::NameConstraints {
        permitted_subtrees: vec![rcgen::GeneralSubtree::DnsName("localhost".to_owned())],
        excluded_subtrees: Vec::new(),
    });
    let made = params.self_signed(&key).unwrap();
    fs::create_dir(folder).unwrap();
    fs::write(folder.join("ca.pem"), made.pem()).unwrap();
    fs::write(folder.join("ca.key"), key.serialize_pem()).unwrap();
    fs::set_permissions(folder.join("ca.key"), fs::Permissions::from_mode(0o600)).unwrap();
}

#[test]
fn an_authority_from_before_stays_what_hosts_trust_it_for() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tls");
    before_there_were_networks(&path);
    let certificates = Certificates::own_at(&path, Names::of("localhost", &[]), now()).unwrap();
    for address in ["192.168.1.7", "2001:db8::7"] {
        certificates.for_connection_at(address.parse().ok(), now());
        handshake(&certificates, authority(&folder), address, now()).unwrap();
    }
}

#[test]
fn a_certificate_is_renewed_before_it_ends() {
    let (folder, certificates) = opened();
    let seen = |at: OffsetDateTime| {
        certificates.for_connection_at(None, at);
        handshake(&certificates, authority(&folder), "localhost", at).unwrap()
    };
    let first = seen(now());
    assert_eq!(seen(now() + DAY * 59), first);
    let second = seen(now() + DAY * 61);
    assert_ne!(second.sha256, first.sha256);
    assert!(second.not_after > first.not_after);
    // A machine that slept through all of it.
    let third = seen(now() + DAY * 400);
    assert_ne!(third.sha256, second.sha256);
    let expired = handshake(&certificates, authority(&folder), "localhost", now() + DAY * 500);
    assert!(expired.is_err(), "without looking at the time it would have ended");
}

#[test]
fn an_authority_whose_time_is_over_is_made_anew() {
    let (folder, _) = opened();
    let (before, path) = (authority(&folder), folder.path().join("tls"));
    open_at(&path, now() + AUTHORITY - LEAF - DAY).unwrap();
    assert_eq!(authority(&folder), before);
    let later = now() + AUTHORITY - LEAF + DAY;
    let certificates = open_at(&path, later).unwrap();
    assert_ne!(authority(&folder), before);
    assert_eq!(certificates.remarks().len(), 1);
    handshake(&certificates, authority(&folder), "localhost", later).unwrap();
}

#[test]
fn a_clock_that_is_behind_by_hours_accepts_it() {
    let (folder, certificates) = opened();
    let behind = now() - SKEW + Duration::from_mins(1);
    handshake(&certificates, authority(&folder), "localhost", behind).unwrap();
}

#[test]
fn a_name_for_which_the_authority_was_not_made_is_left_out() {
    let (folder, _) = opened();
    let names = Names::of("llmbasedos", &["bank.example".to_owned(), "nas.lan".to_owned()]);
    let certificates = Certificates::own_at(&folder.path().join("tls"), names, now()).unwrap();
    let [remark] = certificates.remarks() else { panic!("{:?}", certificates.remarks()) };
    assert!(remark.contains("`bank.example`"), "{remark}");
    let seen = handshake(&certificates, authority(&folder), "nas.lan", now()).unwrap();
    assert!(!seen.names.contains(&"bank.example".to_owned()), "{seen:?}");
    // Had it been signed all the same, no host would accept it.
    let own = certificates.own.as_ref().unwrap();
    let names = Names::of("llmbasedos", &["bank.example".to_owned()]);
    let signed = certified(&own.authority, &names, now()).unwrap();
    certificates.shown.0.store(Arc::new(signed));
    for name in ["bank.example", "localhost"] {
        assert!(handshake(&certificates, authority(&folder), name, now()).is_err(), "{name}");
    }
}

#[track_caller]
fn refused(folder: &TempDir, reason: &str) {
    let error = open_at(&folder.path().join("tls"), now()).unwrap_err().to_string();
    assert!(error.contains(reason) && error.contains("/tls/ca."), "{error}");
}

#[test]
fn files_of_the_authority_that_cannot_be_are_refused() {
    let (folder, _) = opened();
    let at = |name: &str| folder.path().join("tls").join(name);
    let (certificate, key) = (fs::read(at("ca.pem")).unwrap(), fs::read(at("ca.key")).unwrap());
    for mode in [0o640, 0o604, 0o620, 0o644] {
        fs::set_permissions(at("ca.key"), fs::Permissions::from_mode(mode)).unwrap();
        refused(&folder, "private key that others");
    }
    fs::set_permissions(at("ca.key"), fs::Permissions::from_mode(0o600)).unwrap();

    fs::write(at("ca.key"), "no key").unwrap();
    refused(&folder, "it is no key");
    let (other, _) = opened();
    fs::copy(other.path().join("tls/ca.key"), at("ca.key")).unwrap();
    refused(&folder, "not the authority's whose key is beside it");
    fs::remove_file(at("ca.key")).unwrap();
    refused(&folder, "is gone");
    fs::write(at("ca.key"), &key).unwrap();
    fs::set_permissions(at("ca.key"), fs::Permissions::from_mode(0o600)).unwrap();
    fs::write(at("ca.pem"), "no certificate").unwrap();
    refused(&folder, "it is no certificate");
    fs::write(at("ca.pem"), vec![b'x'; 300_000]).unwrap();
    refused(&folder, "more than");
    fs::write(at("ca.pem"), &certificate).unwrap();
    open_at(&folder.path().join("tls"), now()).unwrap();
    // A power cut came between the two files.
    fs::remove_file(at("ca.pem")).unwrap();
    fs::write(at("ca.new"), "half").unwrap();
    open_at(&folder.path().join("tls"), now()).unwrap();
}

/// Files of an administrator: a certificate for `name`, and its key.
fn given(folder: &TempDir, name: &str) -> [std::path::PathBuf; 2] {
    let key = KeyPair::generate().unwrap();
    let made = CertificateParams::new([name.to_owned()]).unwrap().self_signed(&key).unwrap();
    let [certificate, secret] =
        ["pem", "key"].map(|kind| folder.path().join(format!("{name}.{kind}")));
    fs::write(&certificate, made.pem()).unwrap();
    fs::write(&secret, key.serialize_pem()).unwrap();
    fs::set_permissions(&secret, fs::Permissions::from_mode(0o640)).unwrap();
    [certificate, secret]
}

#[test]
fn the_administrator_s_certificate_is_shown_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let [certificate, key] = given(&folder, "llm.example");
    let certificates = Certificates::given(&certificate, &key).unwrap();
    certificates.for_connection_at(Some([10, 0, 0, 1].into()), now());
    let root = CertificateDer::from_pem_file(&certificate).unwrap();
    let seen = handshake(&certificates, root.clone(), "llm.example", now()).unwrap();
    assert_eq!(Some(seen), describe(&root));
}

#[test]
fn a_key_from_elsewhere_is_told_by_its_place_alone() {
    let folder = tempfile::tempdir().unwrap();
    let [certificate, key] = given(&folder, "llm.example");
    let [_, other] = given(&folder, "other.example");
    let with = |key: &[u8]| Certificates::given_key(&certificate, key, "vault:a/b#key");
    let certificates = with(&fs::read(key).unwrap()).unwrap();
    let root = CertificateDer::from_pem_file(&certificate).unwrap();
    handshake(&certificates, root, "llm.example", now()).unwrap();
    for (key, reason) in [
        (b"canary".to_vec(), "no private key in PEM"),
        (fs::read(other).unwrap(), "not the key of"),
    ] {
        let error = with(&key).unwrap_err().to_string();
        assert!(error.starts_with("`vault:a/b#key`: ") && error.contains(reason), "{error}");
        assert!(!error.contains("canary"), "{error}");
    }
}

#[test]
fn the_administrator_s_files_are_refused_with_file_and_reason() {
    let folder = tempfile::tempdir().unwrap();
    let [certificate, key] = given(&folder, "a.example");
    let [other, _] = given(&folder, "b.example");
    let empty = folder.path().join("empty");
    fs::write(&empty, "").unwrap();
    let check = |certificate: &Path, key: &Path, file: &Path, reason: &str| {
        let error = Certificates::given(certificate, key).unwrap_err().to_string();
        assert!(error.starts_with(&format!("`{}`", file.display())), "{error}");
        assert!(error.contains(reason), "{error}");
    };
    check(&folder.path().join("none"), &key, &folder.path().join("none"), "no such file");
    check(&empty, &key, &empty, "no certificate in it");
    check(&other, &key, &key, "not the key of");
    check(&certificate, &certificate, &certificate, "private key that others");
    fs::set_permissions(&certificate, fs::Permissions::from_mode(0o600)).unwrap();
    check(&certificate, &certificate, &certificate, "no private key");
    for mode in [0o644, 0o660, 0o604] {
        fs::set_permissions(&key, fs::Permissions::from_mode(mode)).unwrap();
        check(&certificate, &key, &key, "private key that others");
    }
}

#[test]
fn whoever_looks_sees_what_is_shown() {
    let (folder, certificates) = opened();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let config = certificates.for_connection(None);
    let server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut connection = ServerConnection::new(config).unwrap();
        while connection.is_handshaking() {
            connection.complete_io(&mut stream).unwrap();
        }
        let (mut stream, _) = listener.accept().unwrap();
        stream.read_exact(&mut [0; 16]).unwrap();
        stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").unwrap();
    });
    let seen = look(address).unwrap();
    assert_eq!(seen.authority.as_ref(), Some(&authority(&folder)));
    let text = fs::read_to_string(folder.path().join("tls/ca.pem")).unwrap();
    assert_eq!(pem(&seen.authority.unwrap()), text.replace("\r\n", "\n"));
    let error = look(address).unwrap_err().to_string();
    assert!(error.contains("shows no certificate"), "{error}");
    server.join().unwrap();
    assert!(look(address).unwrap_err().to_string().contains("start the gateway"));
}
