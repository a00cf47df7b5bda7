//! `cargo xtask profile DIR`: the staged profile, which is what every builder of an image consumes.
//!
//! It is `archiso/` with the appliance's files in its overlay, and with the modes that `profiledef.sh` names. A pure copy:
//! it needs neither root nor a network, and with `--source` no Cargo.

use std::collections::BTreeSet;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};

use crate::cache::Cache;
use crate::workspace::Workspace;
use crate::{dist, stage};

/// The source of the profile.
const PROFILE: &str = "archiso";
/// What a medium lays over its packages.
pub(crate) const OVERLAY: &str = "airootfs";
/// What of the profile's own overlay goes to every machine, too: its `etc` is the medium's own.
const EVERYWHERE: [&str; 2] = ["usr", "root"];
/// The list of what goes to every machine, which is how the medium knows what to install.
const LIST: &str = "usr/share/llmbasedos/files.list";

/// What `cargo xtask profile` takes.
#[derive(clap::Args)]
pub(crate) struct ProfileArgs {
    /// The folder to make; it must not be there, or be empty
    dir: PathBuf,
    /// The folder of the built programs; by default, where `cargo xtask dist` puts them
    #[arg(long, value_name = "DIR")]
    programs: Option<PathBuf>,
    /// The source, where there is no Cargo to ask for it
    #[arg(long, value_name = "DIR", requires = "programs")]
    source: Option<PathBuf>,
}

/// Runs the command.
pub(crate) fn run(args: &ProfileArgs) -> Result<()> {
    let dir = std::path::absolute(&args.dir)?;
    if let (Some(source), Some(programs)) = (&args.source, &args.programs) {
        return make(source, programs, &dir);
    }
    let workspace = Workspace::load(&Cache::from_env()?)?;
    let programs = args.programs.clone().unwrap_or_else(|| dist::folder(&workspace, dist::RELEASE));
    make(&workspace.root, &programs, &dir)
}

/// Makes it of the source `root` and the programs of a folder.
pub(crate) fn make(root: &Path, programs: &Path, dir: &Path) -> Result<()> {
    let empty = fs::read_dir(dir).map_or(true, |mut entries| entries.next().is_none());
    ensure!(empty, "`{}` is not empty: name a new folder", dir.display());
    let overlay = dir.join(OVERLAY);
    stage::stage(root, programs, &overlay)?;
    let staged = files(&overlay)?;
    stage::copy(&root.join(PROFILE), dir)?;
    let own = EVERYWHERE.iter().map(|part| files(&root.join(PROFILE).join(OVERLAY).join(part)));
    let mut everywhere = staged;
    for (part, own) in EVERYWHERE.iter().zip(own) {
        everywhere.extend(own?.into_iter().map(|file| format!("{part}/{file}")));
    }
    everywhere.insert(LIST.to_owned());
    let list: Vec<&str> = everywhere.iter().map(String::as_str).collect();
    stage::put((list.join("\n") + "\n").as_bytes(), &overlay.join(LIST), stage::TEXT_MODE)?;
    modes(dir)
}

/// Gives the overlay the modes that the profile names; an executable without one would not be one on the medium.
fn modes(dir: &Path) -> Result<()> {
    let definition = fs::read_to_string(dir.join("profiledef.sh"))?;
    let overlay = dir.join(OVERLAY);
    let named = permissions(&definition)?;
    for file in files(&overlay)? {
        let path = overlay.join(&file);
        let metadata = path.symlink_metadata()?;
        let executable = metadata.is_file() && metadata.permissions().mode() & 0o111 != 0;
        if executable && named.iter().all(|(name, _)| *name != file) {
            bail!(
                "`/{file}` is a program, but `profiledef.sh` does not say so in `file_permissions`"
            );
        }
    }
    for (file, mode) in named {
        let path = overlay.join(&file);
        fs::set_permissions(&path, Permissions::from_mode(mode)).with_context(|| {
            format!("`profiledef.sh` names the mode of `/{file}`, which is not in the overlay")
        })?;
    }
    Ok(())
}

/// What `file_permissions` of `profiledef.sh` says: paths without their first slash, and modes. All belong to root.
pub(crate) fn permissions(definition: &str) -> Result<Vec<(String, u32)>> {
    let entries = definition.lines().filter_map(|line| line.trim().strip_prefix("[\"/"));
    entries
        .map(|entry| {
            let parts = entry.split_once("\"]=\"0:0:").context("an owner that is root");
            let (path, mode) = parts.with_context(|| format!("read `{entry}`"))?;
            let mode = u32::from_str_radix(mode.trim_end_matches('"'), 8)?;
            Ok((path.to_owned(), mode))
        })
        .collect()
}

/// The files beneath a folder, by their paths in it; links are files.
fn files(folder: &Path) -> Result<BTreeSet<String>> {
    let mut found = BTreeSet::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(&next).with_context(|| format!("read `{}`", next.display()))? {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                folders.push(entry.path());
            } else {
                let path = entry.path();
                let inner = path.strip_prefix(folder)?.to_str().context("a name that is text")?;
                found.insert(inner.to_owned());
            }
        }
    }
    Ok(found)
}
