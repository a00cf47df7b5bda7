//! What the appliance costs, figure beside goal: `cargo xtask bench gateway` and `cargo xtask bench fs`.
//!
//! Everything is measured in one run against baselines that run beside it, every other repeat in the opposite order, since these
//! figures mean something only by comparison.

mod figures;
mod files;
mod gateway;
mod link;
mod load;
mod measure;
mod memory;
mod message;
mod peer;
mod stage;

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use clap::Parser;
use serde_json::json;

use figures::Figure;

/// Measures the programs of a folder.
#[derive(Parser)]
#[command(name = "cargo xtask bench")]
struct Arguments {
    #[command(subcommand)]
    what: What,
}

#[derive(clap::Subcommand)]
enum What {
    /// What the gateway adds, keeps and takes
    Gateway(Common),
    /// How quickly files are listed, read and found, beside programs of others
    Fs(files::FsArgs),
}

/// What every measurement takes.
#[derive(clap::Args)]
struct Common {
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

impl Common {
    fn programs(&self) -> Result<PathBuf> {
        let own = std::env::current_exe()?;
        let programs = self.programs.as_deref().or(own.parent()).context("find the programs")?;
        Ok(std::path::absolute(programs)?)
    }
}

fn main() -> ExitCode {
    let done = match Arguments::parse().what {
        What::Gateway(common) => gateway::run(&common).and_then(|figures| tell(&common, &figures)),
        What::Fs(args) => files::run(&args).and_then(|figures| tell(&args.common, &figures)),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Where nobody reads it, the status says so too.
            writeln!(io::stderr(), "error: {error:#}").ok();
            ExitCode::FAILURE
        }
    }
}

/// Shows the figures, and fails where a floor is missed.
fn tell(common: &Common, figures: &[Figure]) -> Result<()> {
    let mut out = io::stdout();
    writeln!(out, "{}", machine())?;
    write!(out, "{}", figures::table(figures))?;
    if let Some(file) = &common.json {
        write_json(file, figures)?;
    }
    let missed: Vec<&str> = figures
        .iter()
        .filter(|figure| figure.misses_its_floor())
        .map(|figure| figure.what.as_str())
        .collect();
    if !missed.is_empty() && !common.quick {
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
