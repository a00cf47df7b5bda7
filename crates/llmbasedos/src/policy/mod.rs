//! `llmbasedos policy`: what may be done, and by which rule.
//!
//! Nothing is asked of the gateway: the commands read the files that it reads, so that they tell what it would decide, whether it runs
//! or not.

mod check;
mod explain;
mod read;
mod schema;

use crate::command::Failure;
use crate::place::ConfigDir;

/// Check the rules of what may be done, and see which one decides.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    place: ConfigDir,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    Check(check::Arguments),
    Explain(explain::Arguments),
    Schema(schema::Arguments),
}

/// Runs the subcommand.
pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let place = arguments.place.place()?;
    let done = match &arguments.command {
        Command::Check(asked) => check::run(&place, asked),
        Command::Explain(asked) => explain::run(&place, asked),
        Command::Schema(asked) => schema::run(&place, asked),
    };
    done.map_err(Failure::Work)
}
