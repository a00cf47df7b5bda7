//! Known vulnerabilities: their database is fetched by git, which many networks do not allow.

use std::process::Stdio;

use anyhow::{Context, Result, bail};

use super::Outcome;
use super::parts::installed;
use crate::cache::Cache;
use crate::workspace::Workspace;
use crate::{process, say};

/// The configuration of `cargo-deny`, out of the way of the top level.
pub(super) const CONFIG: &str = ".cargo/deny.toml";

/// How long the database may take to arrive: a network that drops packets gives no answer at all.
const FETCH_SECONDS: &str = "60";

/// Checks the dependencies against the database, if it can be had.
pub(super) fn run(workspace: &Workspace, cache: &Cache) -> Result<Outcome> {
    let mut deny = installed(workspace, cache, "cargo-deny")?;
    let mut fetch = workspace.command("timeout");
    fetch.arg(FETCH_SECONDS).arg(deny.get_program()).args(["--config", CONFIG, "fetch", "db"]);
    let status = fetch.stdin(Stdio::null()).status().context("start `timeout`")?;
    match status.code() {
        Some(0) => {}
        // What `cargo-deny` says when it could not fetch, and `timeout` when it had to end it. A
        // command line that is not understood ends with 2, and that would be our defect.
        Some(1 | 124) => {
            say::line("the advisory database cannot be had from here: vulnerabilities NOT checked");
            return Ok(Outcome::Unavailable);
        }
        _ => bail!("fetching the advisory database ended with {status}"),
    }
    deny.args(["--config", CONFIG, "check", "--hide-inclusion-graph", "advisories"]);
    process::run(&mut deny).map(|()| Outcome::Passed)
}
