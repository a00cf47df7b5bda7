//! A capability server that stands for all that lies outside, registered with an appliance: `src/bin/outside-server/`.

use std::fs::{self, File};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};

use crate::appliance::{is_fresh, programs};
use crate::until;

/// How long its start may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// A running `outside-server`: mail, web, calendar, documents and more, whose texts the test writes, and a ledger of all that it
/// was made to send. Dropping it kills it; its cap file stays, as that of a daemon that died.
pub struct Outside {
    process: Child,
    folder: PathBuf,
}

/// What was sent: the tool, and the arguments that it was called with.
#[derive(Debug, Clone, PartialEq)]
pub struct Sent {
    /// The tool.
    pub tool: String,
    /// The arguments.
    pub arguments: Value,
}

impl Outside {
    /// Starts it with its socket and cap file in `run`, and its log in `log`. It may start before the gateway does.
    pub(crate) fn start(folder: PathBuf, run: &Path, log: &Path) -> Self {
        let program = programs().join("outside-server");
        assert!(
            is_fresh(&program),
            "`outside-server` is not built or stale: run `cargo build --profile ci --workspace --bins`"
        );
        fs::create_dir_all(folder.join("texts")).unwrap();
        let config = folder.join("config.yaml");
        fs::write(&config, json!({ "folder": folder }).to_string()).unwrap();
        let caps = Command::new(&program).arg("caps").output().unwrap();
        assert!(caps.status.success(), "{caps:?}");
        fs::write(run.join("outside.cap.json"), &caps.stdout).unwrap();
        let socket = run.join("outside.sock");
        let process = Command::new(&program)
            .args(["serve", "--parent", &std::process::id().to_string(), "--socket"])
            .arg(&socket)
            .arg("--config")
            .arg(&config)
            .stdin(Stdio::null())
            .stderr(File::create(log).unwrap())
            .spawn()
            .unwrap();
        let mut server = Self { process, folder };
        until("the outside server's socket", PATIENCE, || {
            let ended = server.process.try_wait().unwrap();
            let said = || fs::read_to_string(log).unwrap();
            assert!(ended.is_none(), "it ended with {ended:?}:\n{}", said());
            UnixStream::connect(&socket).ok()
        });
        server
    }

    /// Writes the text that its reading tools give for this id.
    pub fn text(&self, id: &str, text: &str) {
        fs::write(self.folder.join("texts").join(id), text).unwrap();
    }

    /// All that was sent so far.
    pub fn ledger(&self) -> Vec<Sent> {
        // Nobody has written where nothing was sent.
        let lines = fs::read_to_string(self.folder.join("ledger")).unwrap_or_default();
        let line = |line: &str| {
            let mut line: Value = serde_json::from_str(line).unwrap();
            let tool = line["tool"].as_str().unwrap().to_owned();
            Sent { tool, arguments: line["arguments"].take() }
        };
        lines.lines().map(line).collect()
    }
}

impl Drop for Outside {
    fn drop(&mut self) {
        // It may have ended already.
        self.process.kill().ok();
        self.process.wait().ok();
    }
}
