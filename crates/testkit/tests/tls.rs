//! TLS and plain HTTP on one port, and the certificate that is shown.
//!
//! Whoever connects a host from elsewhere relies on this: what `tls show` exports is what the host must trust, and a host that
//! trusts something else sends no key. Whoever runs the appliance relies on this: a handshake that does not come to an end
//! takes nobody's place, and files of certificates that cannot be are refused with their names.
#![cfg(test)]

use std::fs;
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use certificates::{describe, look};
use gateway::limits::{HANDSHAKE, MAX_UNAUTHENTICATED_PER_ADDRESS};
use mcp_client::{Client, Key, Target, Trust};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use serde_json::{Value, json};
use testkit::{Appliance, programs, until};

/// How long a test waits for what must come.
const PATIENCE: Duration = Duration::from_mins(1);
/// How late a deadline may be on a busy machine.
const LATE: Duration = Duration::from_secs(3);

fn appliance() -> Appliance {
    Appliance::new().file("a.txt", "text of a").start()
}

fn authority(appliance: &Appliance) -> std::path::PathBuf {
    appliance.state().join("gateway/tls/ca.pem")
}

fn address(appliance: &Appliance) -> SocketAddr {
    ([127, 0, 0, 1], appliance.port()).into()
}

fn open(appliance: &Appliance) -> TcpStream {
    let stream = TcpStream::connect(address(appliance)).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.set_nodelay(true).unwrap();
    stream
}

/// A TLS connection of a client that trusts the appliance's authority.
fn encrypted(
    appliance: &Appliance,
    version: &'static rustls::SupportedProtocolVersion,
) -> StreamOwned<ClientConnection, TcpStream> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(authority(appliance)).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[version])
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let name = ServerName::try_from("localhost").unwrap();
    StreamOwned::new(ClientConnection::new(Arc::new(config), name).unwrap(), open(appliance))
}

fn call(appliance: &Appliance) -> Vec<u8> {
    let params = json!({ "name": "fs_read", "arguments": { "path": "/a.txt" } });
    appliance.request().legacy("tools/call", &params).header("Connection", "close").bytes()
}

#[track_caller]
fn check_served(answer: &str) {
    assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("text of a"), "{answer}");
}

/// Bytes that are sent and the end of what comes back, which must be an end in order.
fn all(stream: &mut (impl std::io::Read + std::io::Write), bytes: &[u8]) -> String {
    stream.write_all(bytes).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("the end is said, not only there");
    answer
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

/// The file as a WebSocket of `mcp-client` reads it.
fn read_over_websocket(url: &str, key: &str, trust: &Trust) -> Result<Value, String> {
    runtime().block_on(async {
        let (target, key): (Target, _) = (url.parse().unwrap(), Key::new(key.to_owned()).unwrap());
        let client = Client::connect_trusting(&target, Some(&key), trust).await;
        let client = client.map_err(|error| error.to_string())?;
        let read = client.request("mcp.fs.read", &json!(["/a.txt"])).await;
        read.map_err(|error| error.to_string())
    })
}

#[test]
fn one_port_takes_plain_http_and_tls_and_websockets_of_both() {
    let appliance = appliance();
    check_served(&all(&mut open(&appliance), &call(&appliance)));
    for version in [&rustls::version::TLS13, &rustls::version::TLS12] {
        let mut stream = encrypted(&appliance, version);
        check_served(&all(&mut stream, &call(&appliance)));
        assert_eq!(stream.conn.alpn_protocol(), Some(b"http/1.1".as_slice()));
    }
    let trust = Trust::with_file(&authority(&appliance)).unwrap();
    for scheme in ["ws", "wss"] {
        let url = format!("{scheme}://localhost:{}/ws", appliance.port());
        let read = read_over_websocket(&url, &appliance.facts().key, &trust).unwrap();
        assert_eq!(read["content"], "text of a", "{url}: {read}");
    }
    check_served(&all(&mut open(&appliance), &call(&appliance)));
}

#[test]
fn pages_of_this_machine_may_be_encrypted_and_those_of_others_may_not_call() {
    let appliance = appliance();
    for (origin, status) in [("https://localhost:8000", 200), ("https://evil.example", 403)] {
        let request = String::from_utf8(call(&appliance)).unwrap();
        let request = request.replacen("\r\n", &format!("\r\nOrigin: {origin}\r\n"), 1);
        let answer = all(&mut encrypted(&appliance, &rustls::version::TLS13), request.as_bytes());
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{origin}: {answer}");
    }
}

#[test]
fn the_largest_answer_comes_whole() {
    // Many records of TLS, and more than the sockets hold.
    let text = "x".repeat(usize::try_from(cap_fs::limits::MAX_READ_BYTES / 2).unwrap());
    let appliance = Appliance::new().file("a.txt", format!("text of a{text}end")).start();
    let answer = all(&mut encrypted(&appliance, &rustls::version::TLS13), &call(&appliance));
    check_served(&answer);
    assert!(answer.contains("xend\""), "it ends early");
}

#[test]
fn a_client_that_trusts_another_authority_sends_no_key() {
    let (appliance, other) = (appliance(), appliance());
    let url = format!("wss://localhost:{}/ws", appliance.port());
    let trust = Trust::with_file(&authority(&other)).unwrap();
    for trust in [trust, Trust::default()] {
        let error = read_over_websocket(&url, &appliance.facts().key, &trust).unwrap_err();
        assert!(error.contains("is not trusted (UnknownIssuer)"), "{error}");
        assert!(error.contains("LLMBASEDOS_CA_FILE"), "{error}");
    }
    // It is trusted, but for another name.
    let trust = Trust::with_file(&authority(&appliance)).unwrap();
    let url = format!("wss://127.0.0.2:{}/ws", appliance.port());
    let refused = read_over_websocket(&url, &appliance.facts().key, &trust);
    assert!(refused.is_err(), "{refused:?}");
}

/// What the bridge answers to one call.
fn bridged(appliance: &Appliance, variables: &[(&str, &Path)]) -> String {
    let mut bridge = Command::new(programs().join("llmbasedos"));
    let url = format!("https://127.0.0.1:{}/mcp", appliance.port());
    bridge.args(["mcp", "--url", &url]).env_clear().envs(variables.iter().copied());
    bridge.env("LLMBASEDOS_KEY", &appliance.facts().key);
    let mut bridge =
        bridge.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let params = json!({ "name": "fs_read", "arguments": { "path": "/a.txt" } });
    let message = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params });
    // One that has ended already says why.
    writeln!(bridge.stdin.take().unwrap(), "{message}").ok();
    let output = bridge.wait_with_output().unwrap();
    String::from_utf8([output.stdout, output.stderr].concat()).unwrap()
}

#[test]
fn the_bridge_takes_the_authority_from_its_environment() {
    let appliance = appliance();
    let file = authority(&appliance);
    for variable in ["LLMBASEDOS_CA_FILE", "SSL_CERT_FILE"] {
        let answer = bridged(&appliance, &[(variable, &file)]);
        assert!(answer.contains("text of a"), "{variable}: {answer}");
    }
    let answer = bridged(&appliance, &[]);
    assert!(answer.contains("is not trusted") && !answer.contains("text of a"), "{answer}");
    for (file, reason) in [("/nowhere", "No such file"), ("/dev/null", "no certificate in PEM")] {
        let answer = bridged(&appliance, &[("LLMBASEDOS_CA_FILE", Path::new(file))]);
        assert!(answer.contains(file) && answer.contains(reason), "{answer}");
    }
}

/// Checks that bytes at the beginning of a connection are answered by its end, or by a refusal of HTTP.
#[track_caller]
fn check_refused(appliance: &Appliance, bytes: &[u8]) {
    let mut stream = open(appliance);
    stream.write_all(bytes).unwrap();
    let (began, mut answer) = (Instant::now(), Vec::new());
    match stream.read_to_end(&mut answer) {
        Ok(_) => {}
        Err(error) if error.kind() == ErrorKind::ConnectionReset => {}
        Err(error) => panic!("{bytes:?}: {error}"),
    }
    let http = answer.starts_with(b"HTTP/1.1 400");
    // An alert of TLS.
    let alert = answer.first() == Some(&0x15) && answer.len() < 16;
    assert!(http || alert || answer.is_empty(), "{bytes:?}: {answer:?}");
    assert!(began.elapsed() < HANDSHAKE, "{bytes:?} waits for a deadline");
}

#[test]
fn what_is_neither_is_refused_at_once() {
    let appliance = appliance();
    let http = &mut [0x17, 0x03, 0x03, 0, 5, 1, 2, 3, 4, 5, b'\r', b'\n', b'\r', b'\n'];
    for first in [0x00, 0x14, 0x15, 0x17, 0x80, 0xff] {
        http[0] = first;
        check_refused(&appliance, http);
    }
    check_refused(&appliance, b"\x16HTTP/1.1 is not TLS\r\n\r\n");
    check_refused(&appliance, &[&[0x16, 3, 1, 0, 5][..], b"hello"].concat());
    check_refused(&appliance, &[0x16; 64]);
    check_served(&all(&mut open(&appliance), &call(&appliance)));
}

/// The first message of a TLS client.
fn hello() -> Vec<u8> {
    let config =
        ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(RootCertStore::empty())
            .with_no_client_auth();
    let name = ServerName::try_from("localhost").unwrap();
    let mut connection = ClientConnection::new(Arc::new(config), name).unwrap();
    let mut bytes = Vec::new();
    connection.write_tls(&mut bytes).unwrap();
    bytes
}

/// Sends these bytes, then others one a second, and checks that the deadline of the handshake ends it.
fn check_deadline(what: &str, appliance: &Appliance, first: &[u8], then: &[u8]) {
    let mut stream = open(appliance);
    stream.write_all(first).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(1))).unwrap();
    let (began, mut then) = (Instant::now(), then.iter());
    let mut chunk = [0; 4096];
    while began.elapsed() < PATIENCE {
        match stream.read(&mut chunk) {
            Ok(0) => break,
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::ConnectionReset => break,
            Err(_) => {
                if let Some(byte) = then.next() {
                    stream.write_all(&[*byte]).ok();
                }
            }
        }
    }
    let took = began.elapsed();
    println!("{what}: closed after {took:.1?}");
    let early = took + Duration::from_millis(100) < HANDSHAKE;
    assert!(!early && took <= HANDSHAKE + LATE, "{what}: {took:?}");
}

#[test]
fn a_handshake_that_does_not_come_to_an_end_is_ended() {
    let appliance = appliance();
    let (appliance, hello) = (&appliance, hello());
    thread::scope(|scope| {
        scope.spawn(|| check_deadline("one byte", appliance, &[0x16], b""));
        scope.spawn(|| check_deadline("half", appliance, &hello[..hello.len() / 2], b""));
        scope.spawn(|| check_deadline("now and then", appliance, &hello[..1], &hello[1..]));
        scope.spawn(|| check_deadline("the first message alone", appliance, &hello, b""));
    });
    check_served(&all(&mut open(appliance), &call(appliance)));
}

#[test]
fn handshakes_have_the_places_of_strangers() {
    let appliance = appliance();
    let began = Instant::now();
    let stranger = || {
        let mut stream = open(&appliance);
        stream.write_all(&[0x16, 3]).unwrap();
        stream
    };
    let mut held: Vec<_> = (0..MAX_UNAUTHENTICATED_PER_ADDRESS).map(|_| stranger()).collect();
    // Each more sends the one away that waited longest.
    let mut newcomer = encrypted(&appliance, &rustls::version::TLS13);
    check_served(&all(&mut newcomer, &call(&appliance)));
    let ended = held.remove(0).read(&mut [0; 16]);
    assert!(matches!(ended, Ok(0)) || ended.is_err(), "{ended:?}");
    assert!(began.elapsed() < HANDSHAKE, "it was the deadline that ended it");
    let last = held.last_mut().unwrap();
    last.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
    assert!(last.read(&mut [0; 16]).is_err_and(|error| error.kind() == ErrorKind::WouldBlock));
}

fn tls_show(at: SocketAddr, arguments: &[&str]) -> Output {
    let mut command = Command::new(programs().join("llmbasedos"));
    command.args(["tls", "show", "--at", &at.to_string()]).args(arguments).env_clear();
    command.output().unwrap()
}

#[test]
fn what_is_shown_to_people_is_what_hosts_see() {
    let appliance = appliance();
    let at = address(&appliance);
    let file = appliance.outside().join("exported.pem");
    let output = tls_show(at, &["--json", "--ca-out", file.to_str().unwrap()]);
    assert!(output.status.success(), "{output:?}");
    let shown: Value = serde_json::from_slice(&output.stdout).unwrap();
    let kept = CertificateDer::from_pem_file(authority(&appliance)).unwrap();
    assert_eq!(CertificateDer::from_pem_file(&file).unwrap(), kept);
    assert_eq!(shown["authority"]["sha256"], describe(&kept).unwrap().sha256);
    let names = shown["certificate"]["names"].as_array().unwrap();
    for name in ["localhost", "127.0.0.1", "::1"] {
        assert!(names.contains(&json!(name)), "{shown}");
    }
    // The same by a tool that is nobody's here.
    let fingerprint =
        "s_client -connect $AT < /dev/null 2> /dev/null | openssl x509 -noout -fingerprint -sha256";
    let openssl = Command::new("sh")
        .args(["-c", &format!("openssl {fingerprint}")])
        .env("AT", at.to_string())
        .output();
    let seen = String::from_utf8(openssl.unwrap().stdout).unwrap();
    let told = shown["certificate"]["sha256"].as_str().unwrap();
    if seen.is_empty() {
        println!("not compared with openssl, which is not there");
    } else {
        assert!(seen.trim_end().ends_with(&format!("={told}")), "{seen}, and we show {told}");
    }
    let text = String::from_utf8(tls_show(at, &[]).stdout).unwrap();
    assert!(text.contains(told) && text.contains("authority   CN=llmbasedos CA "), "{text}");

    let again = tls_show(at, &["--ca-out", file.to_str().unwrap()]);
    let said = String::from_utf8(again.stderr).unwrap();
    assert!(!again.status.success() && said.contains("File exists"), "{said}");
    drop(appliance);
    let gone = tls_show(at, &[]);
    let said = String::from_utf8(gone.stderr).unwrap();
    assert!(gone.status.code() == Some(1) && said.contains("start the gateway"), "{said}");
}

/// Has a program listen where its standard input does, as systemd would, so that nobody else takes the port meanwhile.
const PASS_ONE: &str = r#"LISTEN_FDS=1 LISTEN_PID=$$ exec "$@" 3<&0 </dev/null"#;

/// Starts a gateway with these lines in its configuration; gives the process, and where it listens.
fn gateway(folder: &Path, lines: &str) -> (std::process::Child, SocketAddr) {
    let at = |name: &str| folder.join(name).display().to_string();
    fs::write(at("clients.yaml"), "clients: []\n").unwrap();
    fs::create_dir_all(at("run")).unwrap();
    let paths = [("caps_dir", "run"), ("clients_file", "clients.yaml"), ("state_dir", "state")];
    let paths: String = paths.map(|(name, file)| format!("{name}: {}\n", at(file))).concat();
    fs::write(at("gateway.yaml"), format!("{paths}{lines}")).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let mut command = Command::new("/bin/sh");
    command.args(["-c", PASS_ONE, "sh"]).arg(programs().join("gateway"));
    command.arg("--config").arg(at("gateway.yaml")).env_clear();
    command.stdin(OwnedFd::from(listener)).stdout(Stdio::piped()).stderr(Stdio::piped());
    (command.spawn().unwrap(), address)
}

#[test]
fn the_administrator_s_certificate_is_shown() {
    let folder = tempfile::tempdir().unwrap();
    // Any certificate is: this is an authority's, made for another machine.
    certificates::Certificates::own(folder.path(), &[]).unwrap();
    let files = ["ca.pem", "ca.key"].map(|name| folder.path().join(name).display().to_string());
    let lines = format!("tls: {{certificate: {}, key: {}}}\n", files[0], files[1]);
    let (mut process, at) = gateway(folder.path(), &lines);
    let seen = until("the gateway to listen", PATIENCE, || look(at).ok());
    assert_eq!(seen.leaf, CertificateDer::from_pem_file(&files[0]).unwrap());
    assert!(seen.authority.is_none());
    let output = tls_show(at, &[]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("administrator"), "{text}");
    let refused = tls_show(at, &["--ca-out", "/dev/null/x"]);
    assert!(String::from_utf8(refused.stderr).unwrap().contains("the administrator's"));
    // An authority of its own is not made then.
    assert!(fs::metadata(folder.path().join("state/tls")).is_err());
    process.kill().unwrap();
    process.wait().unwrap();
}

#[test]
fn files_that_cannot_be_keep_the_gateway_from_starting() {
    let folder = tempfile::tempdir().unwrap();
    certificates::Certificates::own(&folder.path().join("state/tls"), &[]).unwrap();
    let key = folder.path().join("state/tls/ca.key");
    let text = key.display();
    let check = |lines: &str, file: &str, reason: &str| {
        let output = gateway(folder.path(), lines).0.wait_with_output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.contains(&format!("`{file}`")) && said.contains(reason), "{said}");
    };
    let other = fs::read_to_string(&key).unwrap();
    fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).unwrap();
    check("", &text.to_string(), "private key that others than its owner may use (mode 0644)");
    check(&format!("tls: {{certificate: /nowhere, key: {text}}}\n"), "/nowhere", "no such file");
    let chain = key.with_file_name("ca.pem").display().to_string();
    check(
        &format!("tls: {{certificate: {chain}, key: {text}}}\n"),
        &text.to_string(),
        "private key that others",
    );
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
    fs::write(&key, "no key").unwrap();
    check("", &text.to_string(), "it is no key");
    check(
        &format!("tls: {{certificate: {chain}, key: {text}}}\n"),
        &text.to_string(),
        "no private key",
    );
    check(
        &format!("tls: {{certificate: {text}, key: {text}}}\n"),
        &text.to_string(),
        "no certificate in it",
    );
    // The control.
    fs::write(&key, other).unwrap();
    let (mut process, at) = gateway(folder.path(), "");
    until("the gateway to start", PATIENCE, || {
        assert!(process.try_wait().unwrap().is_none(), "it ended");
        look(at).ok()
    });
    process.kill().unwrap();
    process.wait().unwrap();
}
