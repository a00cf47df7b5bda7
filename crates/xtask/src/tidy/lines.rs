//! The length of source files: one that is too long holds two topics.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// Enough for one topic with its documentation; nine of ten files stay under 300.
const MAX_CODE_LINES: usize = 400;

/// Tests are read one at a time, and a table of cases is long without being complicated.
const MAX_TEST_LINES: usize = 900;

/// Which files under `root` are too long, one line each.
pub(super) fn check(root: &Path) -> Result<Vec<String>> {
    let mut files = Vec::new();
    collect(root, &mut files)?;
    files.sort();
    let mut problems = Vec::new();
    for file in files {
        let text =
            fs::read_to_string(&file).with_context(|| format!("read `{}`", file.display()))?;
        let path = file.strip_prefix(root).unwrap_or(&file);
        problems.extend(check_file(path, text.lines().count()));
    }
    Ok(problems)
}

fn check_file(path: &Path, lines: usize) -> Option<String> {
    let limit = if is_test(path) { MAX_TEST_LINES } else { MAX_CODE_LINES };
    (lines > limit)
        .then(|| format!("`{}` has {lines} lines: at most {limit}, split it", path.display()))
}

/// Whether a file holds nothing but tests.
fn is_test(path: &Path) -> bool {
    let stem = path.file_stem().and_then(OsStr::to_str).unwrap_or_default();
    let in_folder = path.parent().is_some_and(|dir| dir.iter().any(|part| part == "tests"));
    in_folder || stem == "tests" || stem.ends_with("_tests")
}

/// Collects the `.rs` files of a folder, links not followed. Not with `git ls-files`: a build from
/// a source archive has no repository.
fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    let entries = fs::read_dir(folder).with_context(|| format!("list `{}`", folder.display()))?;
    for entry in entries {
        let entry = entry.with_context(|| format!("list `{}`", folder.display()))?;
        let path = entry.path();
        let kind = entry.file_type().with_context(|| format!("look at `{}`", path.display()))?;
        if kind.is_file() && path.extension() == Some(OsStr::new("rs")) {
            files.push(path);
        } else if kind.is_dir() && !is_generated(&path) {
            collect(&path, files)?;
        }
    }
    Ok(())
}

/// Build folders, which Cargo marks with a tag, and what tools keep for themselves.
fn is_generated(folder: &Path) -> bool {
    let hidden = folder.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
    hidden || folder.ends_with("node_modules") || folder.join("CACHEDIR.TAG").is_file()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_one(path: &str, lines: usize, problem: Option<&str>) {
        assert_eq!(check_file(Path::new(path), lines).as_deref(), problem);
    }

    #[test]
    fn code_has_the_lower_limit() {
        check_one("crates/a/src/lib.rs", 400, None);
        check_one(
            "crates/a/src/lib.rs",
            401,
            Some("`crates/a/src/lib.rs` has 401 lines: at most 400, split it"),
        );
        check_one("crates/a/src/contests.rs", 401, {
            Some("`crates/a/src/contests.rs` has 401 lines: at most 400, split it")
        });
    }

    #[test]
    fn tests_have_the_higher_one() {
        check_one("crates/a/tests/all/deep.rs", 900, None);
        check_one("crates/a/src/tests.rs", 900, None);
        check_one("crates/a/src/wire_tests.rs", 900, None);
        check_one(
            "crates/a/tests/all.rs",
            901,
            Some("`crates/a/tests/all.rs` has 901 lines: at most 900, split it"),
        );
    }

    #[test]
    fn the_walk_finds_sources_and_leaves_build_folders_out() {
        let temp = tempfile::tempdir().unwrap();
        let long = "//\n".repeat(401);
        for folder in ["src", "build", ".hidden", "node_modules"] {
            fs::create_dir(temp.path().join(folder)).unwrap();
            fs::write(temp.path().join(folder).join("a.rs"), &long).unwrap();
        }
        fs::write(temp.path().join("build/CACHEDIR.TAG"), "").unwrap();
        fs::write(temp.path().join("src/a.txt"), &long).unwrap();
        let problems = check(temp.path()).unwrap();
        assert_eq!(problems, ["`src/a.rs` has 401 lines: at most 400, split it"]);
    }
}
