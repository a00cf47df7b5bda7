//! The cache folder: what can be made again, shared by every checkout of this user.
//!
//! ```text
//! CACHE/tools/   what `cargo xtask tools` installs
//! CACHE/fuzz/    what fuzzing has found, and the inputs that it goes on from
//! CACHE/mutants/ what became of each mutant of the code that guards the rest
//! CACHE/vm/      what the emulated machine is made from and run by
//! CACHE/target/  the build cache of CI, whose clone is new every time
//! ```

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

/// The variable through which tests find the installed tools.
pub(crate) const TOOLS_VARIABLE: &str = "LLMBASEDOS_TOOLS";

/// Where things are kept between runs.
#[derive(Debug)]
pub(crate) struct Cache {
    root: PathBuf,
    target: Option<PathBuf>,
}

impl Cache {
    /// `LLMBASEDOS_CACHE`, or a folder of ours where the user's caches are.
    pub(crate) fn from_env() -> Result<Self> {
        Self::from_lookup(|name| std::env::var_os(name))
    }

    fn from_lookup(lookup: impl Fn(&str) -> Option<OsString>) -> Result<Self> {
        // The XDG specification says that a relative path is to be ignored; the same holds for
        // ours, since it would mean another folder in each directory.
        let folder = |name: &str| lookup(name).map(PathBuf::from).filter(|path| path.is_absolute());
        let root = if let Some(own) = folder("LLMBASEDOS_CACHE") {
            own
        } else if let Some(caches) = folder("XDG_CACHE_HOME") {
            caches.join("llmbasedos")
        } else if let Some(home) = folder("HOME") {
            home.join(".cache/llmbasedos")
        } else {
            bail!("no cache folder: set `LLMBASEDOS_CACHE` to an absolute path");
        };
        let ci = lookup("CI").is_some_and(|value| value == "true");
        let chosen = lookup("CARGO_TARGET_DIR").is_some();
        let target = (ci && !chosen).then(|| root.join("target"));
        Ok(Self { root, target })
    }

    /// The folder that holds the installed tools.
    pub(crate) fn tools(&self) -> PathBuf {
        self.root.join("tools")
    }

    /// The folder of what became of mutants.
    pub(crate) fn mutants(&self) -> PathBuf {
        self.root.join("mutants")
    }

    /// The folder of the emulated machine.
    pub(crate) fn vm(&self) -> PathBuf {
        self.root.join("vm")
    }

    /// The folder in which things are built twice.
    pub(crate) fn repro(&self) -> PathBuf {
        self.root.join("repro")
    }

    /// The folder of fuzzing, with a folder for each target.
    pub(crate) fn fuzz(&self) -> PathBuf {
        self.root.join("fuzz")
    }

    /// The build folder that replaces Cargo's own choice: in CI only, where the checkout is a
    /// fresh clone and would build cold each time.
    pub(crate) fn target(&self) -> Option<&Path> {
        self.target.as_deref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(env: &[(&str, &str)], root: Option<&str>, target: Option<&str>) {
        let lookup = |name: &str| {
            env.iter().find(|(key, _)| *key == name).map(|(_, value)| OsString::from(value))
        };
        let cache = Cache::from_lookup(lookup).ok();
        assert_eq!(cache.as_ref().map(|c| c.root.as_path()), root.map(Path::new));
        assert_eq!(cache.as_ref().and_then(Cache::target), target.map(Path::new));
    }

    #[test]
    fn the_first_absolute_path_wins() {
        check(&[("LLMBASEDOS_CACHE", "/c"), ("XDG_CACHE_HOME", "/x")], Some("/c"), None);
        check(&[("XDG_CACHE_HOME", "/x"), ("HOME", "/h")], Some("/x/llmbasedos"), None);
        check(&[("HOME", "/h")], Some("/h/.cache/llmbasedos"), None);
        check(
            &[("LLMBASEDOS_CACHE", "c"), ("XDG_CACHE_HOME", "x"), ("HOME", "/h")],
            Some("/h/.cache/llmbasedos"),
            None,
        );
        check(&[("HOME", "relative")], None, None);
    }

    #[test]
    fn only_ci_builds_in_the_cache_and_a_chosen_folder_is_left_alone() {
        check(
            &[("HOME", "/h"), ("CI", "true")],
            Some("/h/.cache/llmbasedos"),
            Some("/h/.cache/llmbasedos/target"),
        );
        check(&[("HOME", "/h"), ("CI", "")], Some("/h/.cache/llmbasedos"), None);
        check(
            &[("HOME", "/h"), ("CI", "true"), ("CARGO_TARGET_DIR", "/t")],
            Some("/h/.cache/llmbasedos"),
            None,
        );
    }
}
