//! The length of source files: one that is too long holds two topics.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// Enough for one topic with its documentation; nine of ten files stay under 300.
const MAX_CODE_LINES: usize = 400;

/// Tests are read one at a time, and a table of cases is long without being complicated.
const MAX_TEST_LINES: usize = 900;

/// Which of these files are sources and too long, one line each.
pub(super) fn check(root: &Path, files: &[PathBuf]) -> Result<Vec<String>> {
    let mut problems = Vec::new();
    for file in files.iter().filter(|file| file.extension() == Some(OsStr::new("rs"))) {
        let text = fs::read_to_string(root.join(file))
            .with_context(|| format!("read `{}`", file.display()))?;
        problems.extend(check_file(file, text.lines().count()));
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
    fn only_sources_are_counted() {
        let temp = tempfile::tempdir().unwrap();
        let files = ["a.rs", "a.txt"].map(PathBuf::from);
        for file in &files {
            fs::write(temp.path().join(file), "//\n".repeat(401)).unwrap();
        }
        let problems = check(temp.path(), &files).unwrap();
        assert_eq!(problems, ["`a.rs` has 401 lines: at most 400, split it"]);
    }
}
