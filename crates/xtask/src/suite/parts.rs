//! The parts of the suite: what each runs, needs and may cost.
//!
//! Everything that compiles does so in the profile `ci` and for the whole workspace, so that the
//! parts share what they build: clippy and rustdoc share checked crates, all others built ones.

use std::process::Command;

use anyhow::{Result, bail};
use clap::ValueEnum;

use super::{Outcome, advisories};
use crate::cache::Cache;
use crate::campaign;
use crate::conformance;
use crate::nix;
use crate::process;
use crate::repro;
use crate::tidy;
use crate::tools;
use crate::units;
use crate::up::PRODUCT;
use crate::vm;
use crate::workspace::Workspace;

/// A part of the suite, in the order in which the parts run.
///
/// The tests come last, so that the closing lines of their runner are the last thing above the
/// table, whatever a doctest printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Part {
    Tools,
    Fmt,
    Tidy,
    Deny,
    Advisories,
    Clippy,
    Docs,
    Build,
    Doctests,
    Fuzz,
    Conformance,
    Units,
    Nix,
    Repro,
    Vm,
    Tests,
}

/// What a part may cost on 2 cores, in seconds.
pub(super) struct Budget {
    /// With a build cache and installed tools.
    pub(super) warm: u64,
    /// On a machine that has nothing.
    pub(super) cold: u64,
}

impl Part {
    /// The name on the command line and in the table.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Tools => "tools",
            Self::Fmt => "fmt",
            Self::Tidy => "tidy",
            Self::Deny => "deny",
            Self::Advisories => "advisories",
            Self::Clippy => "clippy",
            Self::Docs => "docs",
            Self::Build => "build",
            Self::Doctests => "doctests",
            Self::Fuzz => "fuzz",
            Self::Conformance => "conformance",
            Self::Units => "units",
            Self::Nix => "nix",
            Self::Repro => "repro",
            Self::Vm => "vm",
            Self::Tests => "tests",
        }
    }

    /// What it does, in a line.
    pub(super) fn about(self) -> &'static str {
        match self {
            Self::Tools => "installs what the tests need into the cache folder",
            Self::Fmt => "checks the formatting",
            Self::Tidy => "checks rules about the source that no compiler knows",
            Self::Deny => "checks licences, bans and sources of all dependencies",
            Self::Advisories => "checks known vulnerabilities, where their database can be had",
            Self::Clippy => "lints everything, warnings denied",
            Self::Docs => "builds the documentation, private items too, warnings denied",
            Self::Build => "builds the daemons and all tests",
            Self::Doctests => "runs the examples in the documentation",
            Self::Fuzz => "gives each parser 10 seconds of made-up bytes",
            Self::Conformance => "runs the official conformance suite of MCP",
            Self::Units => "asks systemd what it thinks of our units",
            Self::Nix => {
                "reads the Nix files, and tries the scripts that lock and build the medium"
            }
            Self::Repro => "builds a daemon and the file tree twice, and compares every byte",
            Self::Vm => "boots the appliance in an emulated machine, and tries it from outside",
            Self::Tests => "runs unit, integration and end-to-end tests",
        }
    }

    /// Other parts without which it has no chance.
    pub(super) fn needs(self) -> &'static [Self] {
        match self {
            Self::Deny | Self::Advisories | Self::Fuzz | Self::Nix => &[Self::Tools],
            Self::Doctests => &[Self::Build],
            Self::Conformance | Self::Units | Self::Repro | Self::Vm | Self::Tests => {
                &[Self::Tools, Self::Build]
            }
            _ => &[],
        }
    }

    /// Who may spend what: the sums stay within 30 minutes warm and 75 cold.
    pub(super) fn budget(self) -> Budget {
        let (warm, cold) = match self {
            Self::Fmt => (10, 10),
            // It is the first to need the sources of all dependencies.
            Self::Tidy => (10, 40),
            Self::Tools => (20, 180),
            Self::Deny => (20, 30),
            Self::Advisories => (70, 90),
            Self::Clippy => (80, 400),
            Self::Docs => (80, 250),
            Self::Build => (260, 900),
            Self::Doctests => (40, 180),
            Self::Fuzz => (170, 320),
            Self::Conformance => (20, 40),
            Self::Units => (30, 200),
            Self::Nix => (30, 30),
            Self::Repro => (60, 360),
            Self::Vm => (500, 700),
            Self::Tests => (400, 750),
        };
        Budget { warm, cold }
    }

    /// Runs it, its output streaming to ours.
    pub(super) fn run(self, workspace: &Workspace, cache: &Cache) -> Result<Outcome> {
        let mut command = match self {
            Self::Fuzz => {
                return campaign::short_fuzz(workspace, cache).map(|()| Outcome::Passed);
            }
            Self::Conformance => {
                return conformance::part(workspace, cache).map(|()| Outcome::Passed);
            }
            Self::Units => return units::part(workspace, cache).map(|()| Outcome::Passed),
            Self::Nix => {
                let whole = nix::part(workspace, cache)?;
                return Ok(if whole { Outcome::Passed } else { Outcome::Unavailable });
            }
            Self::Repro => return repro::part(workspace, cache).map(|()| Outcome::Passed),
            Self::Vm => return vm::part(workspace, cache).map(|()| Outcome::Passed),
            Self::Tools => return tools::install(workspace, cache).map(|()| Outcome::Passed),
            Self::Tidy => return tidy::run(workspace).map(|()| Outcome::Passed),
            Self::Advisories => return advisories::run(workspace, cache),
            Self::Fmt => workspace.cargo(["fmt", "--all", "--check"]),
            Self::Deny => {
                let mut deny = installed(workspace, cache, "cargo-deny")?;
                deny.args(["--config", advisories::CONFIG]);
                deny.args(["check", "--hide-inclusion-graph", "licenses", "bans", "sources"]);
                deny
            }
            Self::Clippy => {
                let mut clippy = workspace.cargo(["clippy", "--workspace", "--all-targets"]);
                clippy.args(["--profile", "ci", "--", "-D", "warnings"]);
                clippy
            }
            Self::Docs => {
                let mut doc = workspace.cargo(["doc", "--workspace", "--profile", "ci"]);
                doc.args(["--document-private-items", "--no-deps"]);
                doc.env("RUSTDOCFLAGS", "-D warnings");
                doc
            }
            // The end-to-end tests find the daemons beside themselves, and a test target alone
            // does not build the binaries of another crate. Naming the tests too makes Cargo
            // unify features as the runner will, so that nothing is built twice.
            Self::Build => {
                // Tests run `cargo xtask up` and would wait for its builds: xtask itself, which in CI is built here for
                // another folder than this one runs from, and the product, which is another choice of packages.
                process::run(&mut workspace.cargo(["build", "--package", "xtask"]))?;
                process::run(workspace.cargo(PRODUCT).args(["--profile", "ci"]))?;
                let mut build = workspace.cargo(["build", "--workspace", "--profile", "ci"]);
                build.args(["--lib", "--bins", "--tests", "--examples"]);
                build
            }
            Self::Doctests => workspace.cargo(["test", "--doc", "--workspace", "--profile", "ci"]),
            Self::Tests => {
                let mut nextest = installed(workspace, cache, "cargo-nextest")?;
                nextest.args(["nextest", "run", "--workspace"]);
                nextest.args(["--cargo-profile", "ci", "--profile", "ci"]);
                nextest
            }
        };
        process::run(&mut command).map(|()| Outcome::Passed)
    }
}

/// A program out of the tools folder, or the advice to install it.
pub(super) fn installed(workspace: &Workspace, cache: &Cache, name: &str) -> Result<Command> {
    let program = cache.tools().join("python/bin").join(name);
    if !program.is_file() {
        bail!("`{name}` is not installed: run `cargo xtask tools`");
    }
    Ok(workspace.command(program))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_budgets_add_up() {
        let sum = |cost: fn(Budget) -> u64| -> u64 {
            Part::value_variants().iter().map(|part| cost(part.budget())).sum()
        };
        assert!(sum(|budget| budget.warm) <= 30 * 60);
        assert!(sum(|budget| budget.cold) <= 75 * 60);
    }

    #[test]
    fn a_part_needs_only_earlier_ones() {
        let order = Part::value_variants();
        let place = |part: &Part| order.iter().position(|other| other == part);
        for part in order {
            assert!(part.needs().iter().all(|need| place(need) < place(part)), "{part:?}");
        }
    }

    #[test]
    fn nix_checks_each_part_or_says_why_not() {
        let text = include_str!("../../../../nix/checks.nix");
        let (head, checks) = text.split_once("\n{\n").unwrap();
        // The head has a line for each: the names, three blanks, the reason.
        let said: Vec<&str> = head
            .lines()
            .filter_map(|line| line.strip_prefix("# ")?.split_once("  "))
            .flat_map(|(names, _)| names.split(", "))
            .collect();
        for part in Part::value_variants() {
            let name = part.name();
            let checked = [format!("\n  {name} = "), format!("\n  inherit {name};")];
            let checked = checked.iter().any(|check| checks.contains(check));
            assert!(checked || said.contains(&name), "{name}");
        }
    }

    #[test]
    fn the_table_and_the_command_line_agree_on_names() {
        for part in Part::value_variants() {
            let value = part.to_possible_value().unwrap();
            assert_eq!(value.get_name(), part.name());
        }
    }
}
