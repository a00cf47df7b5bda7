//! The life of a call: under way, then answered or given up, and never both.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

use crate::limits::PROGRESS_INTERVAL;

/// Where a call stands. The reader of the connection, the thread that runs the call and whoever writes its answer
/// share it.
#[derive(Debug, Default)]
pub(crate) struct Life {
    state: Mutex<State>,
    /// For the thread that runs the call and pauses.
    changed: Condvar,
    /// For the task that waits for a thread; there is one.
    given_up: Notify,
}

#[derive(Debug, Default)]
struct State {
    stage: Stage,
    /// The progress that was last told, and when.
    told: Option<(f64, Instant)>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Stage {
    #[default]
    UnderWay,
    GivenUp(Why),
    Answered,
}

/// Why nobody waits for the answer of a call any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Why {
    /// The caller said so, or is gone.
    Cancelled,
    /// The server stops, and the call has outlived the drain.
    Stopping,
}

impl Life {
    /// Gives the call up, unless it has been answered.
    pub(crate) fn give_up(&self, why: Why) {
        let mut state = self.state();
        if state.stage == Stage::UnderWay {
            state.stage = Stage::GivenUp(why);
            self.changed.notify_all();
            self.given_up.notify_one();
        }
    }

    /// Why the call was given up, if it was.
    pub(crate) fn given_up(&self) -> Option<Why> {
        self.state().stage.given_up()
    }

    /// Waits until the call is given up, which may never be.
    pub(crate) async fn until_given_up(&self) {
        self.given_up.notified().await;
    }

    /// Ends the call with an answer. `false`: it has been given up, and its answer must not be sent.
    pub(crate) fn answer(&self) -> bool {
        let mut state = self.state();
        if state.stage == Stage::UnderWay {
            state.stage = Stage::Answered;
        }
        state.stage == Stage::Answered
    }

    /// Blocks for so long, or until the call is given up.
    pub(crate) fn pause(&self, length: Duration) {
        let under_way = |state: &mut State| state.stage.given_up().is_none();
        // A thread that panicked with the lock changed nothing by halves.
        drop(self.changed.wait_timeout_while(self.state(), length, under_way));
    }

    /// Tells of progress by `send`, which says whether it could, unless the call is over, the progress is none, or the
    /// last was told only just before. The answer waits meanwhile, so none comes after it.
    pub(crate) fn tell(&self, progress: f64, send: impl FnOnce() -> bool) {
        let mut state = self.state();
        let now = Instant::now();
        let due = state.told.is_none_or(|(before, at)| {
            progress > before && now.duration_since(at) >= PROGRESS_INTERVAL
        });
        if due && state.stage == Stage::UnderWay && send() {
            state.told = Some((progress, now));
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Stage {
    fn given_up(self) -> Option<Why> {
        match self {
            Self::GivenUp(why) => Some(why),
            Self::UnderWay | Self::Answered => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_ends_once() {
        let life = Life::default();
        assert_eq!(life.given_up(), None);
        life.give_up(Why::Cancelled);
        life.give_up(Why::Stopping);
        assert_eq!(life.given_up(), Some(Why::Cancelled));
        assert!(!life.answer());

        let life = Life::default();
        assert!(life.answer());
        life.give_up(Why::Cancelled);
        assert_eq!(life.given_up(), None);
        assert!(life.answer());
    }

    #[test]
    fn progress_increases_and_ends_with_the_call() {
        let life = Life::default();
        let told = |progress| {
            let mut told = false;
            life.tell(progress, || {
                told = true;
                true
            });
            told
        };
        assert!(told(2.0));
        assert!(!told(3.0), "too soon");
        life.pause(PROGRESS_INTERVAL);
        assert!(!told(2.0), "no progress");
        assert!(told(3.0));
        life.pause(PROGRESS_INTERVAL);
        assert!(life.answer());
        assert!(!told(4.0), "after the answer");
    }

    #[test]
    fn progress_that_could_not_be_sent_does_not_count() {
        let life = Life::default();
        life.tell(1.0, || false);
        let mut sent = false;
        life.tell(1.0, || {
            sent = true;
            true
        });
        assert!(sent);
    }
}
