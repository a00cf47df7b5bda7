//! `cargo xtask campaign coverage`: how much of the code that guards the rest is run by its crates' own tests (C27).
//!
//! What runs confined cannot write down what it ran, so that what only tests of the whole appliance reach is not counted.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use super::guarded::{AREAS, area_of, percent};
use crate::cache::Cache;
use crate::workspace::Workspace;
use crate::{process, say, tools};

/// The program, from crates.io, and its version.
const PROGRAM: (&str, &str) = ("cargo-llvm-cov", "0.9.1");

/// The part of the toolchain that reads what was counted. Where the toolchain is not rustup's, the program says itself what it
/// misses.
const READER: &str = "llvm-tools";

/// Of a hundred lines, as many must be run.
const GOAL: u64 = 90;

/// What the program writes.
#[derive(Deserialize)]
struct Export {
    data: Vec<Data>,
}

#[derive(Deserialize)]
struct Data {
    files: Vec<File>,
}

#[derive(Deserialize)]
struct File {
    filename: String,
    summary: Summary,
}

#[derive(Debug, Default, Clone, Copy, Deserialize)]
struct Summary {
    lines: Part,
    branches: Part,
}

#[derive(Debug, Default, Clone, Copy, Deserialize)]
struct Part {
    count: u64,
    covered: u64,
}

impl Part {
    fn and(self, other: Self) -> Self {
        Self { count: self.count + other.count, covered: self.covered + other.covered }
    }
}

/// Installs what is missing, runs, and closes with a table.
pub(super) fn run(workspace: &Workspace, cache: &Cache) -> Result<()> {
    let program = tools::cargo_program(workspace, cache, PROGRAM)?;
    if process::on_path("rustup").is_some() {
        process::run(workspace.command("rustup").args(["component", "add", READER]))?;
    }
    let mut run = workspace.command(program);
    run.args(["llvm-cov", "test", "--branch", "--json", "--summary-only", "--profile", "ci"]);
    for package in AREAS.iter().flat_map(|area| area.packages) {
        run.args(["--package", package]);
    }
    // The compiler counts branches only where it is told that it may do what is not stable. What ships is built without.
    run.env("RUSTC_BOOTSTRAP", "1");
    let json = process::capture(&mut run)?;
    let top = workspace.root.to_string_lossy();
    let files = read(&json, &format!("{top}/"))?;
    let areas = sums(&files);
    for line in render(&files, &areas) {
        say::line(line);
    }
    let short = areas.values().filter(|area| area.lines.covered * 100 < area.lines.count * GOAL);
    match short.count() {
        0 => Ok(()),
        count => bail!("{count} areas miss the goal"),
    }
}

/// The files of the areas, named from the top of the checkout.
fn read(json: &str, top: &str) -> Result<BTreeMap<String, Summary>> {
    let export: Export = serde_json::from_str(json).context("read what `cargo llvm-cov` says")?;
    let files = export.data.into_iter().flat_map(|data| data.files);
    let named = files.filter_map(|file| {
        let name = file.filename.strip_prefix(top)?.to_owned();
        area_of(&name).map(|_| (name, file.summary))
    });
    Ok(named.collect())
}

fn sums(files: &BTreeMap<String, Summary>) -> BTreeMap<&'static str, Summary> {
    let mut areas: BTreeMap<_, Summary> = BTreeMap::new();
    for (name, file) in files {
        let Some(area) = area_of(name) else { continue };
        let sum = areas.entry(area.name).or_default();
        *sum =
            Summary { lines: sum.lines.and(file.lines), branches: sum.branches.and(file.branches) };
    }
    areas
}

fn render(
    files: &BTreeMap<String, Summary>,
    areas: &BTreeMap<&'static str, Summary>,
) -> Vec<String> {
    let line = |name: &str, summary: &Summary| {
        let of = |part: Part| format!("{}/{}", part.covered, part.count);
        let share = |part: Part| percent(part.covered, part.count);
        let Summary { lines, branches } = *summary;
        format!(
            "{name:<44}{:>12}{:>10}{:>12}{:>10}",
            of(lines),
            share(lines),
            of(branches),
            share(branches)
        )
    };
    let mut table =
        vec![format!("{:<44}{:>12}{:>10}{:>12}{:>10}", "", "lines", "", "branches", "")];
    table.extend(files.iter().map(|(name, file)| line(name, file)));
    table.extend(areas.iter().map(|(name, area)| line(name, area)));
    table.push(format!("goal: {GOAL} % of the lines"));
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_areas_are_summed() {
        let file = |name: &str, covered: u64| {
            format!(
                r#"{{"filename":"/top/{name}","summary":{{"lines":{{"count":10,"covered":{covered}}},"branches":{{"count":0,"covered":0}}}}}}"#
            )
        };
        let files = [
            file("crates/audit/src/row.rs", 9),
            file("crates/store/src/open.rs", 10),
            file("crates/bench/src/main.rs", 0),
        ];
        let json = format!(r#"{{"data":[{{"files":[{}]}}]}}"#, files.join(","));
        let files = read(&json, "/top/").unwrap();
        let areas = sums(&files);
        assert_eq!((files.len(), areas["audit"].lines.covered), (2, 19));
        let table = render(&files, &areas);
        assert!(table[3].contains("95.0 %"), "{table:?}");
    }
}
