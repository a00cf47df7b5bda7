//! `cargo xtask campaign`: searches that find more the longer they run.

mod coverage;
mod fuzz;
mod guarded;
mod mutants;
mod report;

use anyhow::Result;

use crate::cache::Cache;
use crate::workspace::Workspace;

pub(crate) use fuzz::short as short_fuzz;

/// What `cargo xtask campaign` takes.
#[derive(clap::Args)]
pub(crate) struct CampaignArgs {
    #[command(subcommand)]
    campaign: Campaign,
}

#[derive(clap::Subcommand)]
enum Campaign {
    /// Give the parsers what libFuzzer makes up, guided by the code that it reaches
    Fuzz(fuzz::FuzzArgs),
    /// Change the code that guards the rest, one thing at a time, and look whether tests find it (an hour or more)
    Mutants(mutants::MutantsArgs),
    /// Count the lines and branches of that code that its tests run
    Coverage,
}

/// Runs a campaign. What it finds makes it fail.
pub(crate) fn run(args: &CampaignArgs) -> Result<()> {
    let cache = Cache::from_env()?;
    let workspace = Workspace::load(&cache)?;
    match &args.campaign {
        Campaign::Fuzz(args) => fuzz::run(args, &workspace, &cache),
        Campaign::Mutants(args) => mutants::run(args, &workspace, &cache),
        Campaign::Coverage => coverage::run(&workspace, &cache),
    }
}
