//! `cargo xtask nix-eval DIR`: every output of the flake, evaluated to what Nix would build, with a stand-in for nixpkgs.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

use crate::cache::Cache;
use crate::say;
use crate::vm::trees::Trees;
use crate::workspace::Workspace;

/// What is in the folder, and at which revision it is taken: crane's is that of `flake.lock`.
const CHECKOUTS: [(&str, &str); 2] =
    [("corepkgs", "HEAD"), ("nix-lib", "9acd37c8934331a3e53a099f8755101bc2a149e2")];

/// What `cargo xtask nix-eval` takes.
#[derive(clap::Args)]
pub(crate) struct EvalArgs {
    /// A folder with checkouts of `github:ekala-project/corepkgs`, `github:ekala-project/nix-lib` and `github:ipetkov/crane`
    dir: PathBuf,
}

/// What `nix/standin.nix` comes to.
#[derive(Deserialize)]
struct Evaluated {
    /// What had to stand for something else.
    substituted: Vec<String>,
    /// The outputs, and what each is built by.
    outputs: BTreeMap<String, String>,
}

/// Evaluates, and prints what each output comes to.
pub(crate) fn run(args: &EvalArgs) -> Result<()> {
    let cache = Cache::from_env()?;
    let workspace = Workspace::load(&cache)?;
    let trees = Trees::ensure(&cache)?;
    let folder = tempfile::Builder::new().prefix("llmb").tempdir()?;
    let taken = folder.path().join("taken");
    for (name, revision) in CHECKOUTS {
        super::checkout(&args.dir.join(name), revision, &taken.join(name))?;
    }
    let crane = locked(&workspace.root)?;
    super::checkout(&args.dir.join("crane"), &crane, &taken.join("crane"))?;
    // It would fetch its library; here that is beside it.
    std::fs::write(taken.join("corepkgs/pins.nix"), "{ lib = ../nix-lib; }\n")?;

    let expression = format!(
        "import {}/nix/standin.nix {{ corepkgs = {}/corepkgs; crane = {}/crane; }}",
        workspace.root.display(),
        taken.display(),
        taken.display()
    );
    let mut nix = super::command(&trees, "nix-instantiate", folder.path());
    nix.args(["--eval", "--strict", "--json", "--read-write-mode", "--expr", &expression]);
    let output = nix.output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "an output cannot be evaluated:\n{said}");
    let evaluated: Evaluated = serde_json::from_slice(&output.stdout)?;
    for (name, made) in &evaluated.outputs {
        let built = Path::new(made).extension().is_some_and(|extension| extension == "drv");
        ensure!(built, "`{name}` comes to {made}, which nothing builds");
        say::line(format!("{name:<38} {}", made.rsplit('/').next().unwrap_or(made)));
    }
    say::line(format!(
        "\n{} outputs evaluated; corepkgs in the place of nixpkgs, and in it stand-ins for {}.\n\
         Not proven: that nixpkgs has what they name, and that its musl toolchain builds them.",
        evaluated.outputs.len(),
        evaluated.substituted.join(", ")
    ));
    Ok(())
}

/// The revision of crane that the flake locks.
fn locked(root: &Path) -> Result<String> {
    let lock = std::fs::read_to_string(root.join("flake.lock"))?;
    let lock: serde_json::Value = serde_json::from_str(&lock)?;
    let revision = lock["nodes"]["crane"]["locked"]["rev"].as_str();
    Ok(revision.context("`flake.lock` locks crane")?.to_owned())
}
