//! The command line.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Parser, Subcommand};

/// The abstract socket of the bystander, unless another is named.
const BYSTANDER: &str = "llmbasedos-bystander";

/// Tries from inside a daemon's sandbox what must be refused, and what the daemon needs.
#[derive(Debug, Parser)]
#[command(name = "acts")]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Try in the place of the gateway.
    Gateway(Options),
    /// Try in the place of the file server.
    Fs(Options),
    /// Stand by, outside of any sandbox, with an abstract socket, until a signal comes.
    Bystander {
        /// The name of the socket.
        #[arg(long, default_value = BYSTANDER)]
        name: String,
    },
    /// Print the number of the user whose rights this process has: what a set-user-id copy is asked.
    Identity,
}

/// What is tried, and on what.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Options {
    /// The daemon's configuration file.
    #[arg(long, value_name = "FILE")]
    pub(crate) config: PathBuf,
    /// The folder of cap files and sockets, where the configuration does not name it.
    #[arg(long, value_name = "DIR")]
    pub(crate) caps: Option<PathBuf>,
    /// Put on the sandbox that the daemon puts on itself, before each act.
    #[arg(long)]
    pub(crate) own_sandbox: bool,
    /// Expect every act to succeed: as root, without any sandbox.
    #[arg(long, conflicts_with = "own_sandbox")]
    pub(crate) control: bool,
    /// Expect this act to succeed, because the unit says that it needs it.
    #[arg(long, value_name = "NUMBER")]
    pub(crate) granted: Vec<u8>,
    /// Another user's file or folder, to be read (act 2).
    #[arg(long, value_name = "PATH")]
    pub(crate) home: Vec<PathBuf>,
    /// A file or folder of another daemon's state (act 8).
    #[arg(long, value_name = "PATH")]
    pub(crate) state: Vec<PathBuf>,
    /// Another daemon's credentials (act 9).
    #[arg(long, value_name = "PATH")]
    pub(crate) credentials: Vec<PathBuf>,
    /// A socket that is not for this daemon (act 10).
    #[arg(long, value_name = "PATH")]
    pub(crate) socket: Vec<PathBuf>,
    /// An address where somebody listens (act 34).
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8000")]
    pub(crate) tcp: Vec<SocketAddr>,
    /// The abstract socket of `acts bystander` (act 35).
    #[arg(long, value_name = "NAME", default_value = BYSTANDER)]
    pub(crate) abstract_socket: String,
    /// A copy of this program that belongs to root and is set-user-id (act 38).
    #[arg(long, value_name = "FILE")]
    pub(crate) setuid: Option<PathBuf>,
    /// Try this one and print what came of it: how the probe starts itself.
    #[arg(long, hide = true)]
    pub(crate) only: Option<String>,
}
