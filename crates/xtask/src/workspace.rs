//! The workspace as `cargo metadata` tells it.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};
use serde::Deserialize;

use crate::cache::{Cache, TOOLS_VARIABLE};
use crate::process;

/// How the variables begin by which Cargo tells a program of its own package.
const OF_A_PACKAGE: [&str; 2] = ["CARGO_PKG_", "CARGO_MANIFEST_"];

/// The checkout that the command was started in.
#[derive(Debug, Deserialize)]
pub(crate) struct Workspace {
    /// The top of the checkout.
    #[serde(rename = "workspace_root")]
    pub(crate) root: PathBuf,
    /// Where Cargo builds.
    #[serde(rename = "target_directory")]
    pub(crate) target: PathBuf,
    /// The workspace's own crates.
    pub(crate) packages: Vec<Package>,
    /// Set for every program that is started: the build folder, and where the tools are.
    #[serde(skip)]
    env: Vec<(&'static str, PathBuf)>,
}

/// One crate of the workspace.
#[derive(Debug, Deserialize)]
pub(crate) struct Package {
    /// Its name.
    pub(crate) name: String,
    /// The sentence that says what it is.
    pub(crate) description: Option<String>,
    /// What it depends on, crates of other people included.
    pub(crate) dependencies: Vec<Dependency>,
}

/// One dependency of a crate.
#[derive(Debug, Deserialize)]
pub(crate) struct Dependency {
    /// The crate that is depended on.
    pub(crate) name: String,
    /// `None` for a normal dependency, else `dev` or `build`.
    pub(crate) kind: Option<String>,
    /// Set for a crate of the workspace.
    pub(crate) path: Option<PathBuf>,
}

impl Workspace {
    /// Asks Cargo about the workspace around the current directory.
    pub(crate) fn load(cache: &Cache) -> Result<Self> {
        let mut env = vec![(TOOLS_VARIABLE, cache.tools())];
        if let Some(target) = cache.target() {
            env.push(("CARGO_TARGET_DIR", target.to_owned()));
            // A fresh clone has nothing to be incremental against.
            env.push(("CARGO_INCREMENTAL", PathBuf::from("0")));
        }
        let mut metadata = cargo_program();
        metadata.args(["metadata", "--no-deps", "--format-version", "1"]).envs(env.iter().cloned());
        let json = process::capture(&mut metadata)?;
        let mut workspace: Self =
            serde_json::from_str(&json).context("read what `cargo metadata` says")?;
        workspace.env = env;
        Ok(workspace)
    }

    /// A program that runs at the top of the checkout and knows our folders.
    pub(crate) fn command(&self, program: impl Into<PathBuf>) -> Command {
        let mut command = Command::new(program.into());
        command.current_dir(&self.root).envs(self.env.iter().cloned());
        command
    }

    /// Cargo, at the top of the checkout.
    pub(crate) fn cargo<const N: usize>(&self, args: [&str; N]) -> Command {
        let mut command = self.command(cargo_program().get_program());
        command.args(args);
        // `cargo run` tells these of us. Build scripts that look at them would run again after each change between Cargo by hand and
        // by us, and all that depends on them be built anew.
        for (name, _) in std::env::vars_os() {
            let text = name.to_string_lossy();
            if OF_A_PACKAGE.iter().any(|beginning| text.starts_with(beginning)) {
                command.env_remove(&name);
            }
        }
        command
    }
}

/// The same Cargo that started us, so that one toolchain builds everything.
fn cargo_program() -> Command {
    Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}
