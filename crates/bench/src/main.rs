//! What the gateway costs, figure beside goal: `cargo xtask bench gateway`.
//!
//! Everything is measured in one run against baselines that run beside it, every other repeat in the opposite order, since these
//! figures mean something only by comparison. The goals are those by which the project is held: P1 to P3, P11 and P13.
//! Authentication, the licence, policy, budgets and audit are on, and rates too, but that this licence sets none. The owner has
//! no rules, so that what decides are the policies that are made from licence, scopes and declarations.

mod figures;
mod link;
mod load;
mod measure;
mod memory;
mod message;
mod stage;

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use clap::Parser;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use serde_json::json;

use figures::Figure;
use measure::Extent;
use stage::Stage;

/// What is measured where figures are wanted: about two minutes.
const WHOLE: Extent =
    Extent { repeats: 5, calls: 4000, time: Duration::from_secs(2), starts: 20, rounds: 40 };
/// What is measured where only the measuring is tried.
const QUICK: Extent =
    Extent { repeats: 1, calls: 100, time: Duration::from_millis(200), starts: 1, rounds: 1 };

/// Measures the gateway of a folder of programs.
#[derive(Parser)]
#[command(name = "cargo xtask bench gateway")]
struct Arguments {
    /// Where the programs are; by default, where this one is
    #[arg(long, value_name = "DIR")]
    programs: Option<PathBuf>,
    /// Measure little, to see that it can be measured; the figures mean nothing then
    #[arg(long)]
    quick: bool,
    /// Write the figures to this file too, with the machine they are of
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Where nobody reads it, the status says so too.
            writeln!(io::stderr(), "error: {error:#}").ok();
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<()> {
    let own = std::env::current_exe()?;
    let programs = arguments.programs.as_deref().or(own.parent()).context("find the programs")?;
    let programs = std::path::absolute(programs)?;
    // A thousand clients are a thousand descriptors here too.
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit })?;
    let extent = if arguments.quick { QUICK } else { WHOLE };
    let mut stage = Stage::start(&programs)?;
    let figures = measure::all(&mut stage, extent)?;
    let mut out = io::stdout();
    writeln!(out, "{}", machine())?;
    write!(out, "{}", figures::table(&figures))?;
    if let Some(file) = &arguments.json {
        write_json(file, &figures)?;
    }
    let missed: Vec<&str> = figures
        .iter()
        .filter(|figure| figure.misses_its_floor())
        .map(|figure| figure.what.as_str())
        .collect();
    if !missed.is_empty() && !arguments.quick {
        bail!("a floor is missed in every repeat: {}", missed.join("; "));
    }
    Ok(())
}

fn write_json(file: &Path, figures: &[Figure]) -> Result<()> {
    let version = env!("CARGO_PKG_VERSION");
    let all = json!({ "machine": machine(), "version": version, "figures": figures });
    let text = serde_json::to_string_pretty(&all)?;
    fs::write(file, text).with_context(|| format!("write `{}`", file.display()))
}

/// The machine, in a line.
fn machine() -> String {
    let cores = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
    let text = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = text.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let model = model.map_or("unknown processor", |(_, model)| model);
    let kernel = rustix::system::uname();
    format!("{cores} cores, {model}, Linux {}", kernel.release().to_string_lossy())
}
