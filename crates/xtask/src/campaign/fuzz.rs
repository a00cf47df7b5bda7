//! `cargo xtask campaign fuzz`: the programs of the crate `fuzz`, built with the sanitizer and run.
//!
//! ```text
//! crates/fuzz/instrument      adds the flags of the sanitizer and of coverage to rustc
//! crates/fuzz/corpus/TARGET/  inputs to begin with, made by hand
//! CACHE/fuzz/TARGET/corpus/   inputs that reached something new, kept between runs
//! CACHE/fuzz/TARGET/found/    inputs that broke something
//! CACHE/fuzz/TARGET/log       what libFuzzer said in the last run
//! ```

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::SystemTime;

use anyhow::{Context, Result, bail};

use super::report::{self, Row};
use crate::cache::Cache;
use crate::workspace::Workspace;
use crate::{process, say};

/// How long each target runs where nothing else is said, in seconds: most of what a corpus of this size leads to
/// is reached by then.
const SECONDS: u32 = 600;

/// How long each target runs in CI, in seconds. The corpus is kept, so that short runs add up.
const SHORT_SECONDS: u32 = 10;

/// Freed memory is watched for a while; by default 256 MB of it, which would count for the limit below.
const ASAN_OPTIONS: &str = "detect_odr_violation=0:quarantine_size_mb=16";

/// What a target may use: a second for an input, where real ones take microseconds, and 256 MB, of which the
/// sanitizer and libFuzzer take about 100 for themselves.
const LIMITS: [&str; 2] = ["-timeout=1", "-rss_limit_mb=256"];

/// What `cargo xtask campaign fuzz` takes.
#[derive(clap::Args)]
pub(super) struct FuzzArgs {
    /// How long each target runs, in seconds
    #[arg(long, value_name = "N", default_value_t = SECONDS, value_parser = clap::value_parser!(u32).range(1..))]
    seconds: u32,
    /// Run this target alone
    #[arg(long, value_name = "NAME")]
    target: Option<String>,
    /// Give the target this one input, to see again what it does
    #[arg(long, value_name = "FILE", requires = "target")]
    input: Option<PathBuf>,
}

/// Builds and runs, and closes with a table.
pub(super) fn run(args: &FuzzArgs, workspace: &Workspace, cache: &Cache) -> Result<()> {
    let mut targets = targets(workspace)?;
    if let Some(chosen) = &args.target {
        let known = targets.join(", ");
        targets.retain(|target| target == chosen);
        if targets.is_empty() {
            bail!("no target `{chosen}`: there are {known}");
        }
    }
    let programs = build(workspace, &targets)?;
    if let (Some(input), [target]) = (&args.input, targets.as_slice()) {
        // It runs at the top of the checkout.
        let input = std::path::absolute(input)?;
        let mut program = program(workspace, &programs, target);
        return process::run(program.args(LIMITS).arg(input));
    }
    let mut rows = Vec::new();
    for target in &targets {
        say::line(format_args!("{target}: {} s", args.seconds));
        rows.push(fuzz(target, args.seconds, &programs, workspace, cache)?);
    }
    for line in report::render(&rows) {
        say::line(line);
    }
    let broken: Vec<&Row> = rows.iter().filter(|row| !row.found.is_empty()).collect();
    for row in &broken {
        say::line(format_args!("\n{} broke; the end of what it said:\n{}", row.target, row.tail));
        for input in &row.found {
            let again = format_args!("--target {} --input {}", row.target, input.display());
            say::line(format_args!("to see it again: cargo xtask campaign fuzz {again}"));
        }
    }
    match broken.as_slice() {
        [] => Ok(()),
        broken => bail!("{} of {} targets broke", broken.len(), rows.len()),
    }
}

/// The run of CI: every target, for a short time.
pub(crate) fn short(workspace: &Workspace, cache: &Cache) -> Result<()> {
    let args = FuzzArgs { seconds: SHORT_SECONDS, target: None, input: None };
    run(&args, workspace, cache)
}

/// The names of the targets: those of the crate's programs.
fn targets(workspace: &Workspace) -> Result<Vec<String>> {
    let folder = workspace.root.join("crates/fuzz/src/bin");
    let mut names = Vec::new();
    for entry in files(&folder)? {
        names.extend(entry.file_stem().map(|stem| stem.to_string_lossy().into_owned()));
    }
    names.sort();
    Ok(names)
}

/// Builds all targets, and gives the folder of the programs. The crates of the workspace are instrumented, under names
/// of their own; all others are the ones that every build uses.
fn build(workspace: &Workspace, targets: &[String]) -> Result<PathBuf> {
    let mut build = workspace.cargo(["build", "--workspace", "--profile", "ci"]);
    build.args(["--features", "fuzz/fuzz"]);
    for target in targets {
        build.args(["--bin", target]);
    }
    // Naming the workspace and a test makes Cargo unify features as it does where tests are built, so that the crates of
    // others are not built once more.
    build.args(["--test", "corpus"]);
    build.env("RUSTC_WORKSPACE_WRAPPER", workspace.root.join("crates/fuzz/instrument"));
    // Incremental builds split the code into many units, whose functions are not inlined into each other.
    build.env("CARGO_INCREMENTAL", "0");
    process::run(&mut build)?;
    Ok(workspace.target.join("ci"))
}

fn program(workspace: &Workspace, programs: &Path, target: &str) -> Command {
    let mut program = workspace.command(programs.join(target));
    program.env("ASAN_OPTIONS", ASAN_OPTIONS);
    program
}

/// Runs one target for so long, or until something breaks.
fn fuzz(
    target: &str,
    seconds: u32,
    programs: &Path,
    workspace: &Workspace,
    cache: &Cache,
) -> Result<Row> {
    let folder = cache.fuzz().join(target);
    let [corpus, found] = ["corpus", "found"].map(|name| folder.join(name));
    for folder in [&corpus, &found] {
        fs::create_dir_all(folder).with_context(|| format!("make `{}`", folder.display()))?;
    }
    let known = files(&corpus)?.len();
    let start = SystemTime::now();
    let log = folder.join("log");
    let output = File::create(&log).with_context(|| format!("write `{}`", log.display()))?;
    let status = program(workspace, programs, target)
        .arg(&corpus)
        .arg(workspace.root.join("crates/fuzz/corpus").join(target))
        // What broke it once is tried again every time.
        .arg(&found)
        .args(LIMITS)
        .arg(format!("-max_total_time={seconds}"))
        .arg(format!("-artifact_prefix={}/", found.display()))
        .arg("-print_final_stats=1")
        .stdin(std::process::Stdio::null())
        .stdout(output.try_clone()?)
        .stderr(output)
        .status()
        .with_context(|| format!("start `{target}`"))?;
    // What the program under test prints may be anything.
    let said = fs::read(&log).with_context(|| format!("read `{}`", log.display()))?;
    let mut row = Row::read(target, &String::from_utf8_lossy(&said));
    row.new_inputs = files(&corpus)?.len().saturating_sub(known);
    // One that was found before is written again, under the same name.
    let is_new = |file: &PathBuf| {
        fs::metadata(file).and_then(|found| found.modified()).is_ok_and(|at| at >= start)
    };
    row.found = files(&found)?.into_iter().filter(is_new).collect();
    if !status.success() && row.found.is_empty() {
        bail!("`{target}` ended with {status} and left no input; it said:\n{}", row.tail);
    }
    Ok(row)
}

/// The files of a folder.
fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let list = || fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect();
    let files: std::io::Result<_> = list();
    files.with_context(|| format!("list `{}`", folder.display()))
}
