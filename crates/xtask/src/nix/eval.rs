//! `cargo xtask nix-eval DIR`: every output of the flake, evaluated to what Nix would build, with a stand-in for nixpkgs.
//!
//! Nix itself evaluates `flake.nix` with `flake.lock`. It finds the locked inputs by their hashes in a store of ours, so that
//! these hashes are shown to be right; nixpkgs alone is another (`nix/standin.nix`).

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use crate::cache::Cache;
use crate::process;
use crate::say;
use crate::tidy::files;
use crate::vm::trees::Trees;
use crate::workspace::Workspace;

/// What nixpkgs is made of, and at which revision it is taken.
const PARTS: [(&str, &str); 2] =
    [("corepkgs", "HEAD"), ("nix-lib", "9acd37c8934331a3e53a099f8755101bc2a149e2")];
/// What the flake locks besides nixpkgs, each at the revision of the lock.
const INPUTS: [&str; 2] = ["crane", "rust-overlay"];
/// The stand-in as a flake, which tells what it does not have.
const FLAKE: &str =
    "{ outputs = _: { inherit (import ./. { system = \"x86_64-linux\"; }) substituted; }; }\n";
/// A lock of one package, with an epoch and a letter that the store does not take either, where nobody has locked Arch's.
const LOCK: &str = r#"{
    "snapshot": ["https://archive.archlinux.org/repos/2026/11/01/$repo/os/$arch"],
    "packages": [{
        "name": "standin",
        "version": "1:1~a-1",
        "url": "https://archive.archlinux.org/repos/2026/11/01/core/os/x86_64/standin-1:1~a-1-x86_64.pkg.tar.zst",
        "sha256": "0000000000000000000000000000000000000000000000000000000000000000"
    }]
}"#;
/// The system that the flake is for.
const SYSTEM: &str = "x86_64-linux";
/// What makes a program is in the context of the string that names it.
const MAKERS: &str = "builtins.mapAttrs (_: app: builtins.head (builtins.attrNames (builtins.getContext app.program)))";

/// What `cargo xtask nix-eval` takes.
#[derive(clap::Args)]
pub(crate) struct EvalArgs {
    /// A folder with checkouts of `github:ekala-project/corepkgs`, `github:ekala-project/nix-lib`, `github:ipetkov/crane` and
    /// `github:oxalica/rust-overlay`, under these names
    dir: PathBuf,
}

/// Evaluates, and prints what each output comes to.
pub(crate) fn run(args: &EvalArgs) -> Result<()> {
    let cache = Cache::from_env()?;
    let workspace = Workspace::load(&cache)?;
    let trees = Trees::ensure(&cache)?;
    let folder = tempfile::Builder::new().prefix("llmb").tempdir()?;
    let nix = Nix { trees: &trees, folder: folder.path() };

    let lock = fs::read_to_string(workspace.root.join("flake.lock"))?;
    let lock: Value = serde_json::from_str(&lock).context("read `flake.lock`")?;
    for input in INPUTS {
        nix.take(&args.dir.join(input), &lock["nodes"][input]["locked"], input)?;
    }
    nix.stand_in(&args.dir, &workspace.root)?;
    let locked = nix.source(&workspace.root)?;

    let outputs = nix.outputs()?;
    for (name, made) in &outputs {
        let built = Path::new(made).extension().is_some_and(|extension| extension == "drv");
        ensure!(built, "`{name}` comes to {made}, which nothing builds");
        say::line(format!("{name:<34} {made}"));
    }
    let substituted = nix.json(&["eval", "--json", &nix.flake("nixpkgs#substituted")])?;
    let substituted: Vec<String> = serde_json::from_value(substituted)?;
    let packages = if locked { "nix/arch.lock.json" } else { "a lock of one made-up package" };
    say::line(format!(
        "\n{} outputs evaluated by `nix flake check --no-build`: {} as `flake.lock` has them, {packages}, and corepkgs in the \
         place of nixpkgs, with stand-ins for {}.\n\
         Not proven: that nixpkgs has what is named, and that anything builds, its musl toolchain to begin with.",
        outputs.len(),
        INPUTS.join(" and "),
        substituted.join(", ")
    ));
    Ok(())
}

/// Nix with all that it keeps in one folder.
struct Nix<'a> {
    trees: &'a Trees,
    folder: &'a Path,
}

impl Nix<'_> {
    /// A store of its own whose paths are those of every other, so that the same input comes to the same output.
    fn command(&self) -> Command {
        let mut nix = super::command(self.trees, "nix", self.folder);
        nix.env_remove("NIX_STORE_DIR");
        nix.args(["--extra-experimental-features", "nix-command flakes", "--store"]);
        nix.arg(self.folder.join("root"));
        nix
    }

    /// How a flake in our folder is named.
    fn flake(&self, name: &str) -> String {
        format!("path:{}/{name}", self.folder.display())
    }

    fn json(&self, arguments: &[&str]) -> Result<Value> {
        Ok(serde_json::from_str(&process::capture(self.command().args(arguments))?)?)
    }

    /// Puts the locked revision of an input into the store, where its hash is the locked one.
    fn take(&self, checkout: &Path, locked: &Value, name: &str) -> Result<()> {
        let text = |member: &str| {
            let found = locked[member].as_str();
            found.with_context(|| format!("`flake.lock` has no `{member}` of `{name}`"))
        };
        let taken = self.folder.join(name);
        super::checkout(checkout, text("rev")?, &taken)?;
        let hash = process::capture(self.command().args(["hash", "path"]).arg(&taken))?;
        ensure!(
            hash.trim() == text("narHash")?,
            "`{name}` at {} is {}, and `flake.lock` has {}",
            text("rev")?,
            hash.trim(),
            text("narHash")?
        );
        process::quietly(self.command().args(["store", "add", "--name", "source"]).arg(taken))
    }

    /// Makes what stands for nixpkgs.
    fn stand_in(&self, checkouts: &Path, root: &Path) -> Result<()> {
        let nixpkgs = self.folder.join("nixpkgs");
        for (name, revision) in PARTS {
            super::checkout(&checkouts.join(name), revision, &nixpkgs.join(name))?;
        }
        // It would fetch its library; here that is beside it.
        fs::write(nixpkgs.join("corepkgs/pins.nix"), "{ lib = ../nix-lib; }\n")?;
        let path = nixpkgs.join("path/pkgs");
        fs::create_dir_all(&path)?;
        let mut copy = Command::new("cp");
        copy.arg("-a").arg(nixpkgs.join("corepkgs/build-support")).arg(path);
        process::run(&mut copy)?;
        fs::copy(root.join("nix/standin.nix"), nixpkgs.join("default.nix"))?;
        Ok(fs::write(nixpkgs.join("flake.nix"), FLAKE)?)
    }

    /// Copies the source, as Nix would; says whether it locks packages of Arch. If it does not, the copy does.
    fn source(&self, root: &Path) -> Result<bool> {
        let copy = self.folder.join("flake");
        for file in files::list(root)? {
            let to = copy.join(&file);
            fs::create_dir_all(to.parent().unwrap_or(&copy))?;
            fs::copy(root.join(&file), &to)
                .with_context(|| format!("copy `{}`", file.display()))?;
        }
        let lock = copy.join("nix/arch.lock.json");
        let locked = lock.is_file();
        if !locked {
            fs::write(lock, LOCK)?;
        }
        Ok(locked)
    }

    /// What each output comes to, by its name.
    fn outputs(&self) -> Result<BTreeMap<String, String>> {
        let instead = ["--no-write-lock-file", "--override-input", "nixpkgs"];
        let nixpkgs = self.flake("nixpkgs");
        let mut check = self.command();
        check.args(["flake", "check", "--no-build"]).args(instead).arg(&nixpkgs);
        let output = check.arg(self.flake("flake")).output()?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "an output cannot be evaluated:\n{said}");
        let mut outputs = derivations(&said);
        let apps = format!("{}#apps.{SYSTEM}", self.flake("flake"));
        let mut arguments = vec!["eval", "--json", "--apply", MAKERS];
        arguments.extend(instead);
        arguments.extend([nixpkgs.as_str(), &apps]);
        let Value::Object(apps) = self.json(&arguments)? else { bail!("the flake has no apps") };
        for (name, maker) in apps {
            let maker = maker.as_str().unwrap_or_default().to_owned();
            outputs.insert(format!("apps.{SYSTEM}.{name}"), maker);
        }
        Ok(outputs)
    }
}

/// What `nix flake check` tells of each: a line with its name, and one with what it comes to.
fn derivations(said: &str) -> BTreeMap<String, String> {
    let mut name = None;
    let mut found = BTreeMap::new();
    for line in said.lines() {
        if let Some(checked) = line.strip_prefix("checking derivation ") {
            name = checked.strip_suffix("...");
        } else if let Some(made) = line.strip_prefix("derivation evaluated to ") {
            found.extend(name.take().map(|name| (name.to_owned(), made.to_owned())));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nix_tells_is_read() {
        let said = "warning: x\nchecking flake output 'packages'...\n\
                    checking derivation packages.x86_64-linux.a...\nderivation evaluated to /s/1-a.drv\n\
                    checking app 'apps.x86_64-linux.b'...\n";
        let found: Vec<_> = derivations(said).into_iter().collect();
        assert_eq!(found, [("packages.x86_64-linux.a".to_owned(), "/s/1-a.drv".to_owned())]);
    }
}
