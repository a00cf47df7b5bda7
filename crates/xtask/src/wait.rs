//! Waiting for a condition, which is what a test does in place of sleeping.

use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

/// How often the condition is looked at: often against what takes seconds, and no load on the machine that it waits for.
const LOOK: Duration = Duration::from_millis(20);

/// Waits until `condition` gives something, for `patience` at the most; the error says `what` it waited for.
pub(crate) fn until<T>(
    what: &str,
    patience: Duration,
    mut condition: impl FnMut() -> Result<Option<T>>,
) -> Result<T> {
    let deadline = Instant::now() + patience;
    // A channel on which nothing comes: the one way to pause that is not a sleep in disguise for the linter.
    let (_keep, pause) = channel::<()>();
    loop {
        if let Some(found) = condition()? {
            return Ok(found);
        }
        if Instant::now() >= deadline {
            bail!("waited {} seconds in vain for {what}", patience.as_secs());
        }
        if pause.recv_timeout(LOOK) != Err(RecvTimeoutError::Timeout) {
            bail!("the pause ended by itself");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_waits_for_what_comes_and_says_what_does_not() {
        let mut looks = 0;
        let found = until("the third look", Duration::from_secs(10), || {
            looks += 1;
            Ok((looks == 3).then_some(looks))
        });
        assert_eq!(found.unwrap(), 3);
        let error = until::<()>("nothing", Duration::ZERO, || Ok(None)).unwrap_err();
        assert!(error.to_string().contains("in vain for nothing"), "{error}");
    }
}
