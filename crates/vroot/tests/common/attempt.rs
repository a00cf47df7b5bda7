//! An operation on the text of a path, whether it is a path or not.

use vroot::{Error, ErrorKind, VPath};

/// Runs an operation on the text of a path, and tells its result or the kind of its error.
pub(crate) fn try_on<T>(
    text: &str,
    operation: impl FnOnce(&VPath) -> Result<T, Error>,
) -> Result<T, ErrorKind> {
    VPath::parse(text).and_then(|path| operation(&path)).map_err(|error| error.kind())
}
