//! A daemon that is started again when it ends by itself, as systemd does on the appliance.

use std::fs::OpenOptions;
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;
use std::process::ExitStatus;
use std::time::{Duration, Instant};

use crate::error::Error;
use crate::folder::SECRET_MODE;
use crate::notify::Said;
use crate::process::Daemon;

/// How long after its end a daemon is started again, the first time.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
/// The longest of these pauses; each is twice the one before, so that a daemon that cannot run does not keep the machine
/// busy.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// A daemon that has run for so long is in order again, and its next end is its first.
const STEADY: Duration = Duration::from_mins(1);

/// How a daemon is started, each time.
pub(crate) struct Recipe {
    pub(crate) name: &'static str,
    pub(crate) program: PathBuf,
    pub(crate) arguments: Vec<PathBuf>,
    pub(crate) log: PathBuf,
    pub(crate) notify: PathBuf,
    pub(crate) log_level: Option<&'static str>,
}

impl Recipe {
    /// Starts it with a new log.
    pub(crate) fn start(&self) -> Result<Daemon, Error> {
        self.start_with(OpenOptions::new().write(true).create(true).truncate(true))
    }

    fn start_with(&self, log: &mut OpenOptions) -> Result<Daemon, Error> {
        let output = log.mode(SECRET_MODE).open(&self.log).map_err(Error::file(&self.log))?;
        Daemon::start(self, output)
    }
}

/// A daemon and what to do when it ends.
pub(crate) struct Supervised {
    recipe: Recipe,
    /// `None` between its end and its next start.
    daemon: Option<Daemon>,
    started: Instant,
    pause: Duration,
    due: Option<Instant>,
}

/// What has become of a daemon.
#[derive(Debug)]
pub enum Change {
    /// It ended by itself, and is started again after this pause.
    Ended {
        /// Which.
        name: &'static str,
        /// How.
        status: ExitStatus,
        /// When it is started again.
        pause: Duration,
    },
    /// It runs again.
    Restarted {
        /// Which.
        name: &'static str,
    },
    /// It could not be started, and that is tried again after this pause.
    NotRestarted {
        /// Why.
        error: Error,
        /// When it is tried again.
        pause: Duration,
    },
}

impl Supervised {
    /// Takes a daemon that runs.
    pub(crate) fn new(recipe: Recipe, daemon: Daemon) -> Self {
        let started = Instant::now();
        Self { recipe, daemon: Some(daemon), started, pause: FIRST_PAUSE, due: None }
    }

    pub(crate) fn name(&self) -> &'static str {
        self.recipe.name
    }

    /// Its process, if it runs.
    pub(crate) fn pid(&self) -> Option<u32> {
        self.daemon.as_ref().map(Daemon::pid)
    }

    /// When it is to be looked at again, whatever happens until then.
    pub(crate) fn due(&self) -> Option<Instant> {
        self.due
    }

    /// Looks whether it has ended, and starts it again if that is due. The second value is what it said when it was ready.
    pub(crate) fn tend(&mut self) -> io::Result<Option<(Change, Option<Said>)>> {
        let name = self.recipe.name;
        if let Some(daemon) = &mut self.daemon {
            let Some(status) = daemon.ended()? else { return Ok(None) };
            self.daemon = None;
            if self.started.elapsed() >= STEADY {
                self.pause = FIRST_PAUSE;
            }
            let pause = self.wait();
            return Ok(Some((Change::Ended { name, status, pause }, None)));
        }
        if self.due.is_some_and(|due| due > Instant::now()) {
            return Ok(None);
        }
        // The log goes on, so that it can be read why the daemon ended.
        let started = self.recipe.start_with(OpenOptions::new().append(true).create(true));
        match started.and_then(|mut daemon| Ok((daemon.ready()?, daemon))) {
            Ok((said, daemon)) => {
                self.daemon = Some(daemon);
                self.started = Instant::now();
                self.due = None;
                Ok(Some((Change::Restarted { name }, Some(said))))
            }
            Err(error) => {
                let pause = self.wait();
                Ok(Some((Change::NotRestarted { error, pause }, None)))
            }
        }
    }

    /// Asks it to stop and waits for that; it is killed if it does not, or once `hurry` says so.
    pub(crate) fn stop(&mut self, hurry: &mut impl FnMut() -> bool) -> Result<(), Error> {
        let Some(daemon) = &mut self.daemon else { return Ok(()) };
        daemon.ask_to_stop();
        let name = self.recipe.name;
        let ended = daemon.wait(hurry);
        ended.map_err(|error| Error::NotStarted { name, reason: error.to_string() })?;
        Ok(())
    }

    /// Sets when it is started next, and gives the pause until then.
    fn wait(&mut self) -> Duration {
        let pause = self.pause;
        self.due = Some(Instant::now() + pause);
        self.pause = (pause * 2).min(LONGEST_PAUSE);
        pause
    }
}
