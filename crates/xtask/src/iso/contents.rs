//! What is in a medium, by size.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};

use super::{Build, Made, Packages, STANDIN};
use crate::process;
use crate::say;

/// The largest that a medium without a model may be, and what it should be (P27), in bytes.
const FLOOR: u64 = 450_000_000;
const TARGET: u64 = 250_000_000;
/// How many of the largest things are named.
const NAMED: usize = 15;
/// How deep into the root the sizes look: `usr/lib/modules` is a thing of its own, `usr/lib/x/y` is not.
const DEPTH: usize = 3;

/// Says where the medium is, how large, what it hashes to and what is in it.
pub(super) fn show(build: &Build<'_>, medium: &Path, made: &Made) -> Result<()> {
    let size = fs::metadata(medium)?.len();
    let sum = process::capture(Command::new("sha256sum").arg(medium))?;
    let sum = sum.split_whitespace().next().context("a hash")?;
    say::line(format!("\n{}\nsha256 {sum}", medium.display()));
    if build.packages == Packages::Debian {
        say::line(STANDIN);
    }
    let verdict = if size <= TARGET { "target met" } else { "target missed" };
    say::line(format!(
        "P27  size of the medium {:.0} MB, at most {:.0}, target {:.0}: {verdict}",
        megabytes(size),
        megabytes(FLOOR),
        megabytes(TARGET)
    ));
    say::line("\non the medium, as stored:");
    print(&sizes(&made.tree, DEPTH)?);
    say::line("\nin its root, before it is compressed:");
    print(&sizes(&made.root, DEPTH)?);
    ensure!(size <= FLOOR, "the medium is larger than it may be");
    Ok(())
}

fn print(sizes: &BTreeMap<String, u64>) {
    let mut sorted: Vec<_> = sizes.iter().collect();
    sorted.sort_by_key(|(_, size)| std::cmp::Reverse(**size));
    for (name, size) in sorted.iter().take(NAMED) {
        say::line(format!("{:>8.1} MB  {name}", megabytes(**size)));
    }
    let rest: u64 = sorted.iter().skip(NAMED).map(|(_, size)| **size).sum();
    say::line(format!("{:>8.1} MB  all else", megabytes(rest)));
}

/// Bytes by the first parts of their paths.
fn sizes(folder: &Path, depth: usize) -> Result<BTreeMap<String, u64>> {
    let mut sizes = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(&next)? {
            let entry = entry?;
            let metadata = entry.metadata()?;
            if metadata.is_dir() {
                folders.push(entry.path());
            } else if metadata.is_file() {
                let path = entry.path();
                let inner = path.strip_prefix(folder)?;
                let name: std::path::PathBuf = inner.components().take(depth).collect();
                *sizes.entry(name.to_string_lossy().into_owned()).or_default() += metadata.len();
            }
        }
    }
    Ok(sizes)
}

/// All bytes of the files beneath a folder.
pub(super) fn bytes(folder: &Path) -> Result<u64> {
    Ok(sizes(folder, 1)?.values().sum())
}

#[expect(clippy::cast_precision_loss, reason = "a size for people, to a tenth of a megabyte")]
fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}
