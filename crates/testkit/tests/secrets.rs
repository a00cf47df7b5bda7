//! A gateway whose TLS key is a secret: it is fetched from wherever it is kept before the gateway locks itself down, and one
//! that cannot be had keeps it from starting, with the reason and without the secret.
#![cfg(test)]

use std::fs::{self, Permissions};
use std::net::{SocketAddr, TcpListener};
use std::os::fd::OwnedFd;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use certificates::look;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use serde_json::json;
use tempfile::TempDir;
use testkit::{
    Canaries, Request, VAULT_TOKEN, VaultFault, VaultStandIn, VaultVersion, programs, until,
};
use tokio::runtime::Runtime;

/// How long a test waits for what must come.
const PATIENCE: Duration = Duration::from_mins(1);
/// What is kept where the key should be, and is none.
const NO_KEY: &str = "canary-of-what-is-no-key";
/// Lets a program leave a core.
const CORES: &str = r#"ulimit -c unlimited; exec "$@""#;
/// The same, and has it listen where its standard input does, as systemd would, so that nobody else takes the port.
const LISTENING: &str =
    r#"ulimit -c unlimited; LISTEN_FDS=1 LISTEN_PID=$$ exec "$@" 3<&0 </dev/null"#;
/// The signal of a program that gives up.
const SIGABRT: i32 = 6;
/// A mode of seccomp: a filter.
const FILTER: &str = "2";

/// A gateway and where it listens; it is killed when this is dropped.
struct Gateway {
    process: Child,
    at: SocketAddr,
}

impl Drop for Gateway {
    fn drop(&mut self) {
        self.process.kill().ok();
        self.process.wait().ok();
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

    /// Each secret that a gateway is near to.
    fn canaries(&self) -> Canaries {
        let canaries = Canaries::new().with("the token", VAULT_TOKEN).with("no key", NO_KEY);
        canaries.with_pem("the key", &self.key)
    }

    /// Starts a gateway whose key is there.
    fn gateway(&self, key: &str) -> Gateway {
        let text = |name: &str| self.at(name).display().to_string();
        let config = json!({
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

    /// A program that a script starts in the folder `cores`.
    fn by(&self, script: &str, program: &Path) -> Command {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", script, "sh"]).arg(program).env_clear();
        fs::create_dir_all(self.at("cores")).unwrap();
        command.current_dir(self.at("cores"));
        command
    }

    fn start(&self) -> Gateway {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let at = listener.local_addr().unwrap();
        let mut command = self.by(LISTENING, &programs().join("gateway"));
        command.arg("--config").arg(self.at("gateway.yaml"));
        command.env("CREDENTIALS_DIRECTORY", self.at("credentials"));
        command.env("LLMBDO_LOG_LEVEL", "trace");
        let log = fs::File::create(self.at("log")).unwrap();
        command.stdin(OwnedFd::from(listener)).stdout(Stdio::null()).stderr(log);
        Gateway { process: command.spawn().unwrap(), at }
    }

    /// Sees to it that a gateway refuses to start, and says why, with no secret in what it says.
    #[track_caller]
    fn refused(&self, mut gateway: Gateway, words: &str) {
        let status = until("the gateway to end", PATIENCE, || gateway.process.try_wait().unwrap());
        let said = fs::read_to_string(self.at("log")).unwrap();
        assert_eq!(status.code(), Some(1), "{said}");
        assert!(said.contains(words), "{said}");
        assert_eq!(self.canaries().in_bytes("what it said", said.as_bytes()), []);
        assert_eq!(fs::read_dir(self.at("state")).unwrap().count(), 0, "it began");
    }
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
        let mut gateway = stage.gateway(key);
        let seen = until("the gateway to listen", PATIENCE, || {
            assert!(gateway.process.try_wait().unwrap().is_none(), "{key}");
            look(gateway.at).ok()
        });
        assert_eq!(seen.leaf, certificate, "{key}");
        assert!(seen.authority.is_none(), "{key}");
        let wrong = Request::new(gateway.at.port(), NO_KEY);
        for request in [
            wrong.clone().method("GET").target("/healthz"),
            wrong.clone().method("GET").target("/readyz"),
            wrong.clone().method("GET").target("/metrics"),
            wrong.clone().legacy("tools/list", &json!({})),
            wrong.target("/tls.key"),
        ] {
            let answer = request.send();
            let said = format!("{:?}", answer.headers).into_bytes();
            assert!(!said.is_empty() && !answer.body.is_empty());
            let said = [said, answer.body].concat();
            assert_eq!(stage.canaries().in_bytes("an answer", &said), [], "{key}");
        }
        // What fetched it has left no thread behind that is not locked down.
        let process = gateway.process.id();
        let filters = filters(process);
        assert!(filters.len() > 1 && filters.iter().all(|mode| mode == FILTER), "{filters:?}");
        let canaries = stage.canaries();
        assert_eq!(canaries.in_processes(process), [], "{key}");
        assert_eq!(canaries.in_folder(&stage.at("state")), [], "{key}");
        let log = fs::read(stage.at("log")).unwrap();
        let said = String::from_utf8_lossy(&log);
        assert!(
            said.contains("ready") && said.contains("locked down"),
            "it says too little: {said}"
        );
        assert_eq!(canaries.in_bytes("log", &log), [], "{key}");
    }
    let asked = stage.vault.seen();
    let lines: Vec<&str> = asked.iter().map(|request| request.line.as_str()).collect();
    let line = "GET /v1/secret/data/gateway";
    assert_eq!(lines, [format!("{line} HTTP/1.1"), format!("{line}?version=1 HTTP/1.1")]);
    assert!(asked.iter().all(|request| request.headers["x-vault-token"] == VAULT_TOKEN));
}

/// Whether this machine lets a program leave a core that is told to.
fn cores_can_be() -> bool {
    let limits = fs::read_to_string("/proc/self/limits").unwrap();
    let line = limits.lines().find_map(|line| line.strip_prefix("Max core file size")).unwrap();
    let pattern = fs::read_to_string("/proc/sys/kernel/core_pattern").unwrap();
    line.split_whitespace().nth(1) == Some("unlimited") && pattern.trim() == "core"
}

#[test]
fn a_gateway_that_crashes_leaves_no_core_with_the_key() {
    let stage = Stage::new();
    let mut gateway = stage.gateway("vault:secret/gateway#key");
    until("the gateway to listen", PATIENCE, || look(gateway.at).ok());
    let abort = |process: u32| {
        let sent = Command::new("kill").args(["-ABRT", &process.to_string()]).status();
        assert!(sent.unwrap().success());
    };
    abort(gateway.process.id());
    let status = gateway.process.wait().unwrap();
    assert_eq!((status.signal(), status.core_dumped()), (Some(SIGABRT), false));
    assert_eq!(fs::read_dir(stage.at("cores")).unwrap().count(), 0);
    // The control: a program that does nothing about it leaves one, in which the key is found.
    let mut cat = stage.by(CORES, "/bin/cat".as_ref());
    let mut cat = cat.env("KEY", &stage.key).stdin(Stdio::piped()).spawn().unwrap();
    let line = format!("/proc/{}/cmdline", cat.id());
    until("`cat`", PATIENCE, || fs::read(&line).unwrap().starts_with(b"/bin/cat").then_some(()));
    abort(cat.id());
    let status = cat.wait().unwrap();
    assert_eq!(status.signal(), Some(SIGABRT));
    if cores_can_be() {
        assert!(status.core_dumped());
        let found = stage.canaries().in_folder(&stage.at("cores"));
        assert!(found.iter().any(|find| find.canary == "the key"), "{found:?}");
    }
}

#[test]
fn a_key_that_cannot_be_had_keeps_the_gateway_from_starting() {
    let stage = Stage::new();
    let file = stage.at("given/ca.key");
    let of_file = format!("file:{}", file.display());
    let check = |key: &str, words: &str| stage.refused(stage.gateway(key), words);
    check("credential:none", "there is no such credential");
    check("credential:other", "`credential:other`: there is no private key in PEM");
    check("vault:secret/gateway#other", "`vault:secret/gateway#other`: there is no private key");
    check("vault:secret/gateway#none", "has no field of this name");
    check("vault:secret/none#key", "Vault has nothing there (404)");
    check("keyring:default?service=gateway", "cannot ask a Secret Service");
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
