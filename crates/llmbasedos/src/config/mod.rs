//! `llmbasedos config`: what the configuration says, and where each value came from.

mod clients;
mod daemons;
mod names;
mod show;

use std::path::PathBuf;

use crate::command::Failure;
use crate::place::ConfigDir;

/// Show the configuration.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    Show(Show),
}

/// Show every setting with its value, and whether it is from the environment, a file or by default.
///
/// The environment is that of this command: run it where the daemons are started. A configuration that is wrong is refused
/// whole, with the place and the reason, and then nothing is shown of its program.
#[derive(Debug, clap::Args)]
#[command(after_help = "Exit codes: 0 every configuration is right; 1 one is refused.")]
struct Show {
    #[command(flatten)]
    place: ConfigDir,
    /// Write JSON
    #[arg(long)]
    json: bool,
    /// The folder of the daemons' programs. Default: that of this program, else that of the appliance.
    #[arg(long, value_name = "DIR", hide = true)]
    programs: Option<PathBuf>,
}

/// Runs the subcommand.
pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    match &arguments.command {
        Command::Show(arguments) => show::show(arguments),
    }
}
