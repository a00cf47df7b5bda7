//! The top level of the checkout, to which nothing is added.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// All that may be there. What else is needed finds its place in one of the folders.
const ENTRIES: [&str; 17] = [
    ".cargo",
    ".ci",
    ".clippy.toml",
    ".config",
    ".gitignore",
    ".rustfmt.toml",
    "Cargo.lock",
    "Cargo.toml",
    "LICENSE",
    "README.md",
    "archiso",
    "crates",
    "flake.lock",
    "flake.nix",
    "nix",
    "systemd",
    "vm-tests",
];

/// What is there and must not be, one line each.
pub(super) fn check(files: &[PathBuf]) -> Vec<String> {
    let first = |file: &PathBuf| file.iter().next().map(|part| PathBuf::from(Path::new(part)));
    let found: BTreeSet<PathBuf> = files.iter().filter_map(first).collect();
    let new = found
        .iter()
        .filter(|entry| ENTRIES.iter().all(|known| entry.as_path() != Path::new(known)));
    new.map(|entry| format!("`{}` is new at the top level: move it into a folder", entry.display()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_added_to_the_top_level() {
        let files = ["Cargo.toml", "crates/a/src/lib.rs", ".ci/run", "nix/vm.nix"];
        assert_eq!(check(&files.map(PathBuf::from)), Vec::<String>::new());
        let files = ["docs/a.md", "docs/b.md", "crates/docs/c.md", "Makefile"];
        assert_eq!(
            check(&files.map(PathBuf::from)),
            [
                "`Makefile` is new at the top level: move it into a folder",
                "`docs` is new at the top level: move it into a folder",
            ]
        );
    }
}
