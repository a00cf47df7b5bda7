//! The command line of a capability server, and the order in which it starts.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use daemon::{BoxError, NotifyState};
use sandbox::Confinement;

use crate::declare::cap_file;
use crate::limits::{DEFAULT_WORKERS, DRAIN, MAX_WORKERS};
use crate::listen::listen;
use crate::serve::serve;
use crate::tool::Server;

/// A capability server of llmbasedos.
#[derive(Debug, Parser)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Print the cap file, which the gateway needs in order to find the server's tools.
    Caps,
    /// Serve on the socket that systemd passes, or on the one named.
    Serve(Serve),
}

#[derive(Debug, clap::Args)]
struct Serve {
    /// The UNIX socket to bind, where systemd passes none.
    #[arg(long, value_name = "PATH")]
    socket: Option<PathBuf>,
    /// The configuration file.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(flatten)]
    daemon: daemon::Arguments,
}

/// Runs a capability server: the whole of its `main`. Exit code 1 means that it could not start or serve, and
/// standard error says why; 2 means that the command line is wrong.
pub fn main<S: Server>() -> ExitCode {
    let done = match Arguments::parse().command {
        Command::Caps => print_caps::<S>(),
        Command::Serve(arguments) => run::<S>(&arguments),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            daemon::complain(S::NAME, error.as_ref());
            ExitCode::FAILURE
        }
    }
}

fn print_caps<S: Server>() -> Result<(), BoxError> {
    let mut out = serde_json::to_vec_pretty(&cap_file::<S>()?)?;
    out.push(b'\n');
    std::io::stdout().write_all(&out)?;
    Ok(())
}

/// Configuration, bind, open, sandbox, log threads, runtime: nothing that reads a client's bytes starts before
/// the process is locked down, and Landlock holds for threads that start after it.
fn run<S: Server>(arguments: &Serve) -> Result<(), BoxError> {
    arguments.daemon.apply()?;
    let config = match &arguments.config {
        Some(path) => settings::load(path)?,
        None => settings::parse("the empty configuration (pass `--config`)", "{}")?,
    };
    let workers = workers(S::NAME)?;
    let listener = listen(arguments.socket.as_deref())?;
    let server = S::open(config)?;
    let confinement =
        if arguments.daemon.unconfined { Confinement::Unconfined } else { Confinement::Required };
    // For `sd_notify`, whose socket is UNIX.
    let report = sandbox::lock(&server.needs().unix_connect(), confinement)?;
    let _telemetry = telemetry::init(S::NAME)?;
    daemon::log_panics();
    tracing::info!(confinement = %report, "locked down");
    server.recover()?;

    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .max_blocking_threads(workers)
        .build()?;
    let outcome = runtime.block_on(async {
        let listener = tokio::net::UnixListener::from_std(listener)?;
        let stop = daemon::stop_signal()?;
        daemon::notify(&[NotifyState::Ready, NotifyState::Status(&report.to_string())]);
        tracing::info!("ready");
        serve(listener, server, stop).await.map_err(BoxError::from)
    });
    runtime.shutdown_timeout(DRAIN);
    outcome
}

/// How many threads run handlers: `LLMBDO_<NAME>_WORKERS`, else `LLMBDO_DEFAULT_SERVER_WORKERS`, else
/// [`DEFAULT_WORKERS`].
fn workers(name: &str) -> Result<usize, BoxError> {
    let own = format!("LLMBDO_{}_WORKERS", name.to_uppercase().replace('-', "_"));
    for variable in [own.as_str(), "LLMBDO_DEFAULT_SERVER_WORKERS"] {
        if let Some(workers) = settings::env::<usize>(variable)? {
            if (1..=MAX_WORKERS).contains(&workers) {
                return Ok(workers);
            }
            return Err(format!("`{variable}` must be from 1 to {MAX_WORKERS}").into());
        }
    }
    Ok(DEFAULT_WORKERS)
}
