//! `cargo xtask campaign mutants`: changes the code that guards the rest in small ways, one at a time, and looks whether its
//! crate's tests find each (C26).
//!
//! ```text
//! CACHE/mutants/target/             the build cache
//! CACHE/mutants/AREA/mutants.out/   what cargo-mutants has found; `missed.txt` are the survivors
//! ```

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use anyhow::{Context, Result, bail};

use super::guarded::{AREAS, Area, percent};
use crate::cache::Cache;
use crate::workspace::Workspace;
use crate::{process, say, tools};

/// The program, from crates.io, and its version.
const PROGRAM: (&str, &str) = ("cargo-mutants", "27.1.0");

/// Of a hundred that can be built, as many must be found.
const GOAL: u64 = 95;

/// How long a crate's tests may take with a mutant in it, in seconds; some go round for ever.
const TIMEOUT: &str = "120";

/// What makes no other program, so that no test can find it: a pattern of the mutant's line each.
const EQUIVALENT: [&str; 4] = [
    // Flags that are put together share no bit.
    r"replace \| with \^",
    // `O_RDONLY` is zero; what stays away is looked at before and after the opening too.
    r"vroot/src/(handle|list|tree)\.rs.*replace \| with & in .*(readable|readable_of|open)$",
    // A bound is a choice. The tests hold it by its name, so that it can be chosen anew.
    r"/limits\.rs:",
    // What serde would say where a visitor has a method for everything that comes.
    r"::expecting| expecting ",
];

/// What `cargo xtask campaign mutants` takes.
#[derive(clap::Args)]
pub(super) struct MutantsArgs {
    /// Change this area alone: framing, confinement, authentication, audit
    #[arg(long, value_name = "NAME")]
    area: Option<String>,
    /// Only every N-th mutant, beginning with the K-th (from 0): all take some hours
    #[arg(long, value_name = "K/N")]
    shard: Option<String>,
}

/// Installs what is missing, runs, and closes with a table.
pub(super) fn run(args: &MutantsArgs, workspace: &Workspace, cache: &Cache) -> Result<()> {
    let known = || AREAS.map(|area| area.name).join(", ");
    let chosen = |area: &&Area| args.area.as_ref().is_none_or(|name| name == area.name);
    let areas: Vec<&Area> = AREAS.iter().filter(chosen).collect();
    if areas.is_empty() {
        bail!("there is no such area: there are {}", known());
    }
    let program = tools::cargo_program(workspace, cache, PROGRAM)?;
    let mut counts = Vec::new();
    for area in areas {
        let folder = cache.mutants().join(area.name);
        fs::create_dir_all(&folder).with_context(|| format!("make `{}`", folder.display()))?;
        let mut mutants = workspace.command(&program);
        mutants.args(["mutants", "--cap-lints=true", "--no-shuffle", "--colors=never"]);
        mutants.args(["--profile=ci", "--timeout", TIMEOUT, "--output"]).arg(&folder);
        for folder in area.folders {
            mutants.args(["--file", &format!("{folder}**/*.rs")]);
        }
        mutants.args(EQUIVALENT.map(|pattern| format!("--exclude-re={pattern}")));
        // What measures time needs the machine for itself, which nextest gives and `cargo test` does not.
        mutants.args(["--", "--skip", "timing_"].map(|word| format!("--cargo-test-arg={word}")));
        if let Some(shard) = &args.shard {
            mutants.args(["--sharding", "round-robin", "--shard", shard]);
        }
        // The tree is copied, and what was built of it here fits the copy but for our own crates.
        mutants
            .env("CARGO_TARGET_DIR", cache.mutants().join("target"))
            .env("CARGO_INCREMENTAL", "1");
        // Survivors make it fail; the table tells them.
        let done = process::run(&mut mutants);
        let count = Count::read(&folder.join("mutants.out"))?;
        if count.all() == 0 {
            done?;
        }
        counts.push((area.name, count));
    }
    for line in render(&counts) {
        say::line(line);
    }
    let short: Vec<_> = counts.iter().filter(|(_, count)| !count.is_enough()).collect();
    for (name, count) in &short {
        say::line(format_args!("\n{name}: not found\n{}", count.missed.join("\n")));
    }
    if short.is_empty() { Ok(()) } else { bail!("{} areas miss the goal", short.len()) }
}

/// What became of an area's mutants.
#[derive(Debug, Default)]
struct Count {
    caught: u64,
    timed_out: u64,
    unviable: u64,
    missed: Vec<String>,
}

impl Count {
    fn read(folder: &Path) -> Result<Self> {
        let lines = |name: &str| -> Result<Vec<String>> {
            let path = folder.join(name);
            match fs::read_to_string(&path) {
                Ok(text) => Ok(text.lines().map(ToOwned::to_owned).collect()),
                Err(error) if error.kind() == ErrorKind::NotFound => Ok(Vec::new()),
                Err(error) => Err(error).with_context(|| format!("read `{}`", path.display())),
            }
        };
        let count = |name| Ok::<_, anyhow::Error>(lines(name)?.len() as u64);
        Ok(Self {
            caught: count("caught.txt")?,
            timed_out: count("timeout.txt")?,
            unviable: count("unviable.txt")?,
            missed: lines("missed.txt")?,
        })
    }

    fn all(&self) -> u64 {
        self.found() + self.unviable + self.missed.len() as u64
    }

    /// What goes round for ever is found, too.
    fn found(&self) -> u64 {
        self.caught + self.timed_out
    }

    fn viable(&self) -> u64 {
        self.found() + self.missed.len() as u64
    }

    fn is_enough(&self) -> bool {
        self.found() * 100 >= self.viable() * GOAL
    }
}

fn render(counts: &[(&str, Count)]) -> Vec<String> {
    let line = |name: &str, cells: [&str; 6]| {
        let [all, caught, timed_out, unviable, missed, share] = cells;
        format!("{name:<16}{all:>8}{caught:>8}{timed_out:>11}{unviable:>10}{missed:>8}{share:>10}")
    };
    let head = ["mutants", "caught", "timed out", "unviable", "missed", "found"];
    let mut lines = vec![line("area", head)];
    lines.extend(counts.iter().map(|(name, count)| {
        let missed = count.missed.len() as u64;
        let numbers = [count.all(), count.caught, count.timed_out, count.unviable, missed];
        let [all, caught, timed_out, unviable, missed] = &numbers.map(|it| it.to_string());
        let share = percent(count.found(), count.viable());
        line(name, [all, caught, timed_out, unviable, missed, &share])
    }));
    lines.push(format!("goal: {GOAL} % of those that can be built"));
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_counted() {
        let folder = tempfile::tempdir().unwrap();
        let put = |name: &str, lines: usize| {
            fs::write(folder.path().join(name), "a mutant\n".repeat(lines)).unwrap();
        };
        put("caught.txt", 18);
        put("timeout.txt", 1);
        put("missed.txt", 1);
        put("unviable.txt", 5);
        let count = Count::read(folder.path()).unwrap();
        assert!(count.is_enough());
        assert_eq!((count.all(), count.viable()), (25, 20));
        let lines = render(&[("framing", count)]);
        assert!(lines[1].ends_with("95.0 %"), "{lines:?}");
        put("missed.txt", 2);
        assert!(!Count::read(folder.path()).unwrap().is_enough());
        assert_eq!(Count::read(&folder.path().join("none")).unwrap().all(), 0);
    }
}
