//! The gateway's configuration file.

use std::net::SocketAddr;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// The gateway's configuration, as `gateway.yaml` holds it.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The address to bind, where systemd passes no socket. Port 0 takes a free one.
    pub listen: SocketAddr,
    /// The folder of `*.cap.json` and `*.sock`.
    pub caps_dir: PathBuf,
    /// The file of client keys.
    pub clients_file: PathBuf,
    /// Names, besides `localhost`, `127.0.0.1` and `[::1]`, under which the gateway may be addressed.
    #[serde(default)]
    pub allowed_hosts: Vec<String>,
    /// How long a call may take, in seconds.
    #[serde(default)]
    pub call_timeout_seconds: Option<u32>,
}
