//! The configuration file of the file server.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// The configuration of the file server, as `fs.yaml` holds it.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The folder that is exposed.
    pub root: PathBuf,
    /// The server's own folder, for what it must remember across a crash.
    pub state: PathBuf,
    /// Folders that stay out of reach even where `root` contains them. `state` always does.
    #[serde(default)]
    pub exclude: Vec<PathBuf>,
}
