//! The command line of the gateway, and the order in which it starts.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::Parser;
use daemon::{BoxError, NotifyState};
use listenfd::ListenFd;
use sandbox::{Confinement, Needs, Report};

use crate::clients::{Clients, ClientsFile};
use crate::config::Config;
use crate::http::{AllowedHosts, App, pages};
use crate::limits::{CALL, DRAIN};
use crate::mcp::Mcp;
use crate::registry::Registry;
use crate::request_id::RequestIds;
use crate::transport;

/// The gateway of llmbasedos: one way in for all MCP traffic.
#[derive(Debug, Parser)]
struct Arguments {
    /// The configuration file.
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    #[command(flatten)]
    daemon: daemon::Arguments,
}

/// Runs the gateway. Exit code 1 means that it could not start or serve, and standard error says why; 2 means that
/// the command line is wrong.
pub fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            daemon::complain("gateway", error.as_ref());
            ExitCode::FAILURE
        }
    }
}

/// Configuration, bind, open, sandbox, log threads, runtime: nothing that reads a client's bytes starts before the
/// process is locked down, and Landlock holds for threads that start after it.
fn run(arguments: &Arguments) -> Result<(), BoxError> {
    arguments.daemon.apply()?;
    let config: Config = settings::load(&arguments.config)?;
    let clients: ClientsFile = settings::load(&config.clients_file)?;
    let clients = Clients::try_from(clients)?;
    let (listener, address) = listen(config.listen)?;
    let registry = Registry::open(config.caps_dir.clone())
        .map_err(|error| format!("`{}`: {error}", config.caps_dir.display()))?;
    let confinement =
        if arguments.daemon.unconfined { Confinement::Unconfined } else { Confinement::Required };
    let needs = Needs::none().read(registry.handle()).tcp_accept().unix_connect();
    let report = sandbox::lock(&needs, confinement)?;
    let _telemetry = telemetry::init("gateway")?;
    daemon::log_panics();
    tracing::info!(confinement = %report, "locked down");

    let deadline = config.call_timeout_seconds.map_or(CALL, |s| Duration::from_secs(s.into()));
    let hosts = AllowedHosts::new(&config.allowed_hosts);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let served = runtime.block_on(async {
        let following = registry.follow()?;
        let mcp = Mcp::new(registry, RequestIds::new()?, deadline);
        let app = App { hosts, clients, mcp, confinement: report.clone() };
        serve(listener, address, app, following, &report).await
    });
    runtime.shutdown_timeout(DRAIN);
    served
}

async fn serve(
    listener: TcpListener,
    address: SocketAddr,
    app: App,
    following: impl Future<Output = ()> + Send + 'static,
    report: &Report,
) -> Result<(), BoxError> {
    let listener = tokio::net::TcpListener::from_std(listener)?;
    let stop = daemon::stop_signal()?;
    let following = tokio::spawn(following);
    // Whoever started it with port 0 learns the port from this; systemd passes it over.
    let listening = format!("X_LLMBASEDOS_LISTEN={address}");
    let status = report.to_string();
    daemon::notify(&[
        NotifyState::Ready,
        NotifyState::Status(&status),
        NotifyState::Custom(&listening),
    ]);
    tracing::info!(%address, "ready");
    transport::serve(listener, pages(Arc::new(app)), stop).await;
    following.abort();
    Ok(())
}

/// The socket that systemd passed, else one bound at `address`; and the address that it really has.
fn listen(address: SocketAddr) -> Result<(TcpListener, SocketAddr), BoxError> {
    let passed = ListenFd::from_env().take_tcp_listener(0)?;
    let listener = match passed {
        Some(listener) => listener,
        None => TcpListener::bind(address).map_err(|error| match error.kind() {
            io::ErrorKind::AddrInUse => {
                format!("{address} is in use: stop what listens there, or choose another port")
            }
            _ => format!("{address}: {error}"),
        })?,
    };
    listener.set_nonblocking(true)?;
    let address = listener.local_addr()?;
    Ok((listener, address))
}
