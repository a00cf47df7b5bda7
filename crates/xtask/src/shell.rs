//! `cargo xtask shell`: builds luca-shell and becomes it.

use std::ffi::OsString;

use anyhow::Result;

use crate::cache::Cache;
use crate::process;
use crate::up::{PRODUCT, turn_into};
use crate::workspace::Workspace;

/// What `cargo xtask shell` takes.
#[derive(clap::Args)]
pub(crate) struct ShellArgs {
    /// Options of luca-shell, such as `-c ls`; `--help` explains them
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "OPTIONS")]
    options: Vec<OsString>,
}

/// Builds, then becomes the shell, so that it has the terminal to itself.
pub(crate) fn run(args: ShellArgs) -> Result<()> {
    let workspace = Workspace::load(&Cache::from_env()?)?;
    process::run(workspace.cargo(PRODUCT).args(["--profile", "ci", "--quiet"]))?;
    turn_into(&workspace, "ci", "luca-shell", args.options)
}
