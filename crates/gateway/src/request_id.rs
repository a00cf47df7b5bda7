//! One id for a call in every log that it touches.

use std::sync::atomic::{AtomicU64, Ordering};

/// Makes request ids: a prefix that differs at every start, then a count.
pub(crate) struct RequestIds {
    prefix: String,
    next: AtomicU64,
}

impl RequestIds {
    /// A new series. The random prefix keeps ids of two runs apart in one log.
    pub(crate) fn new() -> Result<Self, getrandom::Error> {
        let prefix = format!("{:08x}", getrandom::u32()?);
        Ok(Self { prefix, next: AtomicU64::new(1) })
    }

    /// The next id.
    pub(crate) fn next(&self) -> String {
        format!("{}-{}", self.prefix, self.next.fetch_add(1, Ordering::Relaxed))
    }
}
