//! `cargo xtask up`: builds the daemons and runs them as plain processes of this user.
//!
//! The running itself is the work of the crate `bringup`, which the tests use too; it is a program of its own so that
//! the other commands need not compile the product.

use std::ffi::OsString;
use std::os::unix::process::CommandExt;

use anyhow::{Context, Result};

use crate::cache::Cache;
use crate::process;
use crate::say;
use crate::workspace::Workspace;

/// What `cargo xtask up` takes.
#[derive(clap::Args)]
pub(crate) struct UpArgs {
    /// `--state DIR`, `--root DIR`, `--port N`; `--help` explains them
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "OPTIONS")]
    options: Vec<OsString>,
}

/// What `up`, `shell` and `bench` build: always the same, since other packages beside them would have Cargo build what
/// they share once more, with other features. For the same reason the workspace's manifest, and not a crate's, says which
/// features of a shared dependency are on, and `bench` is here: with it the tests need nothing that is built otherwise.
pub(crate) const PRODUCT: [&str; 14] = [
    "build",
    "--package",
    "bench",
    "--package",
    "bringup",
    "--package",
    "cap-fs",
    "--package",
    "gateway",
    "--package",
    "llmbasedos",
    "--package",
    "luca-shell",
    "--bins",
];

/// Builds, then becomes the program that runs everything, so that Ctrl-C and signals reach it as they are.
pub(crate) fn run(args: UpArgs) -> Result<()> {
    let workspace = Workspace::load(&Cache::from_env()?)?;
    say::line("Building the daemons (a few minutes the first time)");
    process::run(workspace.cargo(PRODUCT).args(["--profile", "ci"]))?;
    turn_into(&workspace, "ci", "bringup", args.options)
}

/// Becomes a program that has been built with this profile. It runs where the person is, so that a relative path means what they see.
pub(crate) fn turn_into(
    workspace: &Workspace,
    profile: &str,
    program: &str,
    options: Vec<OsString>,
) -> Result<()> {
    let program = workspace.target.join(profile).join(program);
    let error = workspace
        .command(&program)
        .current_dir(std::env::current_dir().context("find the current folder")?)
        .args(options)
        .exec();
    Err(error).with_context(|| format!("start `{}`", program.display()))
}
