//! Which appliance a subcommand is about: where its configuration is, and what that names.

use std::path::{Path, PathBuf};

use licence::{ISSUERS_FILE, LICENCE_FILE, TIERS_FILE};
use serde::Deserialize;

use crate::command::Failure;

/// Where the appliance keeps its configuration.
pub(crate) const APPLIANCE: &str = "/etc/llmbasedos";
/// Where its gateway keeps what it must not forget.
const STATE: &str = "/var/lib/llmbasedos/gateway";
/// Where the appliance has its cap files.
const CAPS: &str = "/run/mcp";
/// The folder of the owner's policies, beside the file of clients.
const POLICIES: &str = "policies";
/// Where the appliance has the door of people, and what it is called beside any gateway's own socket.
const PERSON: &str = "/run/mcp/person.sock";
const PERSON_NAME: &str = "person.sock";
/// The gateway's own configuration.
const GATEWAY: &str = "gateway.yaml";

/// Where the configuration is.
#[derive(Debug, clap::Args)]
pub(crate) struct ConfigDir {
    /// The folder of `gateway.yaml`. Default: `/etc/llmbasedos` if it is there, else `config` in the folder that
    /// `cargo xtask up` keeps for this user.
    #[arg(long, value_name = "DIR", global = true)]
    config_dir: Option<PathBuf>,
}

/// What the gateway's configuration names, of which this command needs to know.
#[derive(Debug, Deserialize)]
struct Named {
    clients_file: PathBuf,
    socket: Option<PathBuf>,
    state_dir: Option<PathBuf>,
    licence_file: Option<PathBuf>,
    tiers_file: Option<PathBuf>,
    licence_issuers_file: Option<PathBuf>,
    caps_dir: Option<PathBuf>,
    policies_dir: Option<PathBuf>,
}

/// The files of an appliance.
#[derive(Debug)]
pub(crate) struct Place {
    pub(crate) clients: PathBuf,
    /// The socket behind which people answer calls.
    pub(crate) person: PathBuf,
    /// What the gateway keeps.
    pub(crate) state: PathBuf,
    pub(crate) licence: PathBuf,
    pub(crate) tiers: PathBuf,
    pub(crate) issuers: PathBuf,
    /// The folder of cap files.
    pub(crate) caps: PathBuf,
    /// The folder of the owner's policies.
    pub(crate) policies: PathBuf,
}

impl ConfigDir {
    /// The folder, which need not be there.
    pub(crate) fn folder(&self) -> Result<PathBuf, Failure> {
        match &self.config_dir {
            Some(folder) => {
                std::path::absolute(folder).map_err(|error| Failure::Usage(error.into()))
            }
            None => default_folder().ok_or_else(|| {
                let text = "no configuration is found: name its folder with `--config-dir`";
                Failure::Usage(text.into())
            }),
        }
    }

    /// The files that the configuration in the folder names.
    pub(crate) fn place(&self) -> Result<Place, Failure> {
        let configs = self.folder()?;
        let named: Named =
            settings::load(&configs.join(GATEWAY)).map_err(|error| Failure::Work(error.into()))?;
        let beside = |name| named.clients_file.with_file_name(name);
        let person = named.socket.map(|socket| socket.with_file_name(PERSON_NAME));
        Ok(Place {
            person: person.unwrap_or_else(|| PERSON.into()),
            state: named.state_dir.unwrap_or_else(|| STATE.into()),
            licence: named.licence_file.unwrap_or_else(|| beside(LICENCE_FILE)),
            tiers: named.tiers_file.unwrap_or_else(|| beside(TIERS_FILE)),
            issuers: named.licence_issuers_file.unwrap_or_else(|| beside(ISSUERS_FILE)),
            caps: named.caps_dir.unwrap_or_else(|| CAPS.into()),
            policies: named.policies_dir.unwrap_or_else(|| beside(POLICIES)),
            clients: named.clients_file,
        })
    }
}

/// The folder of the appliance, or that of this user's own.
fn default_folder() -> Option<PathBuf> {
    let appliance = PathBuf::from(APPLIANCE);
    if appliance.is_dir() {
        return Some(appliance);
    }
    settings::state_folder().map(|state| Path::new(&state).join("config"))
}
