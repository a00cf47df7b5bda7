//! `cargo xtask test`: everything that CI runs, part by part.

mod advisories;
mod parts;
mod table;

use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use clap::ValueEnum;

use crate::cache::Cache;
use crate::say;
use crate::workspace::Workspace;
use parts::Part;
use table::{Row, Warmth};

/// What `cargo xtask test` takes.
#[derive(clap::Args)]
pub(crate) struct TestArgs {
    /// Run this part alone; may be given more than once
    #[arg(long, value_enum, value_name = "PART")]
    only: Vec<Part>,
    /// Print the parts and what each does
    #[arg(long)]
    list: bool,
}

/// How a part ended.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Outcome {
    Passed,
    Failed,
    /// It would need something that cannot be had here. Fails nothing.
    Unavailable,
    /// It had no chance, because this other part failed.
    Skipped(Part),
}

/// Runs the chosen parts in their order, and closes with a table of them.
pub(crate) fn run(args: &TestArgs) -> Result<()> {
    if args.list {
        for part in Part::value_variants() {
            say::line(format_args!("{:<11} {}", part.name(), part.about()));
        }
        return Ok(());
    }
    let cache = Cache::from_env()?;
    let workspace = Workspace::load(&cache)?;
    let warmth = Warmth::of(&workspace.target);
    let mut rows: Vec<Row> = Vec::new();
    for part in Part::value_variants() {
        if args.only.is_empty() || args.only.contains(part) {
            let (outcome, time) = run_part(*part, &rows, &workspace, &cache);
            rows.push(Row { part: *part, outcome, time });
        }
    }
    say::heading("who spent what");
    for line in table::render(&rows, warmth) {
        say::line(line);
    }
    let broken: Vec<&str> = rows
        .iter()
        .filter(|row| matches!(row.outcome, Outcome::Failed | Outcome::Skipped(_)))
        .map(|row| row.part.name())
        .collect();
    if !broken.is_empty() {
        bail!("not passed: {}", broken.join(", "));
    }
    Ok(())
}

/// Runs one part, unless what it needs has failed.
fn run_part(
    part: Part,
    before: &[Row],
    workspace: &Workspace,
    cache: &Cache,
) -> (Outcome, Duration) {
    if let Some(cause) = blocker(part, before) {
        return (Outcome::Skipped(cause), Duration::ZERO);
    }
    say::heading(part.name());
    let start = Instant::now();
    let outcome = part.run(workspace, cache).unwrap_or_else(|error| {
        say::line(format_args!("{} failed: {error:#}", part.name()));
        Outcome::Failed
    });
    (outcome, start.elapsed())
}

/// The part that failed, or did not even run, and without which this one has no chance.
fn blocker(part: Part, before: &[Row]) -> Option<Part> {
    let mut needed = before.iter().filter(|row| part.needs().contains(&row.part));
    needed.find(|row| row.outcome != Outcome::Passed).map(|row| row.part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_skipped_for_what_it_needs_and_for_nothing_else() {
        let row = |part, outcome| Row { part, outcome, time: Duration::ZERO };
        let before = [row(Part::Tools, Outcome::Passed), row(Part::Clippy, Outcome::Failed)];
        assert_eq!(blocker(Part::Tests, &before), None);
        let before = [row(Part::Tools, Outcome::Passed), row(Part::Build, Outcome::Failed)];
        assert_eq!(blocker(Part::Tests, &before), Some(Part::Build));
        assert_eq!(blocker(Part::Deny, &before), None);
        assert_eq!(blocker(Part::Tests, &[]), None, "chosen alone, it is tried");
    }
}
