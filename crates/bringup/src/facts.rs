//! What a program needs to know of a run.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// The facts of a run, as `up.json` holds them; the file has mode 0600, since the key is in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facts {
    /// Where MCP is served: `http://127.0.0.1:PORT/mcp`.
    pub endpoint: String,
    /// Where the WebSocket will be: `ws://127.0.0.1:PORT/ws`. This version does not serve it yet.
    pub ws: String,
    /// The first client's key.
    pub key: String,
    /// The exposed folder.
    pub root: PathBuf,
    /// The servers' sockets by name.
    pub sockets: BTreeMap<String, PathBuf>,
    /// The daemons' process ids by name.
    pub pids: BTreeMap<String, u32>,
    /// How the kernel confines each daemon, by name.
    pub confinement: BTreeMap<String, String>,
}
