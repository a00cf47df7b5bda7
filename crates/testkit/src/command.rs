//! `cargo xtask up`, as a person runs it.

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use bringup::Facts;

use crate::tools::checkout;
use crate::wait::until;

/// How long the command may take to build what has changed and to start.
const PATIENCE: Duration = Duration::from_mins(4);

/// A command that runs in a terminal of its own, as far as signals go.
pub struct Up {
    child: Child,
    printed: Arc<Mutex<String>>,
    state: PathBuf,
}

impl Up {
    /// Runs a command line, word by word, at the top of the checkout, with a home folder of its own and a free port.
    ///
    /// The state folder is where the command puts it by itself: in the state directory of the user.
    pub fn run(words: &[&str], home: &Path) -> Self {
        let (program, arguments) = words.split_first().expect("a command");
        let state_home = home.join("state-home");
        let child = Command::new(program)
            .args(arguments)
            .current_dir(checkout())
            .env("XDG_STATE_HOME", &state_home)
            .env("LLMBDO_GATEWAY_WEB_PORT", "0")
            // Not what nextest sets for itself: a person has none of it.
            .env_remove("CARGO_MANIFEST_DIR")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .spawn()
            .unwrap_or_else(|error| panic!("`{program}`: {error}"));
        let mut up = Self { child, printed: Arc::default(), state: state_home.join("llmbasedos") };
        let (out, err) = (up.child.stdout.take().unwrap(), up.child.stderr.take().unwrap());
        up.follow(out);
        up.follow(err);
        up
    }

    fn follow(&self, stream: impl std::io::Read + Send + 'static) {
        let printed = self.printed.clone();
        thread::spawn(move || {
            for line in BufReader::new(stream).lines().map_while(Result::ok) {
                let mut printed = printed.lock().unwrap_or_else(PoisonError::into_inner);
                *printed += &line;
                *printed += "\n";
            }
        });
    }

    /// What it printed so far.
    pub fn printed(&self) -> String {
        self.printed.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The state folder.
    pub fn state(&self) -> &Path {
        &self.state
    }

    /// Waits until it says that it is ready, and gives the facts that it wrote.
    pub fn ready(&mut self) -> Facts {
        let facts = self.state.join("up.json");
        until("`up` to be ready", PATIENCE, || {
            let ended = self.child.try_wait().unwrap();
            assert!(ended.is_none(), "it ended: {}", self.printed());
            self.printed().contains("Ctrl-C stops everything").then_some(())
        });
        serde_json::from_slice(&fs::read(facts).unwrap()).unwrap()
    }

    /// Sends a signal to the command, or, as Ctrl-C in a terminal does, to its whole process group.
    pub fn signal(&self, signal: &str, group: bool) {
        let sign = if group { "-" } else { "" };
        let target = format!("{sign}{}", self.child.id());
        assert!(Command::new("kill").args([signal, "--", &target]).status().unwrap().success());
    }

    /// Waits until it has ended.
    pub fn ended(&mut self) -> ExitStatus {
        until("the end of `up`", PATIENCE, || self.child.try_wait().unwrap())
    }
}

impl Drop for Up {
    fn drop(&mut self) {
        // A test that failed must not leave it running.
        if matches!(self.child.try_wait(), Ok(None)) {
            self.signal("-INT", true);
            self.child.wait().ok();
        }
    }
}
