//! `cargo xtask campaign`: searches that find more the longer they run.

mod fuzz;
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
}

/// Runs a campaign. What it finds makes it fail.
pub(crate) fn run(args: &CampaignArgs) -> Result<()> {
    let cache = Cache::from_env()?;
    let workspace = Workspace::load(&cache)?;
    match &args.campaign {
        Campaign::Fuzz(args) => fuzz::run(args, &workspace, &cache),
    }
}
