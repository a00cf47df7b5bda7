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
use crate::process;
use crate::say;
use crate::tidy;
use crate::vm::trees::Trees;
use crate::workspace::Workspace;
pub(crate) use eval::{EvalArgs, run};

/// Checks everything, and says whether it could; each check must also refuse what is wrong on purpose.
pub(crate) fn part(workspace: &Workspace, cache: &Cache) -> Result<bool> {
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
    if !process::is_root() {
        say::line(
            "lock-arch.sh and iso.sh NOT tried: only root can, since pacman makes files of other owners",
        );
        return Ok(false);
    }
    scripts::check(&trees, &workspace.root, folder.path()).map(|()| true)
}

/// Every Nix file of the source.
fn files(root: &Path) -> Result<Vec<PathBuf>> {
    let mut files = tidy::files::list(root)?;
    files.retain(|file| file.extension().is_some_and(|extension| extension == "nix"));
    ensure!(!files.is_empty(), "`{}` has no Nix file: is it this project?", root.display());
    Ok(files.iter().map(|file| root.join(file)).collect())
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
    use std::collections::BTreeSet;

    use super::*;
    use crate::{dist, stage};

    /// Setting this to `1` formats them instead: `FORMAT_NIX=1 cargo test -p xtask nix_files_are_formatted`.
    const FORMAT: &str = "FORMAT_NIX";

    #[test]
    fn nix_builds_what_dist_builds_and_in_the_same_way() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let text = fs::read_to_string(root.join("nix/daemons.nix")).unwrap();
        let (_, names) = text.split_once("names = [").unwrap();
        let (names, _) = names.split_once(']').unwrap();
        let names: Vec<_> = names.split_whitespace().map(|name| name.trim_matches('"')).collect();
        assert_eq!(names, stage::PROGRAMS.map(|program| program.name));
        let (_, flags) = text.split_once("RUSTFLAGS\" = ").unwrap();
        let (_, flags) = flags.split_once('[').unwrap();
        let (flags, _) = flags.split_once(']').unwrap();
        let flags: Vec<_> = flags
            .lines()
            .map(str::trim)
            .filter(|line| !line.is_empty())
            .map(|line| {
                line.strip_prefix('"').unwrap().strip_suffix('"').unwrap().replace("\\\"", "\"")
            })
            .collect();
        let (pairs, _) = dist::FLAGS.as_chunks::<2>();
        assert_eq!(flags, pairs.iter().map(|pair| pair.join(" ")).collect::<Vec<_>>());
    }

    #[test]
    fn nix_files_are_found_wherever_they_are() {
        let root = tempfile::tempdir().unwrap();
        fs::write(root.path().join("a.rs"), "").unwrap();
        assert!(files(root.path()).is_err(), "where nothing is to be read, nothing was");
        fs::create_dir_all(root.path().join("deep/er")).unwrap();
        let found = ["deep/er/b.nix", "flake.nix"].map(|file| root.path().join(file));
        for file in &found {
            fs::write(file, "{}").unwrap();
        }
        assert_eq!(files(root.path()).unwrap(), found);
    }

    #[test]
    fn nix_builds_of_a_source_that_is_whole() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let text = fs::read_to_string(root.join("nix/sources.nix")).unwrap();
        let (_, given) = text.split_once("\n  xtask = part (cargo ++ [").unwrap();
        let (given, _) = given.split_once(']').unwrap();
        let given: BTreeSet<_> = given.split_whitespace().map(str::to_owned).collect();
        // What is taken in by a path that leads out of `crates`.
        let mut taken = BTreeSet::new();
        for file in tidy::files::list(&root).unwrap() {
            if !file.starts_with("crates") || file.extension().is_none_or(|end| end != "rs") {
                continue;
            }
            let text = fs::read_to_string(root.join(&file)).unwrap();
            for line in text.lines() {
                let Some(path) = line.trim().strip_prefix("#[path = \"") else { continue };
                let climbed = path.matches("../").count();
                if climbed < file.components().count() - 1 {
                    continue;
                }
                assert!(file.starts_with("crates/xtask"), "Nix lacks what {file:?} takes in");
                let (folder, _) = path.trim_start_matches("../").split_once('/').unwrap();
                taken.insert(format!("../{folder}"));
            }
        }
        assert_eq!(given, taken);
    }

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
