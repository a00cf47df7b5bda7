//! The command: starts everything, says how to use it, and waits for Ctrl-C.

use std::env;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Instant;

use clap::Parser;
use signal_hook::consts::{SIGCHLD, SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::choices::Choices;
use crate::layout::Plan;
use crate::running::Running;
use crate::snippets::snippets;
use crate::supervised::Change;

/// Prints a line. A terminal that has gone away is no reason to leave daemons running, as a panic would.
macro_rules! say {
    ($($text:tt)*) => { writeln!(io::stdout(), $($text)*).ok() };
}

/// The port that hosts expect.
const PORT: u16 = 8000;

/// Start llmbasedos on this machine, without root, on 127.0.0.1 if `LLMBDO_GATEWAY_HOST` does not say otherwise.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask up", bin_name = "cargo xtask up")]
struct Arguments {
    /// The folder for keys, configuration, sockets and logs; made if it is not there, closed to everybody else.
    /// Default: `llmbasedos` in your state directory (`$XDG_STATE_HOME`, else `~/.local/state`).
    #[arg(long, value_name = "DIR")]
    state: Option<PathBuf>,
    /// The folder to expose. Default: `LLMBDO_FS_VIRTUAL_ROOT`, `LLMBDO_FS_DATA_ROOT` or
    /// `LLMBDO_DEFAULT_VIRTUAL_ROOT`, else `files` in the state folder, with a few sample files.
    #[arg(long, value_name = "DIR")]
    root: Option<PathBuf>,
    /// The port; 0 takes a free one. Default: `LLMBDO_GATEWAY_WEB_PORT`, else 8000.
    #[arg(long, value_name = "N")]
    port: Option<u16>,
    /// The folder of the daemons' programs. Default: that of this program.
    #[arg(long, value_name = "DIR", hide = true)]
    programs: Option<PathBuf>,
}

/// Runs the command. Exit code 1: it could not start.
pub fn main() -> ExitCode {
    match run(Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            daemon::complain("error", error.as_ref());
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: Arguments) -> Result<(), daemon::BoxError> {
    // Before the first daemon starts, so that no signal finds us without a way to stop it.
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP, SIGCHLD])?;
    let plan = plan(arguments)?;
    let mut running = plan.start(|step| {
        say!("  {step}");
    })?;
    show(&plan, &running);
    let (sender, came) = mpsc::channel();
    thread::spawn(move || signals.forever().try_for_each(|signal| sender.send(signal)));
    loop {
        let signal = match running.due() {
            None => came.recv()?,
            Some(due) => match came.recv_timeout(due.saturating_duration_since(Instant::now())) {
                Ok(signal) => signal,
                Err(RecvTimeoutError::Timeout) => SIGCHLD,
                Err(error @ RecvTimeoutError::Disconnected) => return Err(error.into()),
            },
        };
        if signal == SIGCHLD {
            running.tend()?.iter().for_each(|change| tell(&plan, change));
            continue;
        }
        say!("\nStopping, once the calls that are under way have ended (Ctrl-C again: at once)");
        running.stop_unless(|| came.try_iter().any(|signal| signal != SIGCHLD))?;
        say!("Stopped");
        return Ok(());
    }
}

/// Says what has become of a daemon.
fn tell(plan: &Plan, change: &Change) {
    match change {
        Change::Ended { name, status, pause } => {
            let log = plan.state.join(format!("log/{name}.log"));
            let log = log.display();
            say!(
                "`{name}` ended by itself ({status}); it is started again in {pause:?}; its log is `{log}`"
            );
        }
        Change::Restarted { name } => {
            say!("`{name}` is ready again");
        }
        Change::NotRestarted { error, pause } => {
            say!("{error}\nIt is tried again in {pause:?}");
        }
    }
}

fn plan(arguments: Arguments) -> Result<Plan, daemon::BoxError> {
    let choices = Choices::from_env()?;
    let programs = match arguments.programs {
        Some(programs) => programs,
        None => env::current_exe()?.parent().map(PathBuf::from).unwrap_or_default(),
    };
    let state = match arguments.state {
        Some(state) => state,
        None => settings::state_folder().ok_or("no `HOME`: name a state folder with `--state`")?,
    };
    Ok(Plan {
        state: std::path::absolute(state)?,
        root: arguments.root.or_else(|| choices.root.clone()),
        port: arguments.port.or(choices.port).unwrap_or(PORT),
        programs,
        call_timeout_seconds: None,
        log_level: None,
        limits: licence::Limits::default(),
        choices,
    })
}

fn show(plan: &Plan, running: &Running) {
    let facts = running.facts();
    say!("\nllmbasedos is ready.\n");
    say!("  endpoint  {}", facts.endpoint);
    say!("  https     {}", facts.https);
    say!("  key       {}", facts.key);
    say!("  exposed   {}", facts.root.display());
    say!("  state     {}", plan.state.display());
    for (name, confinement) in &facts.confinement {
        say!("  {name:<9} {confinement}");
    }
    if plan.root.is_none() {
        say!("\nOnly that folder can be reached. To expose another: cargo xtask up --root DIR");
    }
    say!("\nWhoever has the key can read, change and delete what is exposed.");
    for (title, text) in snippets(facts) {
        say!("\n--- {title} ---\n{text}");
    }
    say!("\nCtrl-C stops everything.");
}
