//! Who waits for which answer.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use serde_json::Value;
use tokio::sync::{mpsc, oneshot};

use crate::error::CallError;
use crate::progress::Progress;

/// The outcome of a call.
pub(crate) type Outcome = Result<Value, CallError>;

/// One who waits.
#[derive(Debug)]
pub(crate) struct Waiter {
    pub(crate) outcome: oneshot::Sender<Outcome>,
    pub(crate) progress: Option<mpsc::Sender<Progress>>,
}

/// Those who wait, by the id of their request. Once the link has ended, nobody can begin to wait.
#[derive(Debug)]
pub(crate) struct Waiters(Mutex<Option<HashMap<u64, Waiter>>>);

impl Default for Waiters {
    fn default() -> Self {
        Self(Mutex::new(Some(HashMap::new())))
    }
}

impl Waiters {
    fn with<T>(&self, act: impl FnOnce(&mut HashMap<u64, Waiter>) -> T) -> Option<T> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).as_mut().map(act)
    }

    /// Begins to wait.
    pub(crate) fn add(&self, id: u64, waiter: Waiter) -> Result<(), CallError> {
        self.with(|waiters| waiters.insert(id, waiter)).map(drop).ok_or(CallError::Closed)
    }

    /// Ends the wait for `id`, if anybody waits.
    pub(crate) fn remove(&self, id: u64) -> Option<Waiter> {
        self.with(|waiters| waiters.remove(&id)).flatten()
    }

    /// Tells whoever waits for `id` how far the call has come.
    pub(crate) fn progress(&self, id: u64, progress: Progress) {
        let listener = self.with(|waiters| waiters.get(&id)?.progress.clone()).flatten();
        // Whoever does not keep up misses a step, and sees the next.
        if let Some(listener) = listener {
            listener.try_send(progress).ok();
        }
    }

    /// Ends every wait: the link has ended.
    pub(crate) fn close(&self) {
        let waiters = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        for waiter in waiters.into_iter().flat_map(HashMap::into_values) {
            // Whoever has stopped waiting need not be told.
            waiter.outcome.send(Err(CallError::Closed)).ok();
        }
    }
}
