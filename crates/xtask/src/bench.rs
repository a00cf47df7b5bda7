//! `cargo xtask bench`: builds what is shipped, and measures it beside its baselines.

use std::ffi::OsString;

use anyhow::Result;
use clap::Subcommand;

use crate::cache::Cache;
use crate::up::{PRODUCT, turn_into};
use crate::workspace::Workspace;
use crate::{process, say, tools};

/// The servers and programs that ours is measured beside, and their versions: from npm, and from crates.io.
const REFERENCE: (&str, &str) = ("@modelcontextprotocol/server-filesystem", "2026.8.31");
const RUST: (&str, &str) = ("rust-mcp-filesystem", "0.4.5");
const FD: (&str, &str) = ("fd-find", "10.5.0");
const RG: (&str, &str) = ("ripgrep", "15.2.0");

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
    Gateway(Options),
    /// How quickly files are listed, read and found, beside programs of others, which are installed
    #[command(disable_help_flag = true)]
    Fs(Options),
}

#[derive(clap::Args)]
struct Options {
    /// Measure the programs of the tests (`ci`), which are built sooner, in place of those that ship
    #[arg(long, default_value = "release", value_parser = ["release", "ci"])]
    profile: String,
    /// `--quick`, `--json FILE`; `--help` explains them
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "OPTIONS")]
    options: Vec<OsString>,
}

/// Builds, then becomes the program that measures.
pub(crate) fn run(args: BenchArgs) -> Result<()> {
    let cache = Cache::from_env()?;
    let workspace = Workspace::load(&cache)?;
    let (what, options, peers) = match args.what {
        What::Gateway(options) => ("gateway", options, Vec::new()),
        What::Fs(options) => ("fs", options, peers(&workspace, &cache)?),
    };
    say::line("Building what is measured (a few minutes the first time)");
    process::run(workspace.cargo(PRODUCT).args(["--profile", &options.profile]))?;
    let words = [OsString::from(what)].into_iter().chain(peers).chain(options.options);
    turn_into(&workspace, &options.profile, "bench", words.collect())
}

/// Installs the peers of `fs`, and gives the options that name them.
fn peers(workspace: &Workspace, cache: &Cache) -> Result<Vec<OsString>> {
    let reference = tools::npm_package(workspace, cache, REFERENCE)?.join("dist/index.js");
    let node = tools::node(workspace, cache)?;
    let program = |program, binary: &str| {
        tools::cargo_program(workspace, cache, program).map(|path| path.with_file_name(binary))
    };
    let named = [
        ("--node", node),
        ("--reference", reference),
        ("--rust", program(RUST, RUST.0)?),
        ("--fd", program(FD, "fd")?),
        ("--rg", program(RG, "rg")?),
    ];
    Ok(named.into_iter().flat_map(|(name, path)| [name.into(), path.into_os_string()]).collect())
}
