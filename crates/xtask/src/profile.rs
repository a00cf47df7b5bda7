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

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    /// A profile of this definition, whose overlay has a program, a text and a link.
    fn with(definition: &str) -> (tempfile::TempDir, Result<()>) {
        let temp = tempfile::tempdir().unwrap();
        let overlay = temp.path().join(OVERLAY);
        for (name, mode) in [("usr/bin/program", 0o755), ("usr/lib/text", 0o644)] {
            stage::put(b"", &overlay.join(name), mode).unwrap();
        }
        symlink("program", overlay.join("usr/bin/link")).unwrap();
        fs::write(temp.path().join("profiledef.sh"), definition).unwrap();
        let done = modes(temp.path());
        (temp, done)
    }

    #[test]
    fn each_program_of_the_overlay_has_a_mode() {
        let named = "file_permissions=(\n  [\"/usr/bin/program\"]=\"0:0:750\"\n)\n";
        let (profile, done) = with(named);
        done.unwrap();
        let program = profile.path().join(OVERLAY).join("usr/bin/program");
        assert_eq!(program.metadata().unwrap().permissions().mode() & 0o7777, 0o750);

        let error = with("file_permissions=()\n").1.unwrap_err().to_string();
        assert!(error.contains("/usr/bin/program"), "{error}");
        let gone = format!("{named}  [\"/usr/bin/gone\"]=\"0:0:755\"\n");
        let error = with(&gone).1.unwrap_err().to_string();
        assert!(error.contains("/usr/bin/gone"), "{error}");
        let others = "  [\"/usr/bin/program\"]=\"1000:0:755\"\n";
        assert!(with(others).1.is_err(), "it belongs to somebody");
    }

    #[test]
    fn what_is_laid_everywhere_is_not_the_mediums_own() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let programs = tempfile::tempdir().unwrap();
        for program in &stage::PROGRAMS {
            stage::put(b"#!/bin/sh\necho {}\n", &programs.path().join(program.name), 0o755)
                .unwrap();
        }
        let profile = tempfile::tempdir().unwrap();
        make(&root, programs.path(), profile.path()).unwrap();
        let list = fs::read_to_string(profile.path().join(OVERLAY).join(LIST)).unwrap();
        for wanted in ["usr/bin/luca-shell", "root/llmbasedos_postinstall.sh", LIST] {
            assert!(list.lines().any(|line| line == wanted), "{wanted} is not in the list");
        }
        assert!(!list.contains("etc/systemd"), "the medium's way to root would be on every disk");
        // Once more, over what is there, would leave what is gone.
        assert!(make(&root, programs.path(), profile.path()).is_err());
    }
}
