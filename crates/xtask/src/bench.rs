//! `cargo xtask bench`: builds what is shipped, and measures it beside its baselines.

use std::ffi::OsString;

use anyhow::Result;
use clap::Subcommand;

use crate::cache::Cache;
use crate::up::{PRODUCT, turn_into};
use crate::workspace::Workspace;
use crate::{process, say};

/// What `cargo xtask bench` takes.
#[derive(clap::Args)]
pub(crate) struct BenchArgs {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// What the gateway adds, keeps and takes
    #[command(disable_help_flag = true)]
    Gateway(GatewayArgs),
}

#[derive(clap::Args)]
struct GatewayArgs {
    /// Measure the programs of the tests (`ci`), which are built sooner, in place of those that ship
    #[arg(long, default_value = "release", value_parser = ["release", "ci"])]
    profile: String,
    /// `--quick`, `--json FILE`; `--help` explains them
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "OPTIONS")]
    options: Vec<OsString>,
}

/// Builds, then becomes the program that measures.
pub(crate) fn run(args: BenchArgs) -> Result<()> {
    let What::Gateway(args) = args.what;
    let workspace = Workspace::load(&Cache::from_env()?)?;
    say::line("Building what is measured (a few minutes the first time)");
    process::run(workspace.cargo(PRODUCT).args(["--profile", &args.profile]))?;
    turn_into(&workspace, &args.profile, "bench", args.options)
}
