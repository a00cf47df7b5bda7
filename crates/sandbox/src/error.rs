//! Why a process could not be locked.

use std::io;

use crate::limits::{LANDLOCK_OLDEST, NEEDS_MAX_DIRECTORIES};

/// Why [`lock`](crate::lock()) refused. The process must end: it may be locked in part.
///
/// The messages go to the administrator who starts the daemon, not to a client.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LockError {
    /// The kernel binds a filter to the calling thread, so the others would go free.
    #[error(
        "{threads} threads run, and only the calling one would be locked: lock before anything \
         starts a thread"
    )]
    Threads {
        /// How many threads the process has.
        threads: usize,
    },
    /// The threads could not be counted.
    #[error("counting the threads in `/proc/self/status`: mount `/proc` for this process")]
    Proc(#[source] io::Error),
    /// More directories than [`NEEDS_MAX_DIRECTORIES`].
    #[error(
        "{given} directories are declared, and {NEEDS_MAX_DIRECTORIES} is the most: name fewer"
    )]
    TooManyDirectories {
        /// How many were given.
        given: usize,
    },
    /// No Landlock, or one older than [`LANDLOCK_OLDEST`].
    #[error(
        "the kernel has no Landlock of ABI {} or newer: use Linux 5.19 or newer with `landlock` \
         in its `lsm=` list, or pass `--unconfined` to run without this protection",
        LANDLOCK_OLDEST as u32
    )]
    LandlockMissing,
    /// Landlock is there and refused the rules.
    #[error("the kernel refused the Landlock rules: check that each declared directory is open")]
    Landlock(#[source] landlock::RulesetError),
    /// The filter could not be made for this processor.
    #[error("making the system-call filter for this processor: use x86-64 or arm64")]
    Filter(#[source] seccompiler::BackendError),
    /// The filter is made and the kernel refused it.
    #[error(
        "the kernel refused the system-call filter: use a kernel with `CONFIG_SECCOMP_FILTER`, or \
         pass `--unconfined` to run without this protection"
    )]
    Seccomp(#[source] seccompiler::Error),
    /// The kernel would not promise that no program gains privileges.
    #[error("the kernel refused no-new-privs: use Linux 3.5 or newer")]
    NoNewPrivs(#[source] io::Error),
}
