//! The project's own commands: `cargo xtask <command>`.
//!
//! ```text
//! up           starts the appliance as plain processes of this user
//! shell        opens the shell of a running appliance
//! test         runs everything that CI runs, and closes with a table of who spent what
//! conformance  runs the official conformance suite of MCP against the appliance
//! dist         builds what ships: each program one file that needs no other
//! stage        puts the appliance's files where they belong, beneath a folder
//! profile      makes the staged profile, of which images are built
//! iso          builds the medium
//! vm           boots the appliance in an emulated machine
//! vm-test      tries it there
//! repro        builds twice, and compares every byte
//! nix-eval     evaluates every output of the flake
//! campaign     searches longer than CI does
//! tools        installs what the tests need into the cache folder
//! tidy         checks rules about the source that no compiler knows
//! ```
//!
//! This crate is the first thing that a new clone compiles, so it has few dependencies: it asks
//! `cargo metadata`, and drives other programs.

mod bench;
mod cache;
mod campaign;
mod conformance;
mod dist;
mod iso;
mod nix;
mod process;
mod profile;
mod repro;
mod say;
mod shell;
mod stage;
mod suite;
mod tidy;
mod tools;
mod units;
mod up;
mod vm;
mod wait;
mod workspace;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use cache::Cache;
use workspace::Workspace;

#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", about = "The project's own commands")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Start the appliance on this machine, without root
    #[command(disable_help_flag = true)]
    Up(up::UpArgs),
    /// Open the shell of a running appliance
    #[command(disable_help_flag = true)]
    Shell(shell::ShellArgs),
    /// Run everything that CI runs
    Test(suite::TestArgs),
    /// Run the official conformance suite of MCP against the appliance
    Conformance(conformance::ConformanceArgs),
    /// Measure, figure beside goal
    Bench(bench::BenchArgs),
    /// Build what ships, each program one file that needs no other, and check it
    Dist(dist::DistArgs),
    /// Put the appliance's files where they belong, beneath a folder
    Stage(stage::StageArgs),
    /// Make the staged profile, of which images are built
    Profile(profile::ProfileArgs),
    /// Build the medium that boots and installs the appliance
    Iso(iso::IsoArgs),
    /// Boot the appliance in an emulated machine, its console in this terminal
    Vm(vm::VmArgs),
    /// Try what people rely on in an emulated machine
    VmTest(vm::VmTestArgs),
    /// Build twice under other circumstances, and compare every byte
    Repro(repro::ReproArgs),
    /// Evaluate every output of the flake, with a stand-in for nixpkgs
    NixEval(nix::EvalArgs),
    /// Search longer than CI does
    Campaign(campaign::CampaignArgs),
    /// Install what the tests need into the cache folder
    Tools,
    /// Check rules about the source that no compiler knows
    Tidy,
}

fn main() -> ExitCode {
    match run(Cli::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say::error(&error);
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> anyhow::Result<()> {
    match command {
        Command::Up(args) => up::run(args),
        Command::Shell(args) => shell::run(args),
        Command::Test(args) => suite::run(&args),
        Command::Conformance(args) => conformance::run(&args),
        Command::Bench(args) => bench::run(args),
        Command::Dist(args) => dist::run(&args),
        Command::Stage(args) => stage::run(&args),
        Command::Profile(args) => profile::run(&args),
        Command::Iso(args) => iso::run(&args),
        Command::Vm(args) => vm::run(&args),
        Command::VmTest(args) => vm::test(&args),
        Command::Repro(args) => repro::run(&args),
        Command::NixEval(args) => nix::run(&args),
        Command::Campaign(args) => campaign::run(&args),
        Command::Tools => {
            let cache = Cache::from_env()?;
            tools::install(&Workspace::load(&cache)?, &cache)
        }
        Command::Tidy => tidy::run(&Workspace::load(&Cache::from_env()?)?),
    }
}
