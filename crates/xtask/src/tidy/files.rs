//! The files of the checkout.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result};

/// What is in the checkout, as paths below `root` in their order: what git tracks, or would if asked to add everything.
/// A build from a source archive has no repository; then it is all files, save for what was built or installed.
pub(crate) fn list(root: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    if let Some(tracked) = tracked(root) {
        files = tracked;
    } else {
        collect(root, root, &mut files)?;
    }
    files.sort();
    Ok(files)
}

/// What git says, if this is the top of a repository that it may read.
fn tracked(root: &Path) -> Option<Vec<PathBuf>> {
    // A folder, or in a second work tree a file.
    fs::symlink_metadata(root.join(".git")).ok()?;
    let output = Command::new("git")
        .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard", "--deduplicate"])
        .current_dir(root)
        .stdin(Stdio::null())
        .output()
        .ok()?;
    let paths = String::from_utf8(output.status.success().then_some(output.stdout)?).ok()?;
    let paths = paths.split_terminator('\0').map(PathBuf::from);
    // One that was deleted a moment ago is tracked still.
    Some(paths.filter(|path| is_file(&root.join(path))).collect())
}

fn is_file(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|found| found.is_file())
}

/// Collects the files of a folder, links not followed.
fn collect(root: &Path, folder: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    let entries = fs::read_dir(folder).with_context(|| format!("list `{}`", folder.display()))?;
    for entry in entries {
        let entry = entry.with_context(|| format!("list `{}`", folder.display()))?;
        let path = entry.path();
        let kind = entry.file_type().with_context(|| format!("look at `{}`", path.display()))?;
        if kind.is_file() {
            files.extend(path.strip_prefix(root).map(Path::to_owned));
        } else if kind.is_dir() && !is_generated(&path) {
            collect(root, &path, files)?;
        }
    }
    Ok(())
}

/// Build folders, which Cargo marks with a tag, and what tools keep for themselves.
fn is_generated(folder: &Path) -> bool {
    let kept = [".git", "node_modules"].iter().any(|name| folder.ends_with(name));
    kept || folder.join("CACHEDIR.TAG").is_file()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A folder with these files, all empty.
    fn folder(files: &[&str]) -> tempfile::TempDir {
        let temp = tempfile::tempdir().unwrap();
        for file in files {
            let path = temp.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        temp
    }

    #[test]
    fn an_archive_has_all_but_what_was_built() {
        let temp =
            folder(&["src/a.rs", ".ci/run", "build/CACHEDIR.TAG", "build/a.rs", "node_modules/b"]);
        let found = list(temp.path()).unwrap();
        assert_eq!(found, [".ci/run", "src/a.rs"].map(PathBuf::from));
    }

    #[test]
    fn a_repository_has_what_git_would_track() {
        let temp = folder(&["src/a.rs", "new", "gone", "kept-out/b"]);
        fs::write(temp.path().join(".gitignore"), "/kept-out\n").unwrap();
        let git = |words: &[&str]| {
            let status = Command::new("git").args(words).current_dir(temp.path()).status().unwrap();
            assert!(status.success(), "{words:?}");
        };
        git(&["init", "--quiet"]);
        git(&["add", "src", "gone"]);
        fs::remove_file(temp.path().join("gone")).unwrap();
        let found = list(temp.path()).unwrap();
        assert_eq!(found, [".gitignore", "new", "src/a.rs"].map(PathBuf::from));
    }
}
