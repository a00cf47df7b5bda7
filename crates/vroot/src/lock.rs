//! Locks for the targets of writes.

use std::hash::{BuildHasher, RandomState};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::handle::FileId;
use crate::limits::LOCK_STRIPES;

/// Locks by folder and name, so that two appends to one file happen one after the other.
///
/// They guard against this process only; against others the target is examined again right before
/// it is replaced.
#[derive(Debug)]
pub(crate) struct Stripes {
    hasher: RandomState,
    stripes: [Mutex<()>; LOCK_STRIPES],
}

impl Default for Stripes {
    fn default() -> Self {
        Self { hasher: RandomState::new(), stripes: [const { Mutex::new(()) }; LOCK_STRIPES] }
    }
}

impl Stripes {
    /// Waits for the lock of one name in one folder.
    pub(crate) fn hold(&self, folder: FileId, name: &str) -> MutexGuard<'_, ()> {
        lock(&self.stripes[self.stripe(folder, name)])
    }

    fn stripe(&self, folder: FileId, name: &str) -> usize {
        let hash = self.hasher.hash_one((folder, name));
        let stripes = self.stripes.len() as u64;
        // The remainder is smaller than the number of stripes, so it always fits.
        usize::try_from(hash % stripes).unwrap_or(0)
    }

    /// Waits for the locks of two names, always in the same order.
    pub(crate) fn hold_two(
        &self,
        one: (FileId, &str),
        other: (FileId, &str),
    ) -> [Option<MutexGuard<'_, ()>>; 2] {
        let (one, other) = (self.stripe(one.0, one.1), self.stripe(other.0, other.1));
        let (first, second) = (one.min(other), one.max(other));
        let held = lock(&self.stripes[first]);
        [Some(held), (first != second).then(|| lock(&self.stripes[second]))]
    }

    /// Waits for all locks, in order: nothing is being written while they are held.
    pub(crate) fn hold_all(&self) -> Vec<MutexGuard<'_, ()>> {
        self.stripes.iter().map(lock).collect()
    }
}

/// The mutex guards no data, so a panic elsewhere left nothing half done.
fn lock(mutex: &Mutex<()>) -> MutexGuard<'_, ()> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
