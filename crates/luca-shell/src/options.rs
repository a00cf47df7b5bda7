//! The command line.

use clap::{Parser, ValueEnum};
use clap_complete::aot::{Bash, Fish, Generator, Zsh};
use mcp_client::Target;

/// What follows the options in `--help`.
const HELP: &str = "\
Without a command it reads commands: with an editor from a terminal, else one a line until one fails.

Exit codes:
  0  all was done
  1  a call failed
  2  a command or an option makes no sense
  3  no connection to the gateway

Environment:
  LLMBDO_GATEWAY_WS_URL            where to connect, as --url
  LLMBDO_GATEWAY_UNIX_SOCKET_PATH  the gateway's socket, if there is no URL
  LLMBASEDOS_KEY                   the client key, which a WebSocket needs
  LLMBASEDOS_CA_FILE               certificates (PEM) to trust for wss:// besides this machine's
  LLMBDO_SHELL_EDIT_MODE           emacs or vi
  LLMBDO_SHELL_LOG_LEVEL           error, warn, info, debug or trace; unset, nothing is logged
  LLMBDO_SHELL_LOG_FORMAT          json, simple or text
  NO_COLOR                         no colours

Where nothing is named it connects to /run/mcp/gateway.sock, or to what `cargo xtask up` started; by person.sock beside that
where it may open it, since only behind that door calls that wait can be answered (`approvals`).
The history is kept in ~/.llmbasedos_shell_history, but for lines that begin with a space or hold a key.";

/// The shell of llmbasedos: files and everything else that the appliance can do.
#[derive(Debug, Parser)]
#[command(name = "luca-shell", version, after_help = HELP)]
pub(crate) struct Options {
    /// The gateway: ws://HOST:PORT/ws, wss://HOST/ws or unix:/PATH
    #[arg(long, value_name = "URL")]
    pub(crate) url: Option<Target>,
    /// Run one command and end
    #[arg(short, long, value_name = "COMMAND")]
    pub(crate) command: Option<String>,
    /// Write results to standard output and errors to standard error as JSON, one a line
    #[arg(long)]
    pub(crate) json: bool,
    /// Go on after a command that failed, and end with the exit code of the first that did
    #[arg(long)]
    pub(crate) keep_going: bool,
    /// Edit as in vi instead of emacs
    #[arg(long)]
    pub(crate) vi: bool,
    /// Print the completions of this program for a shell of the host, and end
    #[arg(long, value_name = "SHELL")]
    pub(crate) completions: Option<HostShell>,
}

/// A shell whose users can have completions.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum HostShell {
    /// GNU Bash.
    Bash,
    /// Z shell.
    Zsh,
    /// fish.
    Fish,
}

impl HostShell {
    /// The completions of this program, to be read by that shell.
    pub(crate) fn completions(self) -> Vec<u8> {
        let mut out = Vec::new();
        match self {
            Self::Bash => write(Bash, &mut out),
            Self::Zsh => write(Zsh, &mut out),
            Self::Fish => write(Fish, &mut out),
        }
        out
    }
}

fn write(shell: impl Generator, out: &mut Vec<u8>) {
    let mut command = <Options as clap::CommandFactory>::command();
    clap_complete::generate(shell, &mut command, "luca-shell", out);
}
