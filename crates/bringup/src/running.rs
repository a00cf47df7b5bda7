//! The daemons of one run.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use crate::error::Error;
use crate::facts::Facts;
use crate::folder::{SECRET_MODE, claim, lock, put};
use crate::layout::{Layout, Plan};
use crate::notify::Said;
use crate::supervised::{Change, Recipe, Supervised};

/// The longest path of a UNIX socket (`sun_path` has 108 bytes, the last of them NUL).
const MAX_SOCKET_PATH_BYTES: usize = 107;
/// Cap files hold no secret, and the gateway refuses one that others can write.
const CAP_FILE_MODE: u32 = 0o644;
/// What `up` writes beside the daemons' files.
const FACTS_FILE: &str = "up.json";

/// The running daemons. Dropping this kills them.
pub struct Running {
    facts: Facts,
    /// The gateway first, so that it stops first and no call is lost on its way.
    daemons: Vec<Supervised>,
    facts_file: PathBuf,
    _lock: File,
}

impl Plan {
    /// Starts everything and waits until each daemon says that it is ready. `progress` is told what happens.
    pub fn start(&self, mut progress: impl FnMut(&str)) -> Result<Running, Error> {
        claim(&self.state)?;
        let lock = lock(&self.state)?;
        let layout = Layout::make(self)?;
        let (socket, local) = (layout.caps.join("fs.sock"), layout.at("run/gateway.sock"));
        // The longest socket of all is the one on which a daemon says how it is.
        check_length(&layout.at("run/gateway.notify"))?;
        check_length(&socket)?;

        progress("starting fs");
        let program = self.programs.join("cap-fs");
        put_caps(&program, &layout.caps.join("fs.cap.json"))?;
        let arguments = ["serve".into(), "--socket".into(), socket.clone()];
        let log_level = self.log_level;
        let fs_recipe = Recipe { log_level, ..recipe(&layout, "fs", program, &arguments) };
        let mut fs = fs_recipe.start()?;
        progress("starting gateway");
        let gateway_recipe = recipe(&layout, "gateway", self.programs.join("gateway"), &[]);
        let gateway_recipe = Recipe { log_level, ..gateway_recipe };
        let mut gateway = gateway_recipe.start()?;
        let fs_said = fs.ready()?;
        progress("fs is ready");
        let said = gateway.ready()?;
        progress("gateway is ready");

        let listen = said.listen.clone().ok_or_else(|| Error::NotStarted {
            name: "gateway",
            reason: "it did not say where it listens".to_owned(),
        })?;
        // Hosts know the port by now: should the gateway be started again, it takes the same.
        layout.listen_at(self, &listen)?;
        let facts = Facts {
            endpoint: format!("http://{listen}/mcp"),
            https: format!("https://{listen}/mcp"),
            ws: format!("ws://{listen}/ws"),
            key: layout.key.clone(),
            root: layout.root.clone(),
            sockets: [("fs", socket), ("gateway", local), ("person", layout.person_socket())]
                .map(|(name, path)| (name.to_owned(), path))
                .into(),
            pids: BTreeMap::new(),
            confinement: [("fs", fs_said), ("gateway", said)].map(confined).into(),
        };
        let facts_file = layout.at(FACTS_FILE);
        let daemons =
            vec![Supervised::new(gateway_recipe, gateway), Supervised::new(fs_recipe, fs)];
        let mut running = Running { facts, daemons, facts_file, _lock: lock };
        running.write_facts()?;
        Ok(running)
    }
}

impl Running {
    /// What a program needs to know of this run.
    pub fn facts(&self) -> &Facts {
        &self.facts
    }

    /// Looks for daemons that have ended by themselves, starts those again whose pause is over, and says what has changed.
    /// Call it whenever a child process has ended, and at [`Running::due`].
    pub fn tend(&mut self) -> Result<Vec<Change>, Error> {
        let mut changes = Vec::new();
        for daemon in &mut self.daemons {
            let name = daemon.name();
            let tended = daemon.tend();
            let tended =
                tended.map_err(|error| Error::NotStarted { name, reason: error.to_string() })?;
            if let Some((change, said)) = tended {
                changes.push(change);
                self.facts.confinement.extend(said.map(|said| confined((name, said))));
            }
        }
        if !changes.is_empty() {
            self.write_facts()?;
        }
        Ok(changes)
    }

    /// When to call [`Running::tend`] at the latest; `None`: not until a child process ends.
    pub fn due(&self) -> Option<Instant> {
        self.daemons.iter().filter_map(Supervised::due).min()
    }

    /// Stops everything, the gateway first, so that no call is lost on its way.
    pub fn stop(self) -> Result<(), Error> {
        self.stop_unless(|| false)
    }

    /// The same, but once `hurry` says so, what still runs is killed.
    pub fn stop_unless(mut self, mut hurry: impl FnMut() -> bool) -> Result<(), Error> {
        self.daemons.iter_mut().try_for_each(|daemon| daemon.stop(&mut hurry))
    }

    fn write_facts(&mut self) -> Result<(), Error> {
        let pids = self
            .daemons
            .iter()
            .filter_map(|daemon| Some((daemon.name().to_owned(), daemon.pid()?)));
        self.facts.pids = pids.collect();
        let text = serde_json::to_vec_pretty(&self.facts)
            .map_err(|e| Error::file(&self.facts_file)(e.into()))?;
        put(&self.facts_file, SECRET_MODE, &text)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Facts of a run that is over would mislead; if they cannot be removed, the next run replaces them.
        drop(fs::remove_file(&self.facts_file));
    }
}

fn confined((name, said): (&str, Said)) -> (String, String) {
    (name.to_owned(), said.status.unwrap_or_else(|| "unknown".to_owned()))
}

fn recipe(layout: &Layout, name: &'static str, program: PathBuf, arguments: &[PathBuf]) -> Recipe {
    let config = layout.at(&format!("config/{name}.yaml"));
    Recipe {
        name,
        program,
        arguments: [arguments, &["--config".into(), config]].concat(),
        log: layout.at(&format!("log/{name}.log")),
        notify: layout.at(&format!("run/{name}.notify")),
        log_level: None,
    }
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
