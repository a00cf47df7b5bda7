//! `cargo xtask conformance`: the official conformance suite of MCP, against the appliance with a fixture behind it.
//!
//! ```text
//! crates/testkit/src/bin/conformance-server/              the fixture that the suite asks for
//! crates/testkit/src/bin/conformance.rs                   starts the appliance, the fixture, and a proxy with the key
//! crates/testkit/conformance/expected-failures.json       what fails, and why
//! TARGET/conformance/REVISION/                            what the suite left
//! ```
//!
//! What fails must be on the list of expected failures, and what is on the list must fail. The list has a format of its
//! own, since that of the suite takes no reasons and leaves out what is run but not scored.

mod expected;
mod report;
mod suite;

use anyhow::{Result, bail};

use crate::cache::Cache;
use crate::workspace::Workspace;
use crate::{process, say, tools};
use expected::Expected;
use suite::Suite;

/// The revisions that have a frozen set of required scenarios and that the appliance speaks.
const REVISIONS: [&str; 2] = ["2025-11-25", "2026-07-28"];

/// What `cargo xtask conformance` takes.
#[derive(Default, clap::Args)]
pub(crate) struct ConformanceArgs {
    /// Run what this revision requires; may be given more than once. By default, both are run
    #[arg(long, value_name = "REVISION", value_parser = REVISIONS)]
    requirements: Vec<String>,
    /// Run this scenario alone
    #[arg(long, value_name = "NAME")]
    scenario: Option<String>,
    /// Show what the suite prints
    #[arg(long)]
    verbose: bool,
}

/// Installs the suite, builds the programs, and runs it.
pub(crate) fn run(args: &ConformanceArgs) -> Result<()> {
    let cache = Cache::from_env()?;
    let workspace = Workspace::load(&cache)?;
    tools::install(&workspace, &cache)?;
    let mut build = workspace.cargo(["build", "--workspace", "--profile", "ci", "--bins"]);
    // Naming a test makes Cargo unify features as it does where tests are built, so that what they share is not built
    // once more.
    process::run(build.args(["--test", "conformance_fixture"]))?;
    measure(args, &workspace, &cache)
}

/// The part of `cargo xtask test`: all of it, with what is installed and built already.
pub(crate) fn part(workspace: &Workspace, cache: &Cache) -> Result<()> {
    measure(&ConformanceArgs::default(), workspace, cache)
}

fn measure(args: &ConformanceArgs, workspace: &Workspace, cache: &Cache) -> Result<()> {
    let expected = Expected::load(&workspace.root)?;
    let suite = Suite::start(workspace, cache, args.verbose)?;
    let mut problems = Vec::new();
    let mut met = Vec::new();
    for revision in REVISIONS {
        if !args.requirements.is_empty() && !args.requirements.iter().any(|own| own == revision) {
            continue;
        }
        let scenarios = suite.run(revision, args.scenario.as_deref())?;
        for line in report::render(revision, &scenarios, &expected) {
            say::line(line);
        }
        problems.extend(expected.judge(revision, &scenarios));
        met.extend(scenarios.into_iter().map(|scenario| (revision, scenario.name)));
    }
    if met.is_empty() {
        bail!("no such scenario is run for this revision");
    }
    if args.requirements.is_empty() && args.scenario.is_none() {
        problems.extend(expected.strangers(&met));
    }
    for problem in &problems {
        say::line(problem);
    }
    match problems.len() {
        0 => Ok(()),
        count => {
            bail!("{count} results are not as expected; all is in `{}`", suite.folder().display())
        }
    }
}
