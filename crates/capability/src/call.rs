//! One call, as its handler sees it.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use capfile::{TextSource, TextSources};
use mcp_types::Caller;

use crate::life::{Life, Why};
use crate::progress::Progress;
use crate::tool::{ErrorKind, ToolError};

/// Who calls, for which request, and whether the answer is still wanted.
///
/// A caller may cancel a call, and may wait for so long only. A handler that takes long must look: it calls
/// [`Call::check`] in its loops and [`Call::wait`] where it would sleep.
#[derive(Debug, Clone)]
pub struct Call {
    caller: Caller,
    deadline: Option<Instant>,
    life: Arc<Life>,
    progress: Option<Progress>,
    /// From where the text of the result comes, once the handler has said it.
    text_from: Arc<Mutex<Option<TextSources>>>,
}

impl Call {
    /// A call whose frame was read at `read`.
    pub(crate) fn new(
        caller: Caller,
        read: Instant,
        life: Arc<Life>,
        progress: Option<Progress>,
    ) -> Self {
        // A time that no clock reaches is no bound.
        let deadline = caller.timeout_ms.and_then(|ms| read.checked_add(Duration::from_millis(ms)));
        Self { caller, deadline, life, progress, text_from: Arc::default() }
    }

    /// Whose call it is, as the gateway found.
    pub fn caller(&self) -> &Caller {
        &self.caller
    }

    /// Says that text in the result comes from these sources, besides those that were said before; none says that it is ours or that the
    /// owner vouches for it. A handler that says nothing may give text of every source that its tool declares
    /// ([`Tool::TEXT_FROM`](crate::Tool::TEXT_FROM)), and of no other.
    pub fn text_from(&self, sources: &[TextSource]) {
        let mut said = self.text_from.lock().unwrap_or_else(PoisonError::into_inner);
        *said = Some(said.unwrap_or_default().and(sources.iter().copied().collect()));
    }

    /// What the handler has said of it.
    pub(crate) fn said_text_from(&self) -> Option<TextSources> {
        *self.text_from.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// An error of kind [`ErrorKind::Cancelled`] once nobody waits for the answer any more, which a handler passes on:
    /// the caller has cancelled the call or is gone, its time is over, or the server stops. It costs less than a
    /// system call.
    pub fn check(&self) -> Result<(), ToolError> {
        let text = match self.life.given_up() {
            Some(Why::Cancelled) => "the caller cancelled this call",
            Some(Why::Stopping) => "the server stops: call again in a moment",
            None if self.remaining().is_some_and(|left| left.is_zero()) => {
                "the time that the caller waits is over: ask for less at once, or allow more time"
            }
            None => return Ok(()),
        };
        Err(ToolError::new(ErrorKind::Cancelled, text))
    }

    /// Whether [`Call::check`] gives an error.
    pub fn is_cancelled(&self) -> bool {
        self.check().is_err()
    }

    /// How long the caller will still wait, zero once that is over; `None` where it did not say.
    pub fn remaining(&self) -> Option<Duration> {
        self.deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()))
    }

    /// Sleeps for `length`, but no longer than the answer is wanted; then it is [`Call::check`].
    pub fn wait(&self, length: Duration) -> Result<(), ToolError> {
        self.life.pause(self.remaining().map_or(length, |left| left.min(length)));
        self.check()
    }

    /// Tells the caller how much is `done`, of what `total`, and in words what is being done, if it asked to be told.
    ///
    /// `done` must grow from call to call; what does not grow is not sent, nor is what comes within
    /// [`PROGRESS_INTERVAL`](crate::limits::PROGRESS_INTERVAL) of the last, so it may be called as often as is
    /// convenient. It never blocks.
    pub fn progress(&self, done: f64, total: Option<f64>, message: Option<&str>) {
        if let Some(progress) = &self.progress {
            self.life.tell(done, || progress.send(done, total, message));
        }
    }
}
