//! How long the daemons take to start, on this machine and not in the emulated one, which is many times slower.

use std::fs;
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use serde_json::json;

use super::gates::Gate;

/// How often each is started; the middle one counts.
const TIMES: usize = 9;
/// How long one may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// A process that ends with us.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended already.
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

/// P13: from its execution until a daemon says that it is ready, for the programs of this folder.
pub(crate) fn measure(programs: &Path) -> Result<Vec<Gate>> {
    let folder = tempfile::Builder::new().prefix("llmb").tempdir()?;
    let at = |name: &str| folder.path().join(name);
    for inner in ["caps", "root", "state"] {
        fs::create_dir(at(inner))?;
    }
    let clients = json!({ "clients": [] });
    fs::write(at("clients.yaml"), clients.to_string())?;
    let gateway = json!({
        "listen": "127.0.0.1:0",
        "caps_dir": at("caps"),
        "clients_file": at("clients.yaml"),
        "state_dir": at("gateway"),
    });
    fs::write(at("gateway.yaml"), gateway.to_string())?;
    let fs = json!({ "root": at("root"), "state": at("state") });
    fs::write(at("fs.yaml"), fs.to_string())?;

    let start = |name: &str, arguments: &[&str]| {
        let mut command = Command::new(programs.join(name));
        command.args(arguments).arg("--config").arg(at(arguments_file(name)));
        if name == "cap-fs" {
            command.arg("--socket").arg(at("fs.sock"));
        }
        command
    };
    let mut gates = Vec::new();
    for (name, arguments) in [("gateway", &[][..]), ("cap-fs", &["serve"][..])] {
        let mut times = Vec::new();
        for _ in 0..TIMES {
            times.push(once(&mut start(name, arguments), &at("notify"))?);
        }
        times.sort_by(f64::total_cmp);
        let figure = times.get(TIMES / 2).copied().context("a time")?;
        let what = format!("{name}, from its execution until it is ready");
        gates.push(Gate { goal: "P13", what, unit: "ms", figure, floor: 50.0, target: 15.0 });
    }
    Ok(gates)
}

fn arguments_file(name: &str) -> &'static str {
    if name == "gateway" { "gateway.yaml" } else { "fs.yaml" }
}

/// One start, in milliseconds.
fn once(command: &mut Command, path: &Path) -> Result<f64> {
    let notify = UnixDatagram::bind(path)?;
    notify.set_read_timeout(Some(PATIENCE))?;
    command.env_clear().env("NOTIFY_SOCKET", path);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let start = Instant::now();
    let running = Running(command.spawn().context("start a daemon")?);
    let mut said = [0; 4096];
    loop {
        let length = notify.recv(&mut said).context("a daemon does not become ready")?;
        let said = String::from_utf8_lossy(said.get(..length).unwrap_or_default());
        if said.lines().any(|line| line == "READY=1") {
            break;
        }
    }
    let taken = start.elapsed().as_secs_f64() * 1e3;
    drop(running);
    fs::remove_file(path)?;
    Ok(taken)
}
