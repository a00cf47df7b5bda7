//! What a program needs to know of a run.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// The facts of a run, as `up.json` holds them; the file has mode 0600, since the key is in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facts {
    /// Where MCP is served: `http://127.0.0.1:PORT/mcp`.
    pub endpoint: String,
    /// The same by TLS, for hosts that trust the file `gateway/tls/ca.pem` of the state folder.
    pub https: String,
    /// Where the WebSocket is: `ws://127.0.0.1:PORT/ws`.
    pub ws: String,
    /// The first client's key.
    pub key: String,
    /// The exposed folder.
    pub root: PathBuf,
    /// The sockets by name: those of the servers, and `gateway`, which takes what `/ws` takes and asks for no key.
    pub sockets: BTreeMap<String, PathBuf>,
    /// The process ids of the daemons that run, by name.
    pub pids: BTreeMap<String, u32>,
    /// How the kernel confines each daemon, by name.
    pub confinement: BTreeMap<String, String>,
}
