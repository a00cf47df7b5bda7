//! A stand-in for HashiCorp Vault, as far as its published API of the KV secrets engine, version 2, goes
//! (<https://developer.hashicorp.com/vault/api-docs/secret/kv/kv-v2>), and what a broken or hostile one does.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

/// The one token that is good.
pub const VAULT_TOKEN: &str = "hvs.CAESIcanaryTOKENcanary";

/// What became of a version.
#[derive(Debug, Clone)]
pub enum VaultVersion {
    /// It is there, with these fields.
    Kept(Value),
    /// It was deleted, and can be undeleted.
    Deleted,
    /// It was destroyed for good.
    Destroyed,
}

/// What is answered in place of what Vault would say.
#[derive(Debug, Clone)]
pub enum VaultFault {
    /// This status and body.
    Answer(u16, String),
    /// A redirect to this address.
    Redirect(String),
    /// A body of this many bytes, with or without its length in the head.
    Huge {
        /// How long it is.
        bytes: usize,
        /// Whether the head tells.
        announced: bool,
    },
    /// A body of which a byte comes from time to time.
    Trickle,
    /// Nothing at all.
    Silence,
}

/// A request that came: its first line, and its headers with names in lower case.
#[derive(Debug, Clone)]
pub struct VaultRequest {
    /// The first line.
    pub line: String,
    /// The headers.
    pub headers: HashMap<String, String>,
}

/// What it keeps, and how it behaves.
#[derive(Debug, Default)]
pub struct VaultState {
    /// The versions of an entry, by mount and path.
    entries: HashMap<(String, String), Vec<VaultVersion>>,
    /// Whether it is sealed.
    pub sealed: bool,
    /// What is wrong with it.
    pub fault: Option<VaultFault>,
    /// What it was asked.
    pub seen: Vec<VaultRequest>,
}

/// A running one; it ends with the runtime on which it was started.
#[derive(Clone)]
pub struct VaultStandIn {
    /// Where it listens, on 127.0.0.1.
    pub port: u16,
    kv: Arc<Mutex<VaultState>>,
}

impl VaultStandIn {
    /// Starts one, with TLS or without.
    pub async fn start(tls: Option<TlsAcceptor>) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let this = Self { port: listener.local_addr().unwrap().port(), kv: Arc::default() };
        let serving = this.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (serving, tls) = (serving.clone(), tls.clone());
                tokio::spawn(async move {
                    match tls {
                        None => serving.serve(stream).await,
                        // A client that does not trust us says so and goes.
                        Some(tls) => match tls.accept(stream).await {
                            Ok(stream) => serving.serve(stream).await,
                            Err(_) => None,
                        },
                    }
                });
            }
        });
        this
    }

    /// Changes what it keeps or how it behaves.
    pub fn set(&self, change: impl FnOnce(&mut VaultState)) {
        change(&mut self.kv.lock().unwrap());
    }

    /// Stores an entry.
    pub fn store(&self, mount: &str, path: &str, versions: &[VaultVersion]) {
        let key = (mount.to_owned(), path.to_owned());
        self.set(|kv| drop(kv.entries.insert(key, versions.to_vec())));
    }

    /// What it was asked so far.
    pub fn seen(&self) -> Vec<VaultRequest> {
        self.kv.lock().unwrap().seen.clone()
    }

    /// One request, one answer. `None`: the client has gone.
    async fn serve(&self, mut stream: impl AsyncRead + AsyncWrite + Unpin) -> Option<()> {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(stream.read_u8().await.ok()?);
        }
        let head = String::from_utf8(head).unwrap();
        let (line, rest) = head.split_once("\r\n").unwrap();
        let headers = rest.lines().filter_map(|line| line.split_once(": "));
        let headers = headers.map(|(name, value)| (name.to_lowercase(), value.to_owned()));
        let seen = VaultRequest { line: line.to_owned(), headers: headers.collect() };
        let (fault, answer) = {
            let mut kv = self.kv.lock().unwrap();
            kv.seen.push(seen.clone());
            (kv.fault.clone(), kv.answer(&seen))
        };
        let (status, body) = match fault {
            None => (answer.0, answer.1.to_string()),
            Some(VaultFault::Answer(status, body)) => (status, body),
            Some(VaultFault::Redirect(location)) => {
                let head = format!(
                    "HTTP/1.1 307 Temporary Redirect\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n"
                );
                return stream.write_all(head.as_bytes()).await.ok();
            }
            Some(VaultFault::Huge { bytes, announced }) => {
                let length =
                    if announced { format!("Content-Length: {bytes}\r\n") } else { String::new() };
                let head = format!("HTTP/1.1 200 OK\r\n{length}Connection: close\r\n\r\n");
                stream.write_all(head.as_bytes()).await.ok()?;
                for _ in 0..bytes / 1024 {
                    stream.write_all(&[b' '; 1024]).await.ok()?;
                }
                return stream.shutdown().await.ok();
            }
            Some(VaultFault::Trickle) => {
                let head = b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n";
                stream.write_all(head).await.ok()?;
                let mut clock = tokio::time::interval(Duration::from_millis(100));
                loop {
                    clock.tick().await;
                    stream.write_all(b" ").await.ok()?;
                    stream.flush().await.ok()?;
                }
            }
            Some(VaultFault::Silence) => std::future::pending().await,
        };
        let length = body.len();
        let reply = format!(
            "HTTP/1.1 {status} Said\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
        );
        stream.write_all(reply.as_bytes()).await.ok()?;
        stream.shutdown().await.ok()
    }
}

impl VaultState {
    /// What Vault would answer.
    fn answer(&self, request: &VaultRequest) -> (u16, Value) {
        let errors = |status, text: &[&str]| (status, json!({ "errors": text }));
        if self.sealed {
            return errors(503, &["Vault is sealed"]);
        }
        if request.headers.get("x-vault-token").is_none_or(|token| token != VAULT_TOKEN) {
            return errors(
                403,
                &["2 errors occurred:\n\t* permission denied\n\t* invalid token\n\n"],
            );
        }
        let target =
            request.line.strip_prefix("GET /v1/").and_then(|rest| rest.strip_suffix(" HTTP/1.1"));
        let Some(target) = target else { return errors(405, &["unsupported operation"]) };
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let wanted = query.strip_prefix("version=").map(|number| number.parse::<usize>().unwrap());
        let found =
            self.entries.iter().find(|((mount, entry), _)| path == format!("{mount}/data/{entry}"));
        let Some((_, versions)) = found else {
            let mounted =
                self.entries.keys().any(|(mount, _)| path.starts_with(&format!("{mount}/")));
            let no_route = format!("no handler for route {path:?}. route entry not found.");
            return if mounted { errors(404, &[]) } else { errors(404, &[&no_route]) };
        };
        let number = wanted.unwrap_or(versions.len());
        let Some(version) = number.checked_sub(1).and_then(|at| versions.get(at)) else {
            return errors(404, &[]);
        };
        let (status, data, deletion, destroyed) = match version {
            VaultVersion::Kept(data) => (200, data.clone(), "", false),
            VaultVersion::Deleted => (404, Value::Null, "2026-11-22T02:36:43.986212308Z", false),
            VaultVersion::Destroyed => (404, Value::Null, "", true),
        };
        let metadata = json!({
            "created_time": "2026-11-22T02:24:06.945319214Z", "custom_metadata": null,
            "deletion_time": deletion, "destroyed": destroyed, "version": number,
        });
        let body = json!({
            "request_id": "ec6d4b1c-0000-0000-0000-000000000000", "lease_id": "", "renewable": false,
            "lease_duration": 0, "data": { "data": data, "metadata": metadata },
            "wrap_info": null, "warnings": null, "auth": null, "mount_type": "kv",
        });
        (status, body)
    }
}
