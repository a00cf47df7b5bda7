//! What every daemon does at its start and its end: arguments, sockets, signals, the supervisor.

mod bind;
mod memory;
mod watchdog;

use std::error::Error;
use std::io::{self, Write};

use rustix::process::{Pid, Signal, getppid, set_parent_process_death_signal};
pub use sd_notify::NotifyState;
use tokio::signal::unix::{SignalKind, signal};

pub use bind::bind_unix;
pub use watchdog::watchdog;

/// Any error, for what only an administrator will read.
pub type BoxError = Box<dyn Error + Send + Sync>;

/// Arguments that every daemon takes.
#[derive(Debug, Clone, Copy, clap::Args)]
pub struct Arguments {
    /// Start even where the kernel cannot confine this process; its status then says so.
    #[arg(long)]
    pub unconfined: bool,
    /// Stop when the process that started this one, which has this id, ends, however it ends.
    #[arg(long, value_name = "PID")]
    pub parent: Option<i32>,
}

impl Arguments {
    /// Does what must be done before anything else.
    pub fn apply(self) -> io::Result<()> {
        if let Some(parent) = self.parent {
            set_parent_process_death_signal(Some(Signal::TERM))?;
            // It may have ended before the line above; then another process has adopted us.
            if getppid() != Pid::from_raw(parent) {
                return Err(io::Error::other("the process that started this one has ended"));
            }
        }
        memory::no_core()?;
        // What a person starts by hand that person may look into: their files and keys are no secret to them, and it is
        // how a debugger, strace and the measurements of memory get at it.
        if self.parent.is_none() {
            memory::close()?;
        }
        Ok(())
    }
}

/// Logs where a thread panicked, and not with what words: those may hold what a client sent.
///
/// It is called once logging is there; the panic itself ends only the call that it happened in.
pub fn log_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string);
        tracing::error!(place, "a thread panicked");
    }));
}

/// Waits for the signal to stop (SIGTERM or SIGINT), and tells the supervisor when it has come.
///
/// It must be called within a runtime; from then on the signals no longer end the process.
pub fn stop_signal() -> io::Result<impl Future<Output = ()>> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    // A file that may not grow further is the affair of one write, which then sees an error; unhandled, the signal
    // would end the daemon. Once it is handled it stays so.
    drop(signal(SignalKind::from_raw(Signal::XFSZ.as_raw()))?);
    Ok(async move {
        tokio::select! { _ = terminate.recv() => {}, _ = interrupt.recv() => {} }
        notify(&[NotifyState::Stopping]);
        tracing::info!("stopping");
    })
}

/// The names of the sockets that systemd passed (`FileDescriptorName=` of their units), in the order in which it passed them;
/// none where it passed none.
pub fn passed_names() -> io::Result<Vec<String>> {
    // A process that was passed nothing may have inherited the names of what somebody else was.
    if sd_notify::listen_fds()?.len() == 0 {
        return Ok(Vec::new());
    }
    Ok(sd_notify::listen_fds_with_names()?.map(|(_, name)| name).collect())
}

/// Tells the supervisor, if there is one. A supervisor that cannot be told is no reason to stop serving.
pub fn notify(state: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(state) {
        tracing::warn!(%error, "the supervisor could not be told");
    }
}

/// Says on standard error why the daemon does not run, causes included, and tells the supervisor, whose
/// `systemctl status` then shows it to people who may not read the log. It works before there is a log.
pub fn complain(name: &str, error: &(dyn Error + 'static)) {
    let mut line = format!("{name}: {error}");
    let mut cause = error.source();
    while let Some(error) = cause {
        line = format!("{line}: {error}");
        cause = error.source();
    }
    // A status is one line, see sd_notify(3).
    let status = line.replace(['\n', '\r'], " ");
    notify(&[NotifyState::Status(&status)]);
    // Standard error may be closed; then nobody reads it.
    drop(writeln!(io::stderr(), "{line}"));
}
