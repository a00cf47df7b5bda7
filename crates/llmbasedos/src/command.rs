//! The command line.

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::{approvals, audit, client, config, first_key, licence, mcp, policy, secret, tls};

/// The exit code for a command line that cannot be: the one that clap uses.
const USAGE: u8 = 2;

/// Administer an llmbasedos appliance, or connect a program to it.
#[derive(Debug, Parser)]
#[command(
    name = "llmbasedos",
    version,
    after_help = "Exit codes: 0 it did what was asked; 1 it could not; 2 it was asked in a wrong way."
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Approvals(approvals::Arguments),
    Audit(audit::Arguments),
    Client(client::Arguments),
    Config(config::Arguments),
    FirstKey(first_key::Arguments),
    Licence(licence::Arguments),
    Mcp(mcp::Arguments),
    Pair(client::Pair),
    Policy(policy::Arguments),
    Secret(secret::Arguments),
    Tls(tls::Arguments),
}

/// Why a subcommand did not do what was asked.
#[derive(Debug)]
pub(crate) enum Failure {
    /// It was asked in a wrong way.
    Usage(daemon::BoxError),
    /// It could not.
    Work(daemon::BoxError),
}

/// Runs the program.
pub fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Approvals(arguments) => approvals::run(&arguments),
        Command::Audit(arguments) => audit::run(&arguments),
        Command::Client(arguments) => client::run(&arguments),
        Command::Config(arguments) => config::run(&arguments),
        Command::FirstKey(arguments) => first_key::run(&arguments),
        Command::Licence(arguments) => licence::run(&arguments),
        Command::Pair(arguments) => client::pair(&arguments),
        Command::Policy(arguments) => policy::run(&arguments),
        Command::Mcp(arguments) => mcp::run(&arguments),
        Command::Tls(arguments) => tls::run(&arguments),
        Command::Secret(arguments) => secret::run(&arguments),
    };
    let (error, code) = match done {
        Ok(()) => return ExitCode::SUCCESS,
        Err(Failure::Usage(error)) => (error, ExitCode::from(USAGE)),
        Err(Failure::Work(error)) => (error, ExitCode::FAILURE),
    };
    daemon::complain("llmbasedos", error.as_ref());
    code
}
