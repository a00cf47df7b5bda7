//! Where the acts are tried: the daemon, its own places, and those of others.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use capability::Server as _;
use sandbox::{Confinement, Report};

use crate::arguments::Options;

/// The folder of cap files and sockets, unless the gateway's configuration names another.
const CAPS: &str = "/run/mcp";
/// Where the gateway keeps what it must not forget, unless its configuration names another.
const STATE: &str = "/var/lib/llmbasedos/gateway";
/// The key of the person, and what the gateway knows of all keys.
const FIRST_KEY: &str = "/var/lib/llmbasedos/first-key/key";
const CLIENTS: &str = "/etc/llmbasedos/clients.yaml";
/// Where anybody may write, if anything is there.
const FOR_ALL: [&str; 3] = ["/tmp", "/var/tmp", "/dev/shm"];
/// Variables through which systemd names the folders that it made for the unit.
const FOLDERS: [&str; 4] =
    ["STATE_DIRECTORY", "LOGS_DIRECTORY", "RUNTIME_DIRECTORY", "CACHE_DIRECTORY"];
/// Sockets of the system through which a process could have others act for it: the service manager, the bus, and the
/// resolver, which sends names out to the network.
const SYSTEM_SOCKETS: [&str; 3] = [
    "/run/systemd/private",
    "/run/dbus/system_bus_socket",
    "/run/systemd/resolve/io.systemd.Resolve",
];

/// In whose place the probe runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Daemon {
    Gateway,
    Fs,
}

impl Daemon {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Gateway => "gateway",
            Self::Fs => "fs",
        }
    }
}

/// What the daemon's configuration names.
pub(crate) enum Places {
    Gateway { clients: PathBuf, state: PathBuf },
    Fs { config: cap_fs::ConfigFile, root: PathBuf },
}

/// What the daemon holds open when it locks itself.
pub(crate) enum Opened {
    Gateway(gateway::Folders),
    Fs(Box<cap_fs::Fs>),
}

impl Opened {
    /// Puts on the sandbox that the daemon puts on itself, by the daemon's own code.
    pub(crate) fn lock(&self) -> io::Result<Report> {
        let report = match self {
            Self::Gateway(folders) => gateway::confine(folders, Confinement::Required),
            Self::Fs(server) => capability::confine(server.as_ref(), Confinement::Required),
        };
        report.map_err(io::Error::other)
    }
}

/// What an act may look at.
pub(crate) struct Stage {
    pub(crate) options: Options,
    pub(crate) places: Places,
    pub(crate) caps: PathBuf,
}

impl Stage {
    /// Reads the configuration, as the daemon does.
    pub(crate) fn read(daemon: Daemon, mut options: Options) -> io::Result<Self> {
        fill(daemon, &mut options);
        match daemon {
            Daemon::Gateway => {
                let config: gateway::ConfigFile =
                    settings::load(&options.config).map_err(io::Error::other)?;
                let caps = options.caps.clone().or(config.caps_dir).unwrap_or_else(|| CAPS.into());
                let state = config.state_dir.unwrap_or_else(|| STATE.into());
                let places = Places::Gateway { clients: config.clients_file, state };
                Ok(Self { options, places, caps })
            }
            Daemon::Fs => {
                let config: cap_fs::ConfigFile =
                    settings::load(&options.config).map_err(io::Error::other)?;
                let named = |root: &Option<PathBuf>| root.clone().ok_or("no root is named");
                let root = named(&config.root).map_err(io::Error::other)?;
                let caps = options.caps.clone().unwrap_or_else(|| CAPS.into());
                Ok(Self { options, places: Places::Fs { config, root }, caps })
            }
        }
    }

    /// Opens what the daemon opens.
    pub(crate) fn open(&self) -> io::Result<Opened> {
        match &self.places {
            Places::Gateway { clients, state } => {
                let followed = clients.parent().map(PathBuf::from);
                gateway::Folders::open(&self.caps, &followed, state).map(Opened::Gateway)
            }
            Places::Fs { config, .. } => {
                let server = cap_fs::Fs::open(config.clone()).map_err(io::Error::other)?;
                Ok(Opened::Fs(Box::new(server)))
            }
        }
    }

    /// Folders that this process may be able to write to.
    pub(crate) fn writable(&self) -> Vec<PathBuf> {
        let mut folders: Vec<PathBuf> = match &self.places {
            Places::Gateway { .. } => Vec::new(),
            Places::Fs { config, root } => vec![root.clone(), config.state.clone()],
        };
        for name in FOLDERS {
            let value = std::env::var_os(name).unwrap_or_default();
            folders.extend(std::env::split_paths(&value).filter(|path| path.is_absolute()));
        }
        folders.extend(FOR_ALL.map(PathBuf::from));
        // The state is named by the configuration and by the unit, and a file is made in each once.
        folders.sort();
        folders.dedup();
        folders
    }
}

/// Puts what is another's on the appliance where the command line names nothing.
fn fill(daemon: Daemon, options: &mut Options) {
    let or = |given: &mut Vec<PathBuf>, default: &[String]| {
        if given.is_empty() {
            given.extend(default.iter().map(PathBuf::from));
        }
    };
    let (homes, other): (&[&str], _) = match daemon {
        Daemon::Gateway => (&["/home/llmuser"], "fs"),
        // It runs as `llmuser`, whose home is more than the exposed folder; whoever tests it makes the other.
        Daemon::Fs => (&["/home/llmuser/.profile", "/home/bystander"], "gateway"),
    };
    or(&mut options.home, &homes.iter().copied().map(str::to_owned).collect::<Vec<_>>());
    or(&mut options.state, &[format!("/var/lib/llmbasedos/{other}")]);
    let mut secrets =
        vec![format!("/run/credentials/llmbasedos-{other}.service"), FIRST_KEY.to_owned()];
    if daemon == Daemon::Fs {
        secrets.push(CLIENTS.to_owned());
    }
    or(&mut options.credentials, &secrets);
    let mut sockets = SYSTEM_SOCKETS.map(str::to_owned).to_vec();
    if daemon == Daemon::Fs {
        // The ways in for programs and people: through them the file server could use every other capability, and answer for
        // the person.
        sockets.extend(["gateway", "person"].map(|name| format!("{CAPS}/{name}.sock")));
    }
    or(&mut options.socket, &sockets);
}

/// The name of what the process `id` of the probe writes in `folder`.
pub(crate) fn own_name(folder: &Path, id: u32) -> PathBuf {
    folder.join(format!(".acts-{id}"))
}

/// Reads the first byte of a file, or the first name of a folder.
pub(crate) fn read(path: &Path) -> io::Result<()> {
    use io::Read as _;

    let mut file = File::open(path)?;
    if file.metadata()?.is_dir() {
        return fs::read_dir(path).map(drop);
    }
    file.read(&mut [0]).map(drop)
}
