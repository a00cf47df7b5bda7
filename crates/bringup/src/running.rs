//! The daemons of one run.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};

use crate::error::Error;
use crate::facts::Facts;
use crate::folder::{SECRET_MODE, claim, lock, put};
use crate::layout::{Layout, Plan};
use crate::notify::Said;
use crate::process::Daemon;

/// The longest path of a UNIX socket (`sun_path` has 108 bytes, the last of them NUL).
const MAX_SOCKET_PATH_BYTES: usize = 107;
/// Cap files hold no secret, and the gateway refuses one that others can write.
const CAP_FILE_MODE: u32 = 0o644;
/// What `up` writes beside the daemons' files.
const FACTS_FILE: &str = "up.json";

/// The running daemons. Dropping this kills them.
pub struct Running {
    facts: Facts,
    daemons: Vec<Daemon>,
    facts_file: PathBuf,
    _lock: File,
}

/// A daemon that ended by itself.
#[derive(Debug, Clone, Copy)]
pub struct Ended {
    /// Which.
    pub name: &'static str,
    /// How.
    pub status: ExitStatus,
}

impl Plan {
    /// Starts everything and waits until each daemon says that it is ready. `progress` is told what happens.
    pub fn start(&self, mut progress: impl FnMut(&str)) -> Result<Running, Error> {
        claim(&self.state)?;
        let lock = lock(&self.state)?;
        let layout = Layout::make(self)?;
        let socket = layout.at("run/fs.sock");
        // The longest socket of all is the one on which a daemon says how it is.
        check_length(&layout.at("run/gateway.notify"))?;

        progress("starting fs");
        let program = self.programs.join("cap-fs");
        put_caps(&program, &layout.at("run/fs.cap.json"))?;
        let mut fs =
            start(&layout, "fs", &program, &["serve".as_ref(), "--socket".as_ref(), &socket])?;
        progress("starting gateway");
        let mut gateway = start(&layout, "gateway", &self.programs.join("gateway"), &[])?;
        let fs_said = fs.ready()?;
        progress("fs is ready");
        let said = gateway.ready()?;
        progress("gateway is ready");

        let listen = said.listen.clone().ok_or_else(|| Error::NotStarted {
            name: "gateway",
            reason: "it did not say where it listens".to_owned(),
        })?;
        let confined = |said: Said| said.status.unwrap_or_else(|| "unknown".to_owned());
        let facts = Facts {
            endpoint: format!("http://{listen}/mcp"),
            ws: format!("ws://{listen}/ws"),
            key: layout.key.clone(),
            root: layout.root.clone(),
            sockets: BTreeMap::from([("fs".to_owned(), socket)]),
            pids: [&fs, &gateway].map(|daemon| (daemon.name.to_owned(), daemon.pid())).into(),
            confinement: BTreeMap::from([
                ("fs".to_owned(), confined(fs_said)),
                ("gateway".to_owned(), confined(said)),
            ]),
        };
        let facts_file = layout.at(FACTS_FILE);
        let text = serde_json::to_vec_pretty(&facts).map_err(|e| Error::Write(e.to_string()))?;
        put(&facts_file, SECRET_MODE, &text)?;
        Ok(Running { facts, daemons: vec![gateway, fs], facts_file, _lock: lock })
    }
}

impl Running {
    /// What a program needs to know of this run.
    pub fn facts(&self) -> &Facts {
        &self.facts
    }

    /// A daemon that has ended by itself, if one has.
    pub fn ended(&mut self) -> Option<Ended> {
        self.daemons.iter_mut().find_map(|daemon| match daemon.ended() {
            Ok(Some(status)) => Some(Ended { name: daemon.name, status }),
            _ => None,
        })
    }

    /// Stops everything, the gateway first, so that no call is lost on its way.
    pub fn stop(mut self) -> Result<(), Error> {
        for daemon in &mut self.daemons {
            daemon.ask_to_stop();
            let name = daemon.name;
            daemon.wait().map_err(|error| Error::NotStarted { name, reason: error.to_string() })?;
        }
        Ok(())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Facts of a run that is over would mislead; if they cannot be removed, the next run replaces them.
        drop(fs::remove_file(&self.facts_file));
    }
}

fn start(
    layout: &Layout,
    name: &'static str,
    program: &Path,
    arguments: &[&Path],
) -> Result<Daemon, Error> {
    let config = layout.at(&format!("config/{name}.yaml"));
    let arguments = [arguments, &["--config".as_ref(), &config]].concat();
    let log = layout.at(&format!("log/{name}.log"));
    Daemon::start(name, program, &arguments, log, &layout.at(&format!("run/{name}.notify")))
}

/// Does what root does on the appliance: puts the cap file where the gateway looks, whole.
fn put_caps(program: &Path, path: &Path) -> Result<(), Error> {
    let printed = Command::new(program).arg("caps").output().map_err(Error::file(program))?;
    if !printed.status.success() {
        let reason = String::from_utf8_lossy(&printed.stderr).into_owned();
        return Err(Error::NotStarted { name: "fs", reason });
    }
    put(path, CAP_FILE_MODE, &printed.stdout)
}

fn check_length(path: &Path) -> Result<(), Error> {
    if path.as_os_str().len() > MAX_SOCKET_PATH_BYTES {
        return Err(Error::SocketPath { path: path.to_owned(), max: MAX_SOCKET_PATH_BYTES });
    }
    Ok(())
}
