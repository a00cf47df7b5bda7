//! What stops a folder from being exposed at all.

use std::path::PathBuf;

/// Why [`VRoot::open`](crate::VRoot::open) failed.
///
/// This is for the operator who wrote the configuration, so unlike [`Error`](crate::Error) it
/// names host paths.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// A folder cannot be opened. Excluded folders must exist: one that appears later could not be
    /// recognised.
    #[error("{role} folder `{}` cannot be opened: make it and allow its use", path.display())]
    Folder {
        /// What the folder is for.
        role: Role,
        /// Its host path.
        path: PathBuf,
        /// What the host said.
        source: std::io::Error,
    },
    /// The folder to expose is one that must never be reached.
    #[error("folder `{}` is excluded and cannot be exposed: choose another", path.display())]
    RootExcluded {
        /// Its host path.
        path: PathBuf,
    },
    /// The folder of pending records is in use by another open root, whose records would be taken
    /// for those of this one.
    #[error("pending folder `{}` is in use by another root: give each root its own", path.display())]
    PendingInUse {
        /// Its host path.
        path: PathBuf,
    },
    /// The folder to expose holds switches and views of the kernel, such as `/proc`.
    #[error("folder `{}` is the kernel's and cannot be exposed: choose another", path.display())]
    RootOfKernel {
        /// Its host path.
        path: PathBuf,
    },
    /// The kernel has no `openat2`.
    #[error("this kernel has no `openat2`: use Linux 5.8 or newer")]
    Unsupported,
}

/// What a folder given to [`VRoot::open`](crate::VRoot::open) is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// It is exposed.
    Root,
    /// It keeps the records of unfinished writes.
    Pending,
    /// It keeps what changes replace.
    Kept,
    /// It is never reached.
    Excluded,
}

impl std::fmt::Display for Role {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self {
            Self::Root => "exposed",
            Self::Pending => "pending",
            Self::Kept => "history",
            Self::Excluded => "excluded",
        })
    }
}
