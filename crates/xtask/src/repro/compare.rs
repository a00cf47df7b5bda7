//! Two folders, file by file: what is only in one, and where the others differ.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

/// What a file is besides its bytes, as two builds must agree.
#[derive(Debug, PartialEq, Eq)]
enum Kind {
    Folder(u32),
    File(u32, u64),
    Link(PathBuf),
    Other,
}

/// What differs, a line each; nothing where they are equal.
pub(super) fn folders(one: &Path, other: &Path) -> Result<Vec<String>> {
    let (left, right) = (listed(one)?, listed(other)?);
    let mut differences = Vec::new();
    for path in left.keys().chain(right.keys().filter(|path| !left.contains_key(*path))) {
        let name = path.display();
        match (left.get(path), right.get(path)) {
            (Some(_), None) => differences.push(format!("only in the first: {name}")),
            (None, Some(_)) => differences.push(format!("only in the second: {name}")),
            (Some(a), Some(b)) if a != b => differences.push(format!("{name}: {a:?} and {b:?}")),
            (Some(Kind::File(..)), _) => {
                let read = |folder: &Path| {
                    let file = folder.join(path);
                    fs::read(&file).with_context(|| format!("read `{}`", file.display()))
                };
                let (a, b) = (read(one)?, read(other)?);
                if let Some(at) = a.iter().zip(&b).position(|(a, b)| a != b) {
                    let count = a.iter().zip(&b).filter(|(a, b)| a != b).count();
                    differences.push(format!("{name}: {count} bytes differ, the first at {at}"));
                }
            }
            _ => {}
        }
    }
    Ok(differences)
}

/// How many files there are.
pub(super) fn count(folder: &Path) -> Result<usize> {
    Ok(listed(folder)?.values().filter(|kind| matches!(kind, Kind::File(..))).count())
}

fn listed(folder: &Path) -> Result<BTreeMap<PathBuf, Kind>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(&next).with_context(|| format!("read `{}`", next.display()))? {
            let path = entry?.path();
            let metadata = path.symlink_metadata()?;
            let mode = metadata.permissions().mode();
            let kind = if metadata.is_dir() {
                folders.push(path.clone());
                Kind::Folder(mode)
            } else if metadata.is_file() {
                Kind::File(mode, metadata.len())
            } else if metadata.is_symlink() {
                Kind::Link(fs::read_link(&path)?)
            } else {
                Kind::Other
            };
            found.insert(path.strip_prefix(folder)?.to_owned(), kind);
        }
    }
    Ok(found)
}

/// The comparison finds what it is for: a byte, a mode, a file too many, the end of a link.
pub(super) fn finds_differences() -> Result<()> {
    let temp = tempfile::Builder::new().prefix("llmb").tempdir()?;
    let (one, other) = (temp.path().join("one"), temp.path().join("other"));
    for folder in [&one, &other] {
        fs::create_dir(folder)?;
        for name in ["byte", "mode", "same"] {
            fs::write(folder.join(name), "text")?;
        }
        std::os::unix::fs::symlink("same", folder.join("link"))?;
    }
    ensure!(folders(&one, &other)?.is_empty(), "equal folders are said to differ");
    fs::write(other.join("byte"), "tent")?;
    fs::write(other.join("more"), "")?;
    fs::set_permissions(other.join("mode"), fs::Permissions::from_mode(0o600))?;
    fs::remove_file(other.join("link"))?;
    std::os::unix::fs::symlink("mode", other.join("link"))?;
    let found = folders(&one, &other)?;
    ensure!(found.len() == 4, "of four differences these are found: {found:?}");
    Ok(())
}
