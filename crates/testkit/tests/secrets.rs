//! A gateway whose TLS key is a secret: it is fetched from wherever it is kept before the gateway locks itself down, and one
//! that cannot be had keeps it from starting, with the reason and without the secret.
#![cfg(test)]

use std::fs::{self, Permissions};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use certificates::look;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use serde_json::json;
use tempfile::TempDir;
use testkit::{Canaries, VAULT_TOKEN, VaultFault, VaultStandIn, VaultVersion, programs, until};
use tokio::runtime::Runtime;

/// How long a test waits for what must come.
const PATIENCE: Duration = Duration::from_mins(1);
/// What is kept where the key should be, and is none.
const NO_KEY: &str = "canary-of-what-is-no-key";
/// A mode of seccomp: a filter.
const FILTER: &str = "2";

/// A gateway, which is killed when this is dropped.
struct Gateway(Child);

impl Drop for Gateway {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

/// A certificate, and its key in every place where a secret can be.
struct Stage {
    folder: TempDir,
    vault: VaultStandIn,
    /// The stand-in runs on it.
    _runtime: Runtime,
    key: String,
}

impl Stage {
    fn new() -> Self {
        let folder = tempfile::Builder::new().prefix("llmb").tempdir().unwrap();
        let runtime = Runtime::new().unwrap();
        let vault = runtime.block_on(VaultStandIn::start(None));
        // Any certificate is: this is an authority's.
        certificates::Certificates::own(&folder.path().join("given"), &[]).unwrap();
        let key = fs::read_to_string(folder.path().join("given/ca.key")).unwrap();
        let kept = json!({ "key": key, "other": NO_KEY });
        vault.store("secret", "gateway", &[VaultVersion::Kept(kept)]);
        let stage = Self { folder, vault, _runtime: runtime, key };
        fs::create_dir(stage.at("credentials")).unwrap();
        stage.write("credentials/tls.key", &stage.key, 0o440);
        stage.write("credentials/other", NO_KEY, 0o440);
        stage.write("token", VAULT_TOKEN, 0o600);
        stage
    }

    fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, content: &str, mode: u32) {
        fs::write(self.at(name), content).unwrap();
        fs::set_permissions(self.at(name), Permissions::from_mode(mode)).unwrap();
    }

    /// Each secret that a gateway is near to, the key by its lines since its text has line breaks.
    fn canaries(&self) -> Canaries {
        let lines = self.key.lines().filter(|line| !line.starts_with('-') && line.len() > 40);
        let key = Canaries::new().with("the token", VAULT_TOKEN).with("no key", NO_KEY);
        lines.fold(key, |all, line| all.with("the key", line.trim()))
    }

    /// Starts a gateway whose key is there, at this port.
    fn gateway(&self, key: &str, port: u16) -> Gateway {
        let text = |name: &str| self.at(name).display().to_string();
        let config = json!({
            "listen": SocketAddr::from((Ipv4Addr::LOCALHOST, port)),
            "caps_dir": text("run"),
            "clients_file": text("clients.yaml"),
            "state_dir": text("state"),
            "tls": { "certificate": text("given/ca.pem"), "key": key },
            "vault": {
                "address": format!("http://127.0.0.1:{}", self.vault.port),
                "token": format!("file:{}", text("token")),
            },
        });
        for name in ["run", "state"] {
            fs::create_dir_all(text(name)).unwrap();
        }
        self.write("clients.yaml", "clients: []\n", 0o600);
        self.write("gateway.yaml", &config.to_string(), 0o600);
        self.start()
    }

    fn start(&self) -> Gateway {
        let mut command = Command::new(programs().join("gateway"));
        command.arg("--config").arg(self.at("gateway.yaml")).env_clear();
        command.env("CREDENTIALS_DIRECTORY", self.at("credentials"));
        command.env("LLMBDO_LOG_LEVEL", "trace");
        let log = fs::File::create(self.at("log")).unwrap();
        command.stdout(Stdio::null()).stderr(log);
        Gateway(command.spawn().unwrap())
    }

    /// Sees to it that a gateway refuses to start, and says why, with no secret in what it says.
    #[track_caller]
    fn refused(&self, mut gateway: Gateway, words: &str) {
        let status = until("the gateway to end", PATIENCE, || gateway.0.try_wait().unwrap());
        let said = fs::read_to_string(self.at("log")).unwrap();
        assert_eq!(status.code(), Some(1), "{said}");
        assert!(said.contains(words), "{said}");
        assert_eq!(self.canaries().in_bytes("what it said", said.as_bytes()), []);
        assert_eq!(fs::read_dir(self.at("state")).unwrap().count(), 0, "it began");
    }
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// The modes of seccomp of all threads of a process.
fn filters(process: u32) -> Vec<String> {
    let threads = fs::read_dir(format!("/proc/{process}/task")).unwrap();
    let mode = |thread: fs::DirEntry| {
        let status = fs::read_to_string(thread.path().join("status")).ok()?;
        let mode = status.lines().find_map(|line| line.strip_prefix("Seccomp:"))?;
        Some(mode.trim().to_owned())
    };
    threads.filter_map(|thread| mode(thread.unwrap())).collect()
}

#[test]
fn the_key_is_fetched_from_wherever_it_is_kept() {
    let stage = Stage::new();
    let certificate = CertificateDer::from_pem_file(stage.at("given/ca.pem")).unwrap();
    let file = stage.at("given/ca.key").display().to_string();
    for key in [
        "credential:tls.key",
        "vault:secret/gateway#key",
        "vault:secret/gateway?version=1#key",
        &format!("file:{file}"),
        &file,
    ] {
        let port = free_port();
        let mut gateway = stage.gateway(key, port);
        let at = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let seen = until("the gateway to listen", PATIENCE, || {
            assert!(gateway.0.try_wait().unwrap().is_none(), "{key}");
            look(at).ok()
        });
        assert_eq!(seen.leaf, certificate, "{key}");
        assert!(seen.authority.is_none(), "{key}");
        // What fetched it has left no thread behind that is not locked down.
        let process = gateway.0.id();
        let filters = filters(process);
        assert!(filters.len() > 1 && filters.iter().all(|mode| mode == FILTER), "{filters:?}");
        let canaries = stage.canaries();
        assert_eq!(canaries.in_processes(process), [], "{key}");
        assert_eq!(canaries.in_folder(&stage.at("state")), [], "{key}");
        let log = fs::read(stage.at("log")).unwrap();
        assert!(log.len() > 1000, "it says too little to be searched");
        assert_eq!(canaries.in_bytes("log", &log), [], "{key}");
    }
    let asked = stage.vault.seen();
    let lines: Vec<&str> = asked.iter().map(|request| request.line.as_str()).collect();
    let line = "GET /v1/secret/data/gateway";
    assert_eq!(lines, [format!("{line} HTTP/1.1"), format!("{line}?version=1 HTTP/1.1")]);
    assert!(asked.iter().all(|request| request.headers["x-vault-token"] == VAULT_TOKEN));
}

#[test]
fn a_key_that_cannot_be_had_keeps_the_gateway_from_starting() {
    let stage = Stage::new();
    let file = stage.at("given/ca.key");
    let of_file = format!("file:{}", file.display());
    let check = |key: &str, words: &str| stage.refused(stage.gateway(key, 0), words);
    check("credential:none", "there is no such credential");
    check("credential:other", "`credential:other`: there is no private key in PEM");
    check("vault:secret/gateway#other", "`vault:secret/gateway#other`: there is no private key");
    check("vault:secret/gateway#none", "has no field of this name");
    check("vault:secret/none#key", "Vault has nothing there (404)");
    check("keyring:default?service=gateway", "keyring:default?service=gateway");
    check(NO_KEY, "the key does not stand here");
    check(&stage.key, "the key does not stand here");
    fs::set_permissions(&file, Permissions::from_mode(0o640)).unwrap();
    check(&of_file, "`chmod 600` it");
    stage.vault.set(|vault| vault.sealed = true);
    check("vault:secret/gateway#key", "unseal it");
    stage.vault.set(|vault| vault.sealed = false);
    let unclear = VaultFault::Answer(200, format!("{{\"data\": \"{NO_KEY}\"}}"));
    stage.vault.set(|vault| vault.fault = Some(unclear));
    check("vault:secret/gateway#key", "none of Vault's KV secrets engine");
    stage.vault.set(|vault| vault.fault = None);
    stage.write("token", NO_KEY, 0o600);
    check("vault:secret/gateway#key", "Vault refuses the token (403)");
    stage.write("token", VAULT_TOKEN, 0o644);
    check("vault:secret/gateway#key", "Vault's token");
    // Without a Vault.
    let without = fs::read_to_string(stage.at("gateway.yaml")).unwrap();
    let mut without: serde_json::Value = serde_json::from_str(&without).unwrap();
    without.as_object_mut().unwrap().remove("vault");
    stage.write("gateway.yaml", &without.to_string(), 0o600);
    stage.refused(stage.start(), "no Vault is configured");
}
