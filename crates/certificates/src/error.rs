//! Why there is no certificate to show.

use std::io;
use std::path::{Path, PathBuf};

/// What is wrong, with the file and what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file or folder cannot be read or written.
    #[error("`{}`: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the kernel said.
        source: io::Error,
    },
    /// A key that others may read.
    #[error(
        "`{}` is a private key that others than its owner may use (mode {mode:04o}): make it 0600 (chmod 600), and ask for a new certificate if somebody has read it",
        path.display()
    )]
    Open {
        /// The file.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// A file that is not what it should be.
    #[error("`{}`: {reason}", path.display())]
    Broken {
        /// The file.
        path: PathBuf,
        /// Why it is not, and what to do.
        reason: String,
    },
    /// A certificate could not be made.
    #[error("no certificate could be made: {0}")]
    Make(String),
}

impl Error {
    /// What to do with the error of a system call on this file.
    pub(crate) fn file(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::File { path, source }
    }

    pub(crate) fn broken(path: &Path, reason: impl Into<String>) -> Self {
        Self::Broken { path: path.to_owned(), reason: reason.into() }
    }
}

impl From<rcgen::Error> for Error {
    fn from(error: rcgen::Error) -> Self {
        Self::Make(error.to_string())
    }
}
