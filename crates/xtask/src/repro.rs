//! `cargo xtask repro`: builds twice, where and when and by whom should not matter, and compares every byte.
//!
//! The second build has another folder, clock, time zone, locale, mask and number of processors. The whole takes the daemons as
//! they ship and the medium; `--quick`, which CI runs, one daemon and the staged profile.

mod circumstances;
mod compare;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, ensure};

use crate::cache::Cache;
use crate::vm::image::remove_tree;
use crate::vm::trees::Trees;
use crate::workspace::Workspace;
use crate::{dist, iso, process, say, stage};
use circumstances::{HERE, THERE};

/// The daemon of the quick comparison: the one that acts on people's files.
const DAEMON: &str = "cap-fs";

/// What `cargo xtask repro` takes.
#[derive(clap::Args)]
pub(crate) struct ReproArgs {
    /// One daemon and the file tree alone, as CI does
    #[arg(long)]
    quick: bool,
}

/// Runs the command.
pub(crate) fn run(args: &ReproArgs) -> Result<()> {
    let cache = Cache::from_env()?;
    let workspace = Workspace::load(&cache)?;
    if args.quick { part(&workspace, &cache) } else { whole(&workspace, &cache) }
}

/// The part of the suite.
pub(crate) fn part(workspace: &Workspace, cache: &Cache) -> Result<()> {
    compare::finds_differences()?;
    let folder = cache.repro();
    let mut made = Vec::new();
    for circumstances in [&HERE, &THERE] {
        let place = folder.join(circumstances.folder);
        let source = place.join("source");
        copy(workspace, &source)?;
        // What it depends on is built there once, and found there by the next run.
        let target = place.join("target");
        let mut build = dist::reproducible(workspace, &source, &target, DAEMON);
        process::run(&mut circumstances.of(&mut build, &place)?)?;
        let result = place.join("built");
        remove_tree(&result)?;
        let daemon = fs::read(dist::reproducible_folder(&target).join(DAEMON))?;
        // The tree is about files: each program is the same one in it.
        for program in &stage::PROGRAMS {
            stage::put(&daemon, &result.join("programs").join(program.name), stage::PROGRAM_MODE)?;
        }
        let mut profile = Command::new(std::env::current_exe()?);
        profile.args(["profile", "--source"]).arg(&source).arg("--programs");
        profile.arg(result.join("programs")).arg(result.join("profile"));
        process::run(&mut circumstances.of(&mut profile, &place)?)?;
        made.push(result);
    }
    compared(&made, "the daemon `cap-fs` and the staged profile")
}

/// The daemons as they ship, and the medium of stand-in packages.
fn whole(workspace: &Workspace, cache: &Cache) -> Result<()> {
    compare::finds_differences()?;
    let trees = Trees::ensure(cache)?;
    let epoch = iso::epoch(workspace)?.to_string();
    let folder = tempfile::Builder::new().prefix("llmb").tempdir_in("/var/tmp")?;
    let mut made = Vec::new();
    for circumstances in [&HERE, &THERE] {
        let place = folder.path().join(circumstances.folder);
        let (source, out) = (place.join("source"), place.join("made"));
        copy(workspace, &source)?;
        let mut cargo = workspace.cargo(["run", "--locked", "--quiet", "--package", "xtask", "--"]);
        cargo.current_dir(&source).args(["iso", "--assemble", "--packages", "debian", "--out"]);
        cargo.arg(&out).env("CARGO_TARGET_DIR", place.join("target"));
        cargo.env("SOURCE_DATE_EPOCH", &epoch);
        say::heading(format!("{}: {}", circumstances.folder, circumstances.about));
        process::run(&mut circumstances.of(&mut cargo, &place)?)?;
        // What is compared beside the medium: the programs, and the root before it is packed, which tells where it differs.
        let programs = out.join("programs");
        for program in &stage::PROGRAMS {
            let built = fs::read(dist::released(&place.join("target")).join(program.name))?;
            stage::put(&built, &programs.join(program.name), stage::PROGRAM_MODE)?;
        }
        for gone in ["cache", "packages", "pacman.conf", "pacstrap.conf"] {
            remove_tree(&out.join("work").join(gone))
                .or_else(|_| fs::remove_file(out.join("work").join(gone)))?;
        }
        made.push(out);
    }
    drop(trees);
    compared(&made, "the daemons and the medium")
}

/// Says that two folders are equal, or what differs in them, which is an error.
fn compared(made: &[PathBuf], what: &str) -> Result<()> {
    let [one, other] = made else { anyhow::bail!("two are compared") };
    let differences = compare::folders(one, other)?;
    for difference in &differences {
        say::line(difference);
    }
    ensure!(differences.is_empty(), "{} differ: {} files", what, differences.len());
    say::line(format!("{what}: {} files, equal to the byte", compare::count(one)?));
    Ok(())
}

/// Copies what belongs to the source, committed or not, over what is there.
fn copy(workspace: &Workspace, to: &Path) -> Result<()> {
    // What is no part of it any more must not be built.
    remove_tree(to)?;
    fs::create_dir_all(to)?;
    let mut copy = workspace.command("sh");
    copy.args(["-euc", COPY, "sh"]).arg(to);
    process::run(&mut copy)
}

/// Times are kept: what did not change is not built anew.
const COPY: &str = "git ls-files -z --cached --others --exclude-standard | \
    tar --null --files-from=- -cf - | tar -xf - -C \"$1\"";
