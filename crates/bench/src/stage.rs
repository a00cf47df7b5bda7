//! What is measured: the appliance as `cargo xtask up` starts it, a capability server that echoes, and
//! beside them bare axum, which echoes itself or passes the call on.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader};
use std::os::unix::net::{UnixDatagram, UnixStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use bringup::{Choices, Plan, Running};
use licence::Limits;
use tempfile::TempDir;

use crate::link::Link;

/// How long a program may take until it can be used.
const PATIENCE: Duration = Duration::from_secs(20);
/// How often it is looked whether it can.
const LOOK: Duration = Duration::from_millis(5);

/// Everything that runs. Dropping it ends it.
pub(crate) struct Stage {
    // The gateway stops before what it calls, and the folder goes last.
    running: Option<Running>,
    _server: Process,
    _axum: Process,
    pub(crate) axum_port: u16,
    _hop: Process,
    pub(crate) hop_port: u16,
    programs: PathBuf,
    folder: TempDir,
}

/// A process that ends with us.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended already.
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

impl Stage {
    /// Starts everything from the programs of one folder.
    pub(crate) fn start(programs: &Path) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("llmb").tempdir()?;
        let root = folder.path().join("root");
        fs::create_dir(&root)?;
        let plan = Plan {
            choices: Choices::default(),
            state: folder.path().join("state"),
            root: Some(root),
            port: 0,
            programs: programs.to_owned(),
            call_timeout_seconds: None,
            log_level: None,
            // What is measured is not how often one may.
            limits: Limits::NO_RATE,
        };
        let running = plan.start(|_| {}).context("start the appliance")?;
        let server = start_server(programs, &folder.path().join("state"))?;
        let (axum, axum_port) = start_baseline(&programs.join("bench-echo"), None)?;
        let socket = folder.path().join("state/run/bench.sock");
        let (hop, hop_port) = start_baseline(&programs.join("bench-hop"), Some(&socket))?;
        let (programs, running) = (programs.to_owned(), Some(running));
        let stage = Self {
            running,
            _server: server,
            _axum: axum,
            axum_port,
            _hop: hop,
            hop_port,
            programs,
            folder,
        };
        // The gateway sees the cap file a little later.
        let (port, key) = stage.gateway()?;
        let link = || Link::http(port, &key)?.call();
        wait("the gateway to know the server", || link().ok())?;
        Ok(stage)
    }

    /// The gateway's port, and a key.
    pub(crate) fn gateway(&self) -> Result<(u16, String)> {
        let facts = self.running.as_ref().context("the appliance has been stopped")?.facts();
        let port = facts.endpoint.trim_end_matches("/mcp").rsplit(':').next();
        let port = port.and_then(|port| port.parse().ok()).context("the endpoint has a port")?;
        Ok((port, facts.key.clone()))
    }

    /// The socket of the capability server.
    pub(crate) fn server(&self) -> PathBuf {
        self.state().join("run/bench.sock")
    }

    /// The gateway's process.
    pub(crate) fn gateway_pid(&self) -> Result<u32> {
        let running = self.running.as_ref().context("the appliance has been stopped")?;
        running.facts().pids.get("gateway").copied().context("the gateway has a process")
    }

    /// A file beside the state, on the same disk.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn state(&self) -> PathBuf {
        self.folder.path().join("state")
    }

    /// Stops the appliance, and gives how long each of its daemons takes from its start until it says that it is ready, in
    /// milliseconds, several times over.
    pub(crate) fn cold_starts(&mut self, times: usize) -> Result<[(&'static str, Vec<f64>); 2]> {
        if let Some(running) = self.running.take() {
            running.stop()?;
        }
        let config = |name: &str| self.state().join(format!("config/{name}.yaml"));
        let socket = self.state().join("run/fs.sock");
        let gateway = ["--config".into(), config("gateway")];
        let fs = ["serve".into(), "--socket".into(), socket, "--config".into(), config("fs")];
        let (mut gateways, mut file_servers) = (Vec::new(), Vec::new());
        for _ in 0..times {
            gateways.push(self.cold_start("gateway", &gateway)?);
            file_servers.push(self.cold_start("cap-fs", &fs)?);
        }
        Ok([("gateway", gateways), ("cap-fs", file_servers)])
    }

    fn cold_start(&self, program: &str, arguments: &[PathBuf]) -> Result<f64> {
        let path = self.folder.path().join("notify");
        let notify = UnixDatagram::bind(&path)?;
        notify.set_read_timeout(Some(PATIENCE))?;
        let mut command = Command::new(self.programs.join(program));
        command.args(arguments).env_clear().env("NOTIFY_SOCKET", &path);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let start = Instant::now();
        let _process = Process(command.spawn().with_context(|| format!("start `{program}`"))?);
        let mut said = [0; 4096];
        loop {
            let length = notify.recv(&mut said).with_context(|| format!("`{program}` is ready"))?;
            let said = String::from_utf8_lossy(said.get(..length).unwrap_or_default());
            if said.lines().any(|line| line == "READY=1") {
                break;
            }
        }
        let taken = start.elapsed();
        fs::remove_file(path)?;
        Ok(taken.as_secs_f64() * 1e3)
    }
}

fn start_server(programs: &Path, state: &Path) -> Result<Process> {
    let program = programs.join("bench-server");
    let socket = state.join("run/bench.sock");
    let process = Command::new(&program)
        .args(["serve", "--parent", &std::process::id().to_string(), "--socket"])
        .arg(&socket)
        .stdin(Stdio::null())
        .stderr(File::create(state.join("log/bench.log"))?)
        .spawn();
    let process = Process(process.with_context(|| format!("start `{}`", program.display()))?);
    wait("the server's socket", || UnixStream::connect(&socket).ok())?;
    let caps = Command::new(&program).arg("caps").output()?;
    ensure!(caps.status.success(), "the server wrote no cap file");
    // It appears whole, as on the appliance.
    let new = state.join("run/new");
    fs::write(&new, caps.stdout)?;
    fs::rename(new, state.join("run/bench.cap.json"))?;
    Ok(process)
}

/// Starts a baseline, and gives the port that it prints.
fn start_baseline(program: &Path, argument: Option<&Path>) -> Result<(Process, u16)> {
    let mut command = Command::new(program);
    let process = command.args(argument).stdin(Stdio::null()).stdout(Stdio::piped()).spawn();
    let mut process = Process(process.with_context(|| format!("start `{}`", program.display()))?);
    let output = process.0.stdout.take().context("its output is ours")?;
    let mut line = String::new();
    BufReader::new(output).read_line(&mut line)?;
    let port = line.trim().parse().context("a baseline prints its port")?;
    Ok((process, port))
}

#[expect(clippy::disallowed_methods, reason = "the pause between two looks")]
fn wait<T>(what: &str, mut found: impl FnMut() -> Option<T>) -> Result<T> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = found() {
            return Ok(found);
        }
        if Instant::now() > deadline {
            bail!("waited in vain for {what}");
        }
        thread::sleep(LOOK);
    }
}
