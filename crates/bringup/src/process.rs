//! One daemon: started, watched until it is ready, and stopped.

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::choices::is_taken;
use crate::error::Error;
use crate::notify::{NotifySocket, Said};
use crate::supervised::Recipe;

/// How long a daemon may take until it is ready; on a busy machine it takes a tenth of a second.
const READY: Duration = Duration::from_secs(30);
/// How long a daemon may take to stop: the gateway gives its calls 20 s to end.
const STOP: Duration = Duration::from_secs(25);
/// How often a daemon is looked at while it starts or stops.
const LOOK: Duration = Duration::from_millis(20);
/// How much of a log is shown when a daemon does not start.
const LOG_TAIL_BYTES: u64 = 2000;
/// What a daemon may see of our environment, besides what begins with `LLMBDO_` and was not taken by us.
const PASSED_ON: [&str; 3] = ["RUST_BACKTRACE", "TZ", "LANG"];

/// A running daemon. Dropping it kills it.
pub(crate) struct Daemon {
    name: &'static str,
    child: Child,
    log: PathBuf,
    notify: NotifySocket,
}

impl Daemon {
    /// Starts it, its output going to `output`.
    pub(crate) fn start(recipe: &Recipe, output: File) -> Result<Self, Error> {
        let Recipe { name, program, arguments, log, notify, log_level } = recipe;
        let (name, log) = (*name, log.clone());
        let errors = output.try_clone().map_err(Error::file(&log))?;
        let notify = NotifySocket::bind(notify).map_err(Error::file(notify))?;
        let own = std::env::vars_os().filter(|(name, _)| {
            name.to_str().is_some_and(|name| {
                name.starts_with("LLMBDO_") && !is_taken(name) || PASSED_ON.contains(&name)
            })
        });
        let child = Command::new(program)
            .args(arguments)
            .args(["--parent", &std::process::id().to_string()])
            .env_clear()
            .envs(own)
            .envs(log_level.map(|level| ("LLMBDO_LOG_LEVEL", level)))
            .env("NOTIFY_SOCKET", notify.path())
            .current_dir("/")
            // A group of its own, so that Ctrl-C reaches it through us, in order.
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(output)
            .stderr(errors)
            .spawn()
            .map_err(|error| Error::NotStarted {
                name,
                reason: format!("`{}`: {error}", program.display()),
            })?;
        Ok(Self { name, child, log, notify })
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Waits until the daemon says that it is ready, and gives what it said.
    pub(crate) fn ready(&mut self) -> Result<Said, Error> {
        let deadline = Instant::now() + READY;
        while Instant::now() < deadline {
            if self.child.try_wait().map_err(Error::file(&self.log))?.is_some() {
                return Err(self.not_started("it ended"));
            }
            if let Some(said) = self.notify.next(LOOK).map_err(Error::file(self.notify.path()))?
                && said.ready
            {
                return Ok(said);
            }
        }
        Err(self.not_started("it was not ready in time"))
    }

    /// Whether it has ended. What it has said in the meantime is taken, so that it need not wait to say more.
    pub(crate) fn ended(&mut self) -> io::Result<Option<ExitStatus>> {
        self.notify.forget()?;
        self.child.try_wait()
    }

    /// Asks it to stop.
    pub(crate) fn ask_to_stop(&self) {
        let pid = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        if let Some(pid) = pid {
            // It may have ended already, which is what we want.
            kill_process(pid, Signal::TERM).ok();
        }
    }

    /// Waits until it has stopped, and kills it if it does not, or once `hurry` says so.
    pub(crate) fn wait(&mut self, hurry: &mut impl FnMut() -> bool) -> io::Result<ExitStatus> {
        let deadline = Instant::now() + STOP;
        while Instant::now() < deadline && !hurry() {
            if let Some(status) = self.child.try_wait()? {
                return Ok(status);
            }
            // Its last words, or the end of our patience; either way we look again.
            drop(self.notify.next(LOOK));
        }
        self.child.kill()?;
        self.child.wait()
    }

    fn not_started(&self, what: &str) -> Error {
        let tail = tail(&self.log).unwrap_or_default();
        Error::NotStarted { name: self.name, reason: format!("{what}\n{tail}") }
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // Nothing is left running, whatever happened. It may have ended already.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn tail(log: &Path) -> io::Result<String> {
    let length = fs::metadata(log)?.len();
    let mut file = File::open(log)?;
    file.seek(SeekFrom::Start(length.saturating_sub(LOG_TAIL_BYTES)))?;
    let mut bytes = Vec::new();
    file.take(LOG_TAIL_BYTES).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
