//! `cargo xtask iso`: the medium that boots and installs the appliance.
//!
//! Two builders take the same staged profile: mkarchiso, unmodified, or the assembler here, which follows the same rules and
//! so can run where mkarchiso is not. And two sets of packages: Arch's, or Debian's files in their place where there is no
//! Arch mirror; then what boots is no Arch, and every line of results says so.

mod assemble;
mod contents;
mod definition;
mod esp;
mod mkarchiso;
mod root;
pub(crate) mod standin;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use clap::ValueEnum;

use crate::cache::Cache;
use crate::vm::image::remove_tree;
use crate::vm::trees::Trees;
use crate::workspace::Workspace;
use crate::{dist, process, profile, say};
use definition::Definition;

/// What is said beside every result of stand-in packages.
pub(crate) const STANDIN: &str =
    "stand-in packages: Debian trixie's files under the llmbasedos profile";
/// What files and folders of a medium are closed to, where nothing says otherwise.
const MASK: u32 = 0o022;
/// How long a mirror may take to say that it is there.
const MIRROR_SECONDS: &str = "10";

/// What `cargo xtask iso` takes.
#[derive(clap::Args)]
pub(crate) struct IsoArgs {
    /// The packages: Arch's, or Debian's in their place; by default, Arch's where the mirror of the profile answers
    #[arg(long, value_enum)]
    packages: Option<Packages>,
    /// The mkarchiso to build with; by default, the one on the path, else the assembler
    #[arg(long, value_name = "PATH", conflicts_with = "assemble")]
    mkarchiso: Option<PathBuf>,
    /// Assemble it here though mkarchiso is on the path
    #[arg(long)]
    assemble: bool,
    /// The programs: those that ship, or those of the tests, which are built sooner
    #[arg(long, default_value = dist::RELEASE, value_parser = [dist::RELEASE, "ci"])]
    profile: String,
    /// The folder for the medium; by default, `iso` in the build folder
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

/// Where packages come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Packages {
    /// The snapshot that the profile's `pacman.conf` names.
    Arch,
    /// Debian trixie's files, packed in the same form.
    Debian,
}

/// What a medium is built from.
pub(crate) struct Build<'a> {
    pub(crate) trees: &'a Trees,
    pub(crate) cache: &'a Cache,
    /// The source.
    pub(crate) source: &'a Path,
    /// The folder of the built programs.
    pub(crate) programs: &'a Path,
    pub(crate) packages: Packages,
    /// All times in the medium, in seconds since 1970.
    pub(crate) epoch: u64,
    /// Where everything is made; what was there is gone.
    pub(crate) work: &'a Path,
}

/// What a builder made.
pub(crate) struct Made {
    pub(crate) medium: PathBuf,
    /// The folder of what is on it.
    pub(crate) tree: PathBuf,
    /// The folder of its root.
    pub(crate) root: PathBuf,
}

/// Runs the command.
pub(crate) fn run(args: &IsoArgs) -> Result<()> {
    let cache = Cache::from_env()?;
    let workspace = Workspace::load(&cache)?;
    let trees = Trees::ensure(&cache)?;
    let programs = dist::build(&workspace, &args.profile, false)?;
    let packages = args.packages.map_or_else(|| answering(&trees, &workspace.root), Ok)?;
    let out = args.out.clone().unwrap_or_else(|| workspace.target.join("iso"));
    let out = std::path::absolute(out)?;
    fs::create_dir_all(&out)?;
    let build = Build {
        trees: &trees,
        cache: &cache,
        source: &workspace.root,
        programs: &programs,
        packages,
        epoch: epoch(&workspace)?,
        work: &out.join("work"),
    };
    let own = || process::on_path("mkarchiso").filter(|_| !args.assemble);
    let made = match args.mkarchiso.clone().or_else(own) {
        Some(mkarchiso) => build.by_mkarchiso(&mkarchiso)?,
        None => build.assembled()?,
    };
    let medium = out.join(made.medium.file_name().context("a medium has a name")?);
    fs::rename(&made.medium, &medium)?;
    contents::show(&build, &medium, &made)
}

impl Build<'_> {
    /// A program of the tools tree that sees the time of the build, and no time zone: FAT has local times.
    fn tool(&self, program: &str) -> Command {
        let mut tool = self.trees.command(program);
        tool.env("SOURCE_DATE_EPOCH", self.epoch.to_string()).env("TZ", "UTC").env("LC_ALL", "C");
        tool
    }

    /// Makes the staged profile in the work folder, and reads what it says of itself.
    fn profile(&self) -> Result<(PathBuf, Definition)> {
        // As mkarchiso sets it: whoever builds with a closer mask would make a medium that only root can read.
        rustix::process::umask(rustix::fs::Mode::from_raw_mode(MASK));
        remove_tree(self.work)?;
        fs::create_dir_all(self.work)?;
        let folder = self.work.join("profile");
        profile::make(self.source, self.programs, &folder)?;
        let definition = Definition::read(&folder, self.epoch)?;
        Ok((folder, definition))
    }

    /// pacman's configuration, for somebody who sees the work folder at `/mnt` and the stand-in packages at `/mnt/packages`.
    fn pacman_configuration(&self, profile: &Path, packages: &[String]) -> Result<PathBuf> {
        match self.packages {
            Packages::Arch => Ok(profile.join("pacman.conf")),
            Packages::Debian => {
                let made = standin::repository(self.trees, self.cache, self.source, packages)?;
                let here = self.work.join("packages");
                process::run(Command::new("cp").arg("-a").arg(made).arg(&here))?;
                let file = self.work.join("pacman.conf");
                fs::write(&file, standin::configuration_for("/mnt/packages".as_ref()))?;
                Ok(file)
            }
        }
    }
}

/// Arch's packages where the mirror answers that the profile names, else those that stand for them.
fn answering(trees: &Trees, source: &Path) -> Result<Packages> {
    let text = fs::read_to_string(source.join("archiso/pacman.conf"))?;
    let server = text.lines().find_map(|line| line.strip_prefix("Server = "));
    let server = server.context("`pacman.conf` names no server")?;
    let server = server.replace("$repo", "core").replace("$arch", "x86_64");
    let mut curl = trees.command("usr/bin/curl");
    curl.arg("--cacert").arg(trees.tools().join("etc/ssl/certs/ca-certificates.crt"));
    curl.args(["--silent", "--fail", "--head", "--location", "--max-time", MIRROR_SECONDS]);
    if process::succeeds(curl.arg(format!("{server}/core.db"))) {
        return Ok(Packages::Arch);
    }
    say::line(format!("no answer from {server}: {STANDIN}"));
    Ok(Packages::Debian)
}

/// The time of the last commit, unless the caller has chosen one as others who build the same twice do.
pub(crate) fn epoch(workspace: &Workspace) -> Result<u64> {
    if let Ok(chosen) = std::env::var("SOURCE_DATE_EPOCH") {
        return chosen.parse().context("`SOURCE_DATE_EPOCH` is no number of seconds");
    }
    let mut git = workspace.command("git");
    let Ok(time) = process::capture(git.args(["log", "-1", "--format=%ct"])) else {
        bail!(
            "this is no checkout of git: set `SOURCE_DATE_EPOCH` to the time that the medium is to have"
        );
    };
    time.trim().parse().context("git tells the time of the last commit")
}
