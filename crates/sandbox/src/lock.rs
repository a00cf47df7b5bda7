//! The one call.

use crate::{
    error::LockError,
    filter,
    limits::NEEDS_MAX_DIRECTORIES,
    needs::{Confinement, Needs},
    report::Report,
    ruleset, threads,
};

/// Locks the calling process to `needs`, for good: nothing can widen it again.
///
/// Call it on the main thread before any other exists, that is before a runtime, a log worker or
/// a pool is made: the kernel binds the calling thread, and what that thread starts.
///
/// The order is no-new-privs, Landlock, system-call filter, so that each step may still be made
/// under the ones before it.
///
/// # Errors
///
/// [`LockError::Threads`] when another thread exists, whatever `confinement` says: then the
/// program is wrong, not the kernel. With [`Confinement::Required`], also whatever the kernel
/// cannot hold; with [`Confinement::Unconfined`] that is left out and is in the [`Report`]. A
/// declared directory that the kernel refuses is an error in both.
pub fn lock(needs: &Needs<'_>, confinement: Confinement) -> Result<Report, LockError> {
    threads::require_one()?;
    let given = needs.directories.len();
    if given > NEEDS_MAX_DIRECTORIES {
        return Err(LockError::TooManyDirectories { given });
    }
    rustix::thread::set_no_new_privs(true).map_err(|error| LockError::NoNewPrivs(error.into()))?;
    let (landlock, landlock_abi) = ruleset::restrict(needs, confinement)?;
    let filters = filter::compile(needs)?;
    let seccomp = match filter::install(&filters) {
        Ok(()) => true,
        Err(error) if confinement == Confinement::Required => {
            return Err(LockError::Seccomp(error));
        }
        Err(_) => false,
    };
    // Asked of the kernel, not assumed: the report is what readiness shows.
    let no_new_privs =
        rustix::thread::no_new_privs().map_err(|error| LockError::NoNewPrivs(error.into()))?;
    Ok(Report { landlock_abi, landlock, seccomp, no_new_privs })
}
