//! `llmbasedos mcp`: the stdio bridge, for hosts that start a program (Claude Desktop).
//!
//! A line on standard input is a message for the gateway, and each of the gateway's messages is a line on standard
//! output (the stdio transport of MCP, all revisions). Nothing else is ever written there.

mod bridge;
mod lines;
mod pending;
mod writer;

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use mcp_client::{Key, Target, Trust};

use crate::command::Failure;

/// Where `cargo xtask up` and the appliance serve.
const DEFAULT_URL: &str = "http://127.0.0.1:8000/mcp";

/// The environment variable that holds the key.
const KEY_VARIABLE: &str = "LLMBASEDOS_KEY";

/// The environment variable that names a file of authorities whose certificates are trusted.
const CA_VARIABLE: &str = "LLMBASEDOS_CA_FILE";

/// Connect a host that starts a program, such as Claude Desktop, to a gateway.
///
/// Reads MCP messages from standard input and writes the gateway's to standard output, one a line; everything else goes
/// to standard error. It ends when standard input ends, once what was asked is answered. While the gateway is away every
/// request is answered with an error that says so, and when it is back the bridge goes on.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "The client key is read from the environment variable LLMBASEDOS_KEY, or from the file that --key-file \
                  names: a command line can be seen by everybody. The environment variable LLMBASEDOS_CA_FILE names the \
                  certificate of an appliance's own authority, which `llmbasedos tls show --ca-out FILE` writes there; \
                  SSL_CERT_FILE names those that are trusted in place of this machine's.\n\n\
                  Exit codes: 0 standard input ended, or SIGTERM came, and everything was answered; 1 it could not be; 2 the \
                  address or the key is wrong in form."
)]
pub(crate) struct Arguments {
    /// Where the gateway is: `http://HOST:PORT/mcp`, `https://…`, `ws://HOST:PORT/ws`, `wss://…` or `unix:/PATH`.
    #[arg(long, value_name = "URL", default_value = DEFAULT_URL)]
    url: String,
    /// A file that holds the client key and nothing else; it goes before LLMBASEDOS_KEY.
    #[arg(long, value_name = "FILE")]
    key_file: Option<PathBuf>,
}

/// Runs the bridge to its end.
pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    // Not by clap's parser: its message would repeat the address, in which somebody may have put a key.
    let target: Target = arguments.url.parse().map_err(|error| {
        Failure::Usage(format!("--url: {}", error as mcp_client::TargetError).into())
    })?;
    let key = key(arguments.key_file.as_deref()).map_err(Failure::Usage)?;
    let trust = trust().map_err(Failure::Usage)?;
    let log = telemetry::init("llmbasedos").map_err(|error| Failure::Usage(error.into()))?;
    if key.is_none() && !matches!(target, Target::Unix(_)) {
        tracing::warn!("there is no key: set {KEY_VARIABLE} or name a file with --key-file");
    }
    // One thread does all of it: a bridge waits, it does not compute.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failure::Work(error.into()))?;
    let done = runtime.block_on(bridge::run(target, key, trust)).map_err(Failure::Work);
    // A read of standard input cannot be called off; it must not keep the program from ending.
    runtime.shutdown_background();
    drop(log);
    done
}

/// The authorities that are trusted besides those of this machine.
fn trust() -> Result<Trust, daemon::BoxError> {
    let file: Option<PathBuf> = settings::env(CA_VARIABLE)?;
    let trust = file.map(|file| Trust::with_file(&file)).transpose();
    Ok(trust.map_err(|error| format!("{CA_VARIABLE}: {error}"))?.unwrap_or_default())
}

/// The key of the file, else that of the environment.
fn key(file: Option<&Path>) -> Result<Option<Key>, daemon::BoxError> {
    let Some(file) = file else { return Ok(settings::env(KEY_VARIABLE)?) };
    let read = || {
        let mut text = String::new();
        // A few more than a key may have, so that one that is too long is told so.
        let most = mcp_client::limits::MAX_KEY_CHARS as u64 + 16;
        File::open(file)?.take(most).read_to_string(&mut text).map(|_| text)
    };
    let text = read().map_err(|error| format!("--key-file `{}`: {error}", file.display()))?;
    let key =
        Key::new(text).map_err(|error| format!("--key-file `{}`: {error}", file.display()))?;
    Ok(Some(key))
}
