//! The command line of a capability server, and the order in which it starts.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use daemon::{BoxError, NotifyState};
use sandbox::{Confinement, LockError, Report};
use settings::{Count, SettingsError, Sources};
use telemetry::{LOG_FORMATS, LOG_LEVELS};

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
    /// Print every setting as JSON, with where it comes from.
    Config(Config),
}

#[derive(Debug, clap::Args)]
struct Config {
    /// The configuration file.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
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
        Command::Config(arguments) => print_config::<S>(arguments.config.as_deref()),
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

fn print_config<S: Server>(path: Option<&Path>) -> Result<(), BoxError> {
    let mut sources = Sources::new(path.unwrap_or(Path::new("")));
    S::tell(load::<S>(path)?, &mut sources)?;
    workers(S::NAME, &mut sources)?;
    // What `telemetry` reads for itself.
    let level = [own_variable(S::NAME, "LOG_LEVEL"), "LLMBDO_LOG_LEVEL".to_owned()];
    sources.word("log level", &level.each_ref().map(String::as_str), &LOG_LEVELS, "info")?;
    let format = [own_variable(S::NAME, "LOG_FORMAT"), "LLMBDO_LOG_FORMAT".to_owned()];
    sources.word("log format", &format.each_ref().map(String::as_str), &LOG_FORMATS, "text")?;
    let mut out = serde_json::to_vec(&sources.report(S::NAME))?;
    out.push(b'\n');
    std::io::stdout().write_all(&out)?;
    Ok(())
}

fn load<S: Server>(path: Option<&Path>) -> Result<S::Config, SettingsError> {
    match path {
        Some(path) => settings::load(path),
        None => settings::parse("the empty configuration (pass `--config`)", "{}"),
    }
}

/// Configuration, bind, open, sandbox, log threads, runtime: nothing that reads a client's bytes starts before
/// the process is locked down, and Landlock holds for threads that start after it.
fn run<S: Server>(arguments: &Serve) -> Result<(), BoxError> {
    arguments.daemon.apply()?;
    let config = load::<S>(arguments.config.as_deref())?;
    let workers = workers(S::NAME, &mut Sources::new(Path::new("")))?;
    let listener = listen(arguments.socket.as_deref())?;
    let server = S::open(config)?;
    let confinement =
        if arguments.daemon.unconfined { Confinement::Unconfined } else { Confinement::Required };
    let report = confine(&server, confinement)?;
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
        serve(listener, server, workers, stop).await.map_err(BoxError::from)
    });
    runtime.shutdown_timeout(DRAIN);
    outcome
}

/// Locks the calling process to what `server` needs, as [`main`] does before it serves; a probe of the sandbox calls
/// the same. For good, and before any thread is started: see [`sandbox::lock`](sandbox::lock()).
pub fn confine<S: Server>(server: &S, confinement: Confinement) -> Result<Report, LockError> {
    // For `sd_notify`, whose socket is UNIX.
    sandbox::lock(&server.needs().unix_connect(), confinement)
}

/// How many threads run handlers: `LLMBDO_<NAME>_WORKERS`, else `LLMBDO_DEFAULT_SERVER_WORKERS`, else
/// [`DEFAULT_WORKERS`].
fn workers(name: &str, sources: &mut Sources) -> Result<usize, SettingsError> {
    let variables = [&own_variable(name, "WORKERS"), "LLMBDO_DEFAULT_SERVER_WORKERS"];
    let default = Count::<MAX_WORKERS>::clamped(DEFAULT_WORKERS);
    Ok(sources.value("workers", &variables, None, default)?.get())
}

/// The variable of this server for a thing that every server has.
fn own_variable(server: &str, what: &str) -> String {
    format!("LLMBDO_{}_{what}", server.to_uppercase().replace('-', "_"))
}
