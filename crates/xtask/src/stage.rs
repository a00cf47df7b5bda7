//! `cargo xtask stage DIR`: the appliance's files where they belong, beneath a folder that stands for `/`.
//!
//! It copies and nothing else: no user is made, nothing is enabled, and it can be done without root. Whatever packages the
//! appliance (an image, a disk, a distribution) begins with this, so that there is one place that says what goes where.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::cache::Cache;
use crate::workspace::Workspace;
use crate::{dist, process};

/// What `cargo xtask stage` takes.
#[derive(clap::Args)]
pub(crate) struct StageArgs {
    /// The folder that stands for `/`; what is there already stays
    dir: PathBuf,
    /// The folder of the built programs; by default, where `cargo xtask dist` puts them
    #[arg(long, value_name = "DIR")]
    programs: Option<PathBuf>,
}

/// A program that ships, and the folder that it goes to.
pub(crate) struct Program {
    /// Its name, which is also that of its crate.
    pub(crate) name: &'static str,
    folder: &'static str,
    /// Whether it is a capability server, which writes its own cap file, and under which name.
    capability: Option<&'static str>,
}

const fn program(name: &'static str, folder: &'static str) -> Program {
    Program { name, folder, capability: None }
}

/// All of them.
pub(crate) const PROGRAMS: [Program; 4] = [
    program("gateway", "usr/lib/llmbasedos"),
    Program { capability: Some("fs"), ..program("cap-fs", "usr/lib/llmbasedos") },
    program("llmbasedos", "usr/bin"),
    program("luca-shell", "usr/bin"),
];

/// Folders of the source, and where they go. Their files are text that everybody may read.
const FOLDERS: [(&str, &str); 7] = [
    ("systemd/system", "usr/lib/systemd/system"),
    ("systemd/system-preset", "usr/lib/systemd/system-preset"),
    ("systemd/sysusers.d", "usr/lib/sysusers.d"),
    ("systemd/tmpfiles.d", "usr/lib/tmpfiles.d"),
    ("systemd/config", "usr/share/llmbasedos/config"),
    ("systemd/files", "usr/share/llmbasedos/files"),
    ("systemd/apparmor", "etc/apparmor.d"),
];

/// Where cap files are kept until systemd-tmpfiles puts them into `/run/mcp`.
const CAPS: &str = "usr/share/llmbasedos/caps";

pub(crate) const PROGRAM_MODE: u32 = 0o755;
pub(crate) const TEXT_MODE: u32 = 0o644;
const FOLDER_MODE: u32 = 0o755;

/// Runs the command.
pub(crate) fn run(args: &StageArgs) -> Result<()> {
    let workspace = Workspace::load(&Cache::from_env()?)?;
    let programs = args.programs.clone().unwrap_or_else(|| dist::folder(&workspace, dist::RELEASE));
    stage(&workspace.root, &programs, &std::path::absolute(&args.dir)?)
}

/// Puts the programs of one folder and the files of the source `root` beneath `dir`.
pub(crate) fn stage(root: &Path, programs: &Path, dir: &Path) -> Result<()> {
    for program in &PROGRAMS {
        let built = programs.join(program.name);
        if !built.is_file() {
            bail!("`{}` is not there: build it with `cargo xtask dist`", built.display());
        }
        put(&fs::read(&built)?, &dir.join(program.folder).join(program.name), PROGRAM_MODE)?;
        if let Some(capability) = program.capability {
            let caps = process::capture(Command::new(&built).arg("caps"))?;
            put(
                caps.as_bytes(),
                &dir.join(CAPS).join(format!("{capability}.cap.json")),
                TEXT_MODE,
            )?;
        }
    }
    FOLDERS.iter().try_for_each(|(from, to)| copy(&root.join(from), &dir.join(to)))
}

/// Copies a folder with what it holds; links stay links.
pub(crate) fn copy(from: &Path, to: &Path) -> Result<()> {
    let named = || format!("read `{}`", from.display());
    for entry in fs::read_dir(from).with_context(named)? {
        let entry = entry.with_context(named)?;
        let (kind, new) = (entry.file_type()?, to.join(entry.file_name()));
        if kind.is_dir() {
            copy(&entry.path(), &new)?;
        } else if kind.is_symlink() {
            folder(to)?;
            remove(&new)?;
            std::os::unix::fs::symlink(fs::read_link(entry.path())?, &new)
                .with_context(|| format!("link `{}`", new.display()))?;
        } else {
            put(&fs::read(entry.path())?, &new, TEXT_MODE)?;
        }
    }
    Ok(())
}

/// Writes a file with this mode, whatever the mask of this process is.
pub(crate) fn put(content: &[u8], to: &Path, mode: u32) -> Result<()> {
    let write = || -> Result<()> {
        folder(to.parent().unwrap_or(Path::new("/")))?;
        remove(to)?;
        fs::write(to, content)?;
        Ok(fs::set_permissions(to, Permissions::from_mode(mode))?)
    };
    write().with_context(|| format!("write `{}`", to.display()))
}

/// Makes a folder and those above it, each with its mode, whatever the mask of this process is; what is there stays.
fn folder(path: &Path) -> Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    path.parent().map_or(Ok(()), folder)?;
    fs::create_dir(path)?;
    Ok(fs::set_permissions(path, Permissions::from_mode(FOLDER_MODE))?)
}

/// Takes a file away, if it is there: a program that runs cannot be written over, and a link would be followed.
pub(crate) fn remove(path: &Path) -> Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error.into()),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_is_staged_with_its_mode() {
        let temp = tempfile::tempdir().unwrap();
        let (root, built, dir) =
            (temp.path().join("src"), temp.path().join("built"), temp.path().join("dir"));
        for (from, _) in FOLDERS {
            fs::create_dir_all(root.join(from).join("inner")).unwrap();
            fs::write(root.join(from).join("inner/file"), from).unwrap();
        }
        std::os::unix::fs::symlink("../x", root.join("systemd/system/link")).unwrap();
        fs::create_dir(&built).unwrap();
        for Program { name: program, .. } in &PROGRAMS {
            let script = format!("#!/bin/sh\necho $1 of {program}\n");
            fs::write(built.join(program), script).unwrap();
            fs::set_permissions(built.join(program), Permissions::from_mode(0o700)).unwrap();
        }
        // Twice, since a folder that is there is not in the way.
        stage(&root, &built, &dir).unwrap();
        stage(&root, &built, &dir).unwrap();

        let mode = |path: &str| fs::metadata(dir.join(path)).unwrap().permissions().mode() & 0o7777;
        assert_eq!(mode("usr/lib/llmbasedos/gateway"), PROGRAM_MODE);
        assert_eq!(mode("usr/lib/systemd/system/inner/file"), TEXT_MODE);
        let caps = fs::read_to_string(dir.join("usr/share/llmbasedos/caps/fs.cap.json")).unwrap();
        assert_eq!(caps, "caps of cap-fs\n");
        let link = fs::read_link(dir.join("usr/lib/systemd/system/link")).unwrap();
        assert_eq!(link, Path::new("../x"));
    }

    #[test]
    fn a_program_that_is_missing_is_named() {
        let temp = tempfile::tempdir().unwrap();
        let error = stage(temp.path(), temp.path(), &temp.path().join("dir")).unwrap_err();
        assert!(error.to_string().contains("gateway` is not there"), "{error}");
    }
}
