//! `cargo xtask dist`: the programs as they ship, each one file that needs no other.
//!
//! They are linked statically, so that they start in milliseconds and run on any distribution, and what the linker made
//! is looked at: a flag that was lost on the way is an error here and not a weakness there.

mod hygiene;

use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::cache::Cache;
use crate::workspace::Workspace;
use crate::{process, say, stage};

/// The probe of the sandbox, which only test images have, and its crate.
const PROBE: (&str, &str) = ("acts", "testkit");
/// The folder in the build folder: other flags than those of all other builds, which so stay warm.
const FOLDER: &str = "dist";
/// What separates flags in `CARGO_ENCODED_RUSTFLAGS`, so that a path may have a space.
const FLAG_SEPARATOR: &str = "\x1f";
/// How the programs are linked: no other file at run time, at an address that differs each time, and with all tables
/// of the linker read-only before `main`. And randomness comes from the kernel's call: the crate `getrandom` looks for it
/// with the dynamic linker, finds none, and would open `/dev/urandom`, which the daemons' own sandbox refuses.
pub(crate) const FLAGS: [&str; 8] = [
    "-C",
    "target-feature=+crt-static",
    "-C",
    "relocation-model=pie",
    "-C",
    "link-arg=-Wl,-z,relro,-z,now",
    "--cfg",
    "getrandom_backend=\"linux_getrandom\"",
];
/// The profile that ships.
pub(crate) const RELEASE: &str = "release";

/// What `cargo xtask dist` takes.
#[derive(clap::Args)]
pub(crate) struct DistArgs {
    /// Build what ships, or what the tests use, which is built sooner
    #[arg(long, default_value = RELEASE, value_parser = [RELEASE, "ci"])]
    profile: String,
    /// Build the probe of the sandbox, too, which only test images have
    #[arg(long)]
    acts: bool,
}

/// Builds, checks, and lists.
pub(crate) fn run(args: &DistArgs) -> Result<()> {
    let workspace = Workspace::load(&Cache::from_env()?)?;
    let folder = build(&workspace, &args.profile, args.acts)?;
    say::line(folder.display());
    Ok(())
}

/// Builds the programs in this profile, the probe if wanted, and gives the folder that they are in. A program that is
/// not as it must be is an error.
pub(crate) fn build(workspace: &Workspace, profile: &str, probe: bool) -> Result<PathBuf> {
    let target = target();
    let build = |programs: &[(&str, &str)]| {
        let mut build = workspace.cargo(["build", "--profile", profile, "--target", &target]);
        build.arg("--target-dir").arg(workspace.target.join(FOLDER));
        for (program, package) in programs {
            build.args(["--package", package, "--bin", program]);
        }
        process::run(build.env("CARGO_ENCODED_RUSTFLAGS", flags(&workspace.root, profile)))
    };
    // Always the same packages in one command: others beside them would have Cargo build what they share once more,
    // with other features. So the probe, which uses more, is built for itself.
    build(&stage::PROGRAMS.each_ref().map(|program| (program.name, program.name)))?;
    if probe {
        build(&[PROBE])?;
    }
    let folder = folder(workspace, profile);
    let programs =
        stage::PROGRAMS.iter().map(|program| program.name).chain(probe.then_some(PROBE.0));
    check(&folder, &programs.collect::<Vec<_>>(), profile == RELEASE)?;
    Ok(folder)
}

/// Cargo, building one program of a source as what ships is built, but without the hour that optimising all of it takes: what
/// two builds of it are compared for.
pub(crate) fn reproducible(
    workspace: &Workspace,
    source: &Path,
    target_dir: &Path,
    program: &str,
) -> Command {
    let mut build = workspace.cargo(["build", "--locked", "--quiet", "--profile", "ci"]);
    build.args([
        "--config",
        "profile.ci.strip='symbols'",
        "--config",
        "profile.ci.incremental=false",
    ]);
    build.args(["--package", program, "--bin", program, "--target", &target()]);
    build.arg("--target-dir").arg(target_dir).current_dir(source);
    build.env("CARGO_ENCODED_RUSTFLAGS", flags(source, RELEASE));
    build
}

/// Where that puts it.
pub(crate) fn reproducible_folder(target_dir: &Path) -> PathBuf {
    target_dir.join(target()).join("ci")
}

/// Where the programs of a profile are.
pub(crate) fn folder(workspace: &Workspace, profile: &str) -> PathBuf {
    workspace.target.join(FOLDER).join(target()).join(profile)
}

/// The same for what ships, in a build folder.
pub(crate) fn released(target_dir: &Path) -> PathBuf {
    target_dir.join(FOLDER).join(target()).join(RELEASE)
}

/// This machine's architecture, with glibc.
fn target() -> String {
    format!("{}-unknown-linux-gnu", std::env::consts::ARCH)
}

/// What the compiler is told. What ships names no folder of the machine that it was built on; the programs of tests may,
/// so that a checkout in another folder finds them built.
fn flags(source: &Path, profile: &str) -> OsString {
    let mut flags = FLAGS.map(OsString::from).to_vec();
    if profile == RELEASE {
        let folders = [(Some(source.to_owned()), "/llmbasedos"), (cargo_home(), "/cargo")];
        for (folder, name) in folders {
            let Some(folder) = folder else { continue };
            let mut flag = OsString::from("--remap-path-prefix=");
            flag.push(folder);
            flag.push(format!("={name}"));
            flags.push(flag);
        }
    }
    flags.join(OsStr::new(FLAG_SEPARATOR))
}

/// Where Cargo keeps the sources of other people's crates.
fn cargo_home() -> Option<PathBuf> {
    let home = || std::env::var_os("HOME").map(|home| Path::new(&home).join(".cargo"));
    std::env::var_os("CARGO_HOME").map(PathBuf::from).or_else(home)
}

/// Lists the programs with their sizes, and is an error if one of them is not fit to ship.
fn check(folder: &Path, programs: &[&str], stripped: bool) -> Result<()> {
    let mut problems = Vec::new();
    for program in programs {
        let path = folder.join(program);
        let bytes = fs::read(&path).with_context(|| format!("read `{}`", path.display()))?;
        let found = hygiene::check(&bytes, stripped)
            .with_context(|| format!("read the headers of `{}`", path.display()))?;
        let fit = if found.is_empty() { "static, fit to ship" } else { "not fit to ship" };
        say::line(format!("{program:<12}{:>12} bytes  {fit}", bytes.len()));
        problems.extend(found.into_iter().map(|problem| format!("`{program}`: {problem}")));
    }
    if problems.is_empty() {
        return Ok(());
    }
    bail!("{}", problems.join("\n"))
}
