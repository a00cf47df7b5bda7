//! The command: starts everything, says how to use it, and waits for Ctrl-C.

use std::env;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use signal_hook::consts::{SIGCHLD, SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::layout::Plan;
use crate::running::Running;
use crate::snippets::snippets;

/// Prints a line. A terminal that has gone away is no reason to leave daemons running, as a panic would.
macro_rules! say {
    ($($text:tt)*) => { writeln!(io::stdout(), $($text)*).ok() };
}

/// The port that hosts expect.
const PORT: u16 = 8000;

/// Start llmbasedos on this machine, without root, on 127.0.0.1 only.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask up", bin_name = "cargo xtask up")]
struct Arguments {
    /// The folder for keys, configuration, sockets and logs; made if it is not there, closed to everybody else.
    /// Default: `llmbasedos` in your state directory (`$XDG_STATE_HOME`, else `~/.local/state`).
    #[arg(long, value_name = "DIR")]
    state: Option<PathBuf>,
    /// The folder to expose. Default: `files` in the state folder, with a few sample files.
    #[arg(long, value_name = "DIR")]
    root: Option<PathBuf>,
    /// The port; 0 takes a free one. Default: `LLMBDO_GATEWAY_WEB_PORT`, else 8000.
    #[arg(long, value_name = "N")]
    port: Option<u16>,
    /// The folder of the daemons' programs. Default: that of this program.
    #[arg(long, value_name = "DIR", hide = true)]
    programs: Option<PathBuf>,
}

/// Runs the command. Exit code 1: it could not start, or a daemon ended by itself.
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
    for signal in signals.forever() {
        if signal == SIGCHLD {
            if let Some(ended) = running.ended() {
                let log = plan.state.join(format!("log/{}.log", ended.name));
                let (name, status) = (ended.name, ended.status);
                running.stop()?;
                return Err(format!(
                    "`{name}` ended by itself ({status}), so everything was stopped; its log is `{}`",
                    log.display()
                )
                .into());
            }
            continue;
        }
        say!("\nStopping");
        running.stop()?;
        say!("Stopped");
        return Ok(());
    }
    Ok(())
}

fn plan(arguments: Arguments) -> Result<Plan, daemon::BoxError> {
    let programs = match arguments.programs {
        Some(programs) => programs,
        None => env::current_exe()?.parent().map(PathBuf::from).unwrap_or_default(),
    };
    let state = match arguments.state {
        Some(state) => state,
        None => default_state().ok_or("no `HOME`: name a state folder with `--state`")?,
    };
    Ok(Plan {
        state: std::path::absolute(state)?,
        root: arguments.root,
        port: match arguments.port {
            Some(port) => port,
            None => settings::env("LLMBDO_GATEWAY_WEB_PORT")?.unwrap_or(PORT),
        },
        programs,
        call_timeout_seconds: None,
    })
}

/// The user's state directory (XDG Base Directory Specification 0.8: a relative value is to be ignored).
fn default_state() -> Option<PathBuf> {
    let xdg = env::var_os("XDG_STATE_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
    let home = || Some(PathBuf::from(env::var_os("HOME")?).join(".local/state"));
    Some(xdg.or_else(home)?.join("llmbasedos"))
}

fn show(plan: &Plan, running: &Running) {
    let facts = running.facts();
    say!("\nllmbasedos is ready.\n");
    say!("  endpoint  {}", facts.endpoint);
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
