//! Log lines that a stranger can cause, kept to a rate: whoever has no key must not be able to fill the disk.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How often one place in the code may log what strangers cause.
const PERIOD: Duration = Duration::from_secs(1);

/// Lets one line a period pass, and counts the others.
pub(crate) struct LogGate(Mutex<Seen>);

struct Seen {
    last: Option<Instant>,
    untold: u64,
}

impl LogGate {
    pub(crate) const fn new() -> Self {
        Self(Mutex::new(Seen { last: None, untold: 0 }))
    }

    /// `Some`: the line may be written, with how many were not since the last one.
    pub(crate) fn pass(&self) -> Option<u64> {
        self.pass_at(Instant::now())
    }

    fn pass_at(&self, now: Instant) -> Option<u64> {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.last.is_some_and(|last| now.duration_since(last) < PERIOD) {
            seen.untold += 1;
            return None;
        }
        seen.last = Some(now);
        Some(std::mem::take(&mut seen.untold))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_a_period_and_a_count_of_the_rest() {
        let gate = LogGate::new();
        let start = Instant::now();
        assert_eq!(gate.pass_at(start), Some(0));
        assert_eq!(gate.pass_at(start), None);
        assert_eq!(gate.pass_at(start + PERIOD / 2), None);
        assert_eq!(gate.pass_at(start + PERIOD), Some(2));
        assert_eq!(gate.pass_at(start + 2 * PERIOD), Some(0));
    }
}
