//! A folder that is made again when, and only when, what it is made from has changed.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use anyhow::{Context, Result};

use crate::say;

const STAMP: &str = ".stamp";

/// Makes `folder` with `make`, unless its stamp says that it was made from these `inputs`.
///
/// The stamp holds the inputs themselves: a copy needs no hash function and shows what is there.
pub(crate) fn ensure(
    folder: &Path,
    inputs: &str,
    make: impl FnOnce(&Path) -> Result<()>,
) -> Result<()> {
    let stamp = folder.join(STAMP);
    if fs::read_to_string(&stamp).is_ok_and(|found| found == inputs) {
        return Ok(());
    }
    say::line(format_args!("installing `{}`", folder.display()));
    if let Err(error) = fs::remove_dir_all(folder)
        && error.kind() != ErrorKind::NotFound
    {
        return Err(error).with_context(|| format!("remove `{}`", folder.display()));
    }
    fs::create_dir_all(folder).with_context(|| format!("create `{}`", folder.display()))?;
    make(folder)?;
    // By rename, so that no reader finds half of a stamp.
    let unfinished = folder.join(".stamp.new");
    fs::write(&unfinished, inputs)
        .and_then(|()| fs::rename(&unfinished, &stamp))
        .with_context(|| format!("write `{}`", stamp.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether `ensure` called its function, and what it returned.
    fn ensure_with(folder: &Path, inputs: &str, result: Result<()>) -> (bool, bool) {
        let mut called = false;
        let outcome = ensure(folder, inputs, |folder| {
            called = true;
            fs::write(folder.join("made"), inputs)?;
            result
        });
        (called, outcome.is_ok())
    }

    #[test]
    fn it_is_made_once_for_the_same_inputs() {
        let temp = tempfile::tempdir().unwrap();
        let folder = temp.path().join("deep/folder");
        assert_eq!(ensure_with(&folder, "a", Ok(())), (true, true));
        assert_eq!(ensure_with(&folder, "a", Ok(())), (false, true));
        fs::write(folder.join("left over"), "").unwrap();
        assert_eq!(ensure_with(&folder, "b", Ok(())), (true, true));
        assert!(!folder.join("left over").is_file(), "made from nothing, not over the old one");
    }

    #[test]
    fn an_interrupted_one_is_made_again() {
        let temp = tempfile::tempdir().unwrap();
        let folder = temp.path().join("folder");
        assert_eq!(ensure_with(&folder, "a", Err(anyhow::anyhow!("cut"))), (true, false));
        assert_eq!(ensure_with(&folder, "a", Ok(())), (true, true));
    }
}
