//! What is looked at of the Nix files without nixpkgs: that they can be read, that the lock is one, that the scripts which lock
//! and build the medium do so (`cargo xtask test --only nix`); and what every output comes to (`cargo xtask nix-eval`).

mod eval;
mod lock;
mod scripts;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::cache::Cache;
use crate::say;
use crate::vm::trees::Trees;
use crate::workspace::Workspace;
pub(crate) use eval::{EvalArgs, run};

/// Checks everything; each check must also refuse what is wrong on purpose.
pub(crate) fn part(workspace: &Workspace, cache: &Cache) -> Result<()> {
    let trees = Trees::ensure(cache)?;
    let folder = tempfile::Builder::new().prefix("llmb").tempdir()?;
    let files = files(&workspace.root)?;
    for file in &files {
        parse(&trees, file, folder.path())?;
    }
    let broken = folder.path().join("broken.nix");
    fs::write(&broken, "{ a = ; }\n")?;
    ensure!(parse(&trees, &broken, folder.path()).is_err(), "nix-instantiate reads anything");
    say::line(format!("{} Nix files can be read", files.len()));
    lock::check(&workspace.root)?;
    scripts::check(&trees, &workspace.root, folder.path())
}

/// Every Nix file of the source.
pub(super) fn files(root: &Path) -> Result<Vec<PathBuf>> {
    let mut files = vec![root.join("flake.nix")];
    for entry in fs::read_dir(root.join("nix"))? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "nix") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

fn parse(trees: &Trees, file: &Path, state: &Path) -> Result<()> {
    let mut nix = command(trees, "nix-instantiate", state);
    let output = nix.arg("--parse").arg(file).output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "`{}` is no Nix file:\n{said}", file.display());
    Ok(())
}

/// A program of Nix, which keeps what it keeps in this folder and has no network.
fn command(trees: &Trees, program: &str, state: &Path) -> Command {
    let mut nix = trees.command(&format!("usr/bin/{program}"));
    for (name, folder) in [
        ("NIX_STORE_DIR", "store"),
        ("NIX_STATE_DIR", "var"),
        ("NIX_LOG_DIR", "log"),
        ("NIX_CONF_DIR", "etc"),
        ("HOME", "home"),
    ] {
        nix.env(name, state.join("nix").join(folder));
    }
    nix.env("NIX_CONFIG", "substituters =\nsandbox = false\nbuild-users-group =");
    nix
}

/// A checkout of somebody else's at a revision, without what git keeps of it.
fn checkout(from: &Path, revision: &str, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    let mut git = Command::new("git");
    git.arg("-C").arg(from).args(["archive", revision]);
    let mut archive = git.stdout(std::process::Stdio::piped()).spawn()?;
    let mut tar = Command::new("tar");
    let input = archive.stdout.take().context("an output of ours")?;
    let unpacked = tar.arg("-x").arg("-C").arg(to).stdin(input).status()?;
    let archived = archive.wait()?.success();
    ensure!(archived && unpacked.success(), "`{}` has no {revision}", from.display());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Setting this to `1` formats them instead: `FORMAT_NIX=1 cargo test -p xtask nix_files_are_formatted`.
    const FORMAT: &str = "FORMAT_NIX";

    #[test]
    fn nix_files_are_formatted() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let write = std::env::var(FORMAT).is_ok_and(|value| value == "1");
        let mut badly = Vec::new();
        for file in files(&root).unwrap() {
            let text = fs::read_to_string(&file).unwrap();
            let (_, formatted) =
                alejandra::format::in_memory(file.display().to_string(), text.clone());
            if formatted != text {
                if write {
                    fs::write(&file, formatted).unwrap();
                } else {
                    badly.push(file);
                }
            }
        }
        assert!(badly.is_empty(), "not as alejandra formats them ({FORMAT}=1 does): {badly:?}");
        let (_, formatted) = alejandra::format::in_memory("x.nix".to_owned(), "{a=1;}".to_owned());
        assert_eq!(formatted, "{a = 1;}\n", "it takes anything for formatted");
    }
}
