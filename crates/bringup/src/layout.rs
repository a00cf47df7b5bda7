//! What is to run, and the folder in which it runs.

use std::fs;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use capfile::Pattern;
use clients::{Client, ClientName, digest, edit, is_key, new_key};
use serde::Serialize;
use settings::Access;

use crate::choices::Choices;
use crate::error::Error;
use crate::folder::{SECRET_MODE, closed_folder, private_folder, put};

/// What is to run.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The state folder.
    pub state: PathBuf,
    /// The folder to expose; `STATE/files` if none is named.
    pub root: Option<PathBuf>,
    /// The port; 0 takes a free one.
    pub port: u16,
    /// The folder of the daemons' programs.
    pub programs: PathBuf,
    /// How long a call may take, in seconds, where the gateway's own choice does not fit.
    pub call_timeout_seconds: Option<u32>,
    /// How much the daemons log, in place of what `LLMBDO_LOG_LEVEL` says.
    pub log_level: Option<&'static str>,
    /// What the licence of a new appliance sets in place of what its tier does.
    pub limits: licence::Limits,
    /// What else is to be elsewhere than usual. Its port and its root are not looked at any more.
    pub choices: Choices,
}

/// The state folder, made and filled.
pub(crate) struct Layout {
    pub(crate) state: PathBuf,
    pub(crate) root: PathBuf,
    /// The folder of the servers' sockets and cap files.
    pub(crate) caps: PathBuf,
    pub(crate) key: String,
}

/// What is exposed where nothing else is named.
const FILES: &str = "files";

/// To whom the appliance of a person belongs.
const OWNER: &str = "the owner of this appliance";

/// The name of the first client.
const FIRST_CLIENT: &str = "first";

/// What a person finds in a folder that is exposed by default.
const SAMPLES: [(&str, &str); 3] = [
    (
        "README.md",
        "# Your exposed folder\n\nMCP clients see this folder as `/`. They can list, read, write and delete what is \
         in it, and nothing else on this machine.\n\nTo expose another folder, start with `--root DIR`.\n",
    ),
    (
        "notes/ideas.md",
        "# Ideas\n\n- Ask your assistant to sort this list.\n- Tea before coffee.\n",
    ),
    ("notes/shopping.txt", "bread\napples\nbatteries (AA)\n"),
];

impl Layout {
    /// Writes keys and configuration into the folder, which has been claimed.
    pub(crate) fn make(plan: &Plan) -> Result<Self, Error> {
        // The daemons and the snippets need a path that holds wherever they are started.
        let state = std::path::absolute(&plan.state).map_err(Error::file(&plan.state))?;
        for folder in ["config", "config/policies", "run", "fs", "gateway", "log"] {
            private_folder(&state.join(folder))?;
        }
        let root = match &plan.root {
            Some(root) => root_outside(root, &state)?,
            None => sample_root(&state)?,
        };
        let caps = match &plan.choices.caps_dir {
            Some(caps) => closed_folder(caps)?,
            None => state.join("run"),
        };
        let key = first_key(&state)?;
        let layout = Self { state, root, caps, key };
        layout.configure(plan)?;
        Ok(layout)
    }

    /// A file of the state folder.
    pub(crate) fn at(&self, name: &str) -> PathBuf {
        self.state.join(name)
    }

    /// Where `person.sock` is: always in the state folder, which nobody else can enter.
    pub(crate) fn person_socket(&self) -> PathBuf {
        self.at("run/person.sock")
    }

    /// Writes the port that the gateway really has into its configuration.
    pub(crate) fn listen_at(&self, plan: &Plan, address: &str) -> Result<(), Error> {
        let port = address.parse().map_or(plan.port, |address: SocketAddr| address.port());
        if port == plan.port { Ok(()) } else { self.configure(&Plan { port, ..plan.clone() }) }
    }

    fn configure(&self, plan: &Plan) -> Result<(), Error> {
        let clients = self.at("config/clients.yaml");
        let host = plan.choices.host.unwrap_or_else(|| Ipv4Addr::LOCALHOST.into());
        let socket = match &plan.choices.socket {
            Some(socket) => std::path::absolute(socket).map_err(Error::file(socket))?,
            None => self.at("run/gateway.sock"),
        };
        let gateway = gateway::ConfigFile {
            listen: Some(SocketAddr::from((host, plan.port))),
            socket: Some(socket),
            person_socket: Some(self.person_socket()),
            caps_dir: Some(self.caps.clone()),
            clients_file: clients.clone(),
            // Who asked for another address will use it as a name.
            allowed_hosts: plan.choices.host.map(|host| vec![as_name(host)]),
            call_timeout_seconds: plan.call_timeout_seconds,
            workers: None,
            state_dir: Some(self.at("gateway")),
            tool_rates: Vec::new(),
            licence_file: None,
            tiers_file: None,
            licence_issuers_file: None,
            policies_dir: None,
            redact: Vec::new(),
            tls: None,
            vault: None,
            plain: plan.choices.plain,
        };
        write_yaml(&self.at("config/gateway.yaml"), &gateway)?;
        licence::first(&self.at("config"), OWNER, plan.limits)?;
        let fs = cap_fs::ConfigFile {
            root: Some(self.root.clone()),
            state: self.at("fs"),
            exclude: vec![self.state.clone()],
            ..cap_fs::ConfigFile::default()
        };
        write_yaml(&self.at("config/fs.yaml"), &fs)?;

        let hash = digest(&self.key);
        let first: ClientName = FIRST_CLIENT.parse()?;
        // The person may have changed what it may do, and that stays so.
        Ok(edit(&clients, |file| {
            if let Some(client) = file.find_mut(&first) {
                client.key_sha256 = Some(hash);
            } else {
                let client = Client::new(first, vec![Pattern::all()]).with_key(hash);
                file.clients.insert(0, client);
            }
            Ok(())
        })?)
    }
}

/// An address as `Host` has it.
fn as_name(address: IpAddr) -> String {
    match address {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => format!("[{address}]"),
    }
}

/// The key of the first client: the one that is there, else a new one.
fn first_key(state: &Path) -> Result<String, Error> {
    let path = state.join("key");
    match fs::read_to_string(&path) {
        Ok(text) if is_key(text.trim()) => Ok(text.trim().to_owned()),
        Ok(_) => Err(Error::NotAKey(path)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let key = new_key()?;
            put(&path, SECRET_MODE, format!("{key}\n").as_bytes())?;
            Ok(key)
        }
        Err(error) => Err(Error::file(&path)(error)),
    }
}

/// The folder that a person named. It may contain the state folder, which stays out of reach, but not lie in it.
fn root_outside(root: &Path, state: &Path) -> Result<PathBuf, Error> {
    let root = std::path::absolute(root).map_err(Error::file(root))?;
    if !fs::metadata(&root).is_ok_and(|found| found.is_dir()) {
        return Err(Error::RootNotFolder(root));
    }
    if lies_in(&root, state).map_err(Error::file(&root))? {
        return Err(Error::RootInState(root));
    }
    Ok(root)
}

/// Whether `folder` is `state` or beneath it, `STATE/files` excepted, by device and inode all the way up, so that no
/// link in the path hides it.
fn lies_in(folder: &Path, state: &Path) -> std::io::Result<bool> {
    let id = |path: &Path| fs::metadata(path).map(|found| (found.dev(), found.ino()));
    let state_id = id(state)?;
    let mut here = folder.to_owned();
    if id(&state.join(FILES)).ok() == Some(id(&here)?) {
        return Ok(false);
    }
    loop {
        let above = here.join("..");
        if id(&here)? == state_id {
            return Ok(true);
        }
        if id(&above)? == id(&here)? {
            return Ok(false);
        }
        here = above;
    }
}

/// `STATE/files`, with samples if it is new.
fn sample_root(state: &Path) -> Result<PathBuf, Error> {
    let root = state.join(FILES);
    if root.symlink_metadata().is_ok() {
        return Ok(root);
    }
    private_folder(&root.join("notes"))?;
    for (name, text) in SAMPLES {
        put(&root.join(name), 0o644, text.as_bytes())?;
    }
    Ok(root)
}

fn write_yaml(path: &Path, value: &impl Serialize) -> Result<(), Error> {
    settings::save(path, Access::mode(SECRET_MODE), "", value).map_err(Error::file(path))
}
