//! The threads that serve, each with a runtime of its own.
//!
//! A connection stays with the thread that it was given to, and so does everything that is done for it: on a runtime that moves
//! tasks between threads, a short call spends more time waking another thread than in all its own steps together.

use std::cell::Cell;
use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use tokio::runtime::{Builder, Handle};
use tokio_util::sync::CancellationToken;

use crate::limits::TICK;

thread_local! {
    /// Which of the threads this is.
    static NUMBER: Cell<usize> = const { Cell::new(0) };
}

/// The number of the thread that asks, from 0 on.
pub(crate) fn current() -> usize {
    NUMBER.get()
}

/// The threads.
pub(crate) struct Workers {
    first: Handle,
    others: Vec<Handle>,
    next: AtomicUsize,
    stop: CancellationToken,
}

impl Workers {
    /// Starts as many threads; at least one.
    pub(crate) fn start(count: usize) -> io::Result<Self> {
        let stop = CancellationToken::new();
        let first = start(0, &stop)?;
        let others = (1..count).map(|number| start(number, &stop)).collect::<io::Result<_>>()?;
        Ok(Self { first, others, next: AtomicUsize::new(0), stop })
    }

    /// The thread for the next connection: each in its turn.
    pub(crate) fn next(&self) -> &Handle {
        let turn = self.next.fetch_add(1, Ordering::Relaxed) % (self.others.len() + 1);
        turn.checked_sub(1).and_then(|other| self.others.get(other)).unwrap_or(&self.first)
    }

    /// Ends the threads, with all that still runs on them. The process does not wait for that.
    pub(crate) fn stop(&self) {
        self.stop.cancel();
    }
}

fn start(number: usize, stop: &CancellationToken) -> io::Result<Handle> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let (handle, stop) = (runtime.handle().clone(), stop.clone());
    let thread = thread::Builder::new().name(format!("worker-{number}"));
    thread.spawn(move || {
        NUMBER.set(number);
        runtime.block_on(stop.run_until_cancelled(tick()))
    })?;
    Ok(handle)
}

/// A timer that is always due before any other that a request sets. One that is due earlier than all makes the runtime wake its
/// own thread, which costs every request a system call and a turn of the loop.
async fn tick() {
    let mut ticks = tokio::time::interval(TICK);
    loop {
        ticks.tick().await;
    }
}
