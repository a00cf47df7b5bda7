//! The booted machine: `cargo xtask vm` for a person, `cargo xtask vm-test` for the scenarios in `vm-tests/`.
//!
//! What boots is a test image: a Debian userland under the appliance's own units, users, folders and programs, which are
//! laid on it by the same copy that every way of packaging begins with. It is emulated, so that it runs wherever QEMU can be
//! had.

mod channel;
mod gates;
pub(crate) mod image;
mod machine;
mod mcp;
mod qemu;
mod qmp;
mod scenario;
mod starts;
pub(crate) mod trees;

use std::cell::OnceCell;
use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::cache::Cache;
use crate::iso::{self, Build, Packages};
use crate::workspace::Workspace;
use crate::{dist, say};
use image::Image;
use qemu::{Files, Options, Qemu};
use trees::Trees;

/// What is said beside every result.
pub(crate) const WHAT: &str = "test image: Debian trixie userland under the llmbasedos units";
/// The word by which a scenario tells that the gateway will not answer.
pub(crate) const GATEWAY_IS_BROKEN: &str = "llmbasedos.broken";
/// The probe of the sandbox, which is in no other image.
const PROBE: &str = "acts";

/// What `cargo xtask vm` takes.
#[derive(clap::Args)]
pub(crate) struct VmArgs {
    /// The port on this machine that leads to the gateway's
    #[arg(long, default_value_t = 8000)]
    port: u16,
    /// The programs to boot: those of the tests, or those that ship
    #[arg(long, default_value = "ci", value_parser = ["ci", "release"])]
    profile: String,
    /// A file that keeps what is written in the machine; it is made if it is not there
    #[arg(long, value_name = "FILE")]
    data: Option<PathBuf>,
}

/// What `cargo xtask vm-test` takes.
#[derive(clap::Args)]
pub(crate) struct VmTestArgs {
    /// The scenarios to run; by default, those that CI runs
    #[arg(value_name = "SCENARIO")]
    names: Vec<String>,
    /// Run all of them
    #[arg(long, conflicts_with = "names")]
    all: bool,
    /// List them, and what a person relies on in each
    #[arg(long, conflicts_with_all = ["names", "all"])]
    list: bool,
    /// The programs to boot: those of the tests, or those that ship
    #[arg(long, default_value = "ci", value_parser = ["ci", "release"])]
    profile: String,
}

/// What every machine of a run is made from.
pub(crate) struct Site<'a> {
    pub(crate) workspace: &'a Workspace,
    pub(crate) cache: &'a Cache,
    pub(crate) trees: Trees,
    pub(crate) image: Image,
    /// The programs that are in the image.
    pub(crate) programs: PathBuf,
    /// Where screenshots are kept.
    pub(crate) kept: PathBuf,
    /// The medium, once somebody has asked for it.
    medium: OnceCell<PathBuf>,
}

impl<'a> Site<'a> {
    /// Makes the trees, the programs and the image.
    fn make(workspace: &'a Workspace, cache: &'a Cache, profile: &str) -> Result<Self> {
        let trees = Trees::ensure(cache)?;
        let programs = dist::build(workspace, profile, true)?;
        let kept = workspace.target.join("vm");
        let image = Image::make(&trees, &workspace.root, &programs, &[PROBE], &kept)?;
        Ok(Self { workspace, cache, trees, image, programs, kept, medium: OnceCell::new() })
    }

    /// The medium of the same programs, by the assembler, of stand-in packages.
    pub(crate) fn medium(&self) -> Result<&Path> {
        if let Some(made) = self.medium.get() {
            return Ok(made);
        }
        let build = Build {
            trees: &self.trees,
            cache: self.cache,
            source: &self.workspace.root,
            programs: &self.programs,
            packages: Packages::Debian,
            epoch: iso::epoch(self.workspace)?,
            work: &self.kept.join("iso"),
        };
        let made = build.assembled()?.medium;
        Ok(self.medium.get_or_init(|| made))
    }
}

/// Boots the machine for a person, whose terminal is its console.
pub(crate) fn run(args: &VmArgs) -> Result<()> {
    let cache = Cache::from_env()?;
    let workspace = Workspace::load(&cache)?;
    let site = Site::make(&workspace, &cache, &args.profile)?;
    let data = args.data.as_ref().map(std::path::absolute).transpose()?;
    if let Some(data) = data.as_ref().filter(|data| !data.is_file()) {
        image::data_disk(&site.trees, data)?;
    }
    let folder = tempfile::Builder::new().prefix("llmb").tempdir()?;
    let options = Options { data, attended: true, ..Options::default() };
    say::line(WHAT);
    say::line(format!(
        "MCP at http://127.0.0.1:{}/mcp; the shell's command `key` shows the key, `status` how the machine is.\n\
         Ctrl-A X ends the machine; its power button is `system_powerdown` behind Ctrl-A C.\n",
        args.port
    ));
    let files = Files::of(folder.path());
    Qemu::start(&site.trees, &site.image, &options, &files, Some(args.port))?.wait()
}

/// Runs scenarios.
pub(crate) fn test(args: &VmTestArgs) -> Result<()> {
    if args.list {
        scenario::list();
        return Ok(());
    }
    let chosen = scenario::choose(&args.names, args.all)?;
    let cache = Cache::from_env()?;
    let workspace = Workspace::load(&cache)?;
    scenario::run(&Site::make(&workspace, &cache, &args.profile)?, &chosen)
}

/// The part of the suite: what CI runs.
pub(crate) fn part(workspace: &Workspace, cache: &Cache) -> Result<()> {
    let chosen = scenario::choose(&[], false)?;
    scenario::run(&Site::make(workspace, cache, "ci")?, &chosen)
}
