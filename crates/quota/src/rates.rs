//! How often somebody may do something.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock, PoisonError, RwLock};
use std::time::Duration;

use governor::clock::{Clock as Reading, Reference as _};
use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::state::StateStore;
use governor::{Quota as GovernorQuota, RateLimiter};

use crate::clock::Clock;
use crate::limits::MAX_WINDOW;

/// So many times at once, and so many in each window from then on.
///
/// It is a generic cell rate algorithm (GCRA): each use gives back its share of the window after it, not all of them at the
/// window's end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Rate {
    /// How many times.
    pub requests: NonZeroU32,
    /// In how long; [`MAX_WINDOW`] at the most.
    pub window: Duration,
}

/// Whose rate it is, and of what.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Who {
    /// The client.
    pub client: Arc<str>,
    /// Of what.
    pub what: What,
}

/// What a rate bounds.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum What {
    /// Every request, for all clients alike: the licence's.
    Everything,
    /// Every request, for this client alone.
    Own,
    /// The calls of a tool.
    Tool(Arc<str>),
}

impl What {
    /// As it is kept; no tool has such a name.
    pub(crate) fn key(&self) -> &str {
        match self {
            Self::Everything => "",
            Self::Own => "*",
            Self::Tool(name) => name,
        }
    }

    pub(crate) fn of_key(key: &str) -> Self {
        match key {
            "" => Self::Everything,
            "*" => Self::Own,
            name => Self::Tool(name.into()),
        }
    }
}

/// It was too often.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the rate is used up: try again in {} s", .after.as_millis().div_ceil(1000))]
pub struct TooSoon {
    /// How long until the next is allowed, if nobody else uses it.
    pub after: Duration,
}

/// When each rate will be whole again, in nanoseconds since the epoch; governor calls it the theoretical arrival time.
#[derive(Default)]
struct Cells(RwLock<HashMap<Who, AtomicU64>>);

#[derive(Clone)]
struct Shared(Arc<Cells>);

/// A clock for a limiter that counts from the epoch: a limiter counts from what its clock says when it is made.
struct SinceEpoch {
    clock: Clock,
    running: OnceLock<()>,
}

impl Reading for SinceEpoch {
    type Instant = Duration;

    fn now(&self) -> Duration {
        if self.running.get().is_some() { (self.clock)() } else { Duration::ZERO }
    }
}

impl StateStore for Shared {
    type Key = Who;

    fn measure_and_replace<T, F, E>(&self, who: &Who, decide: F) -> Result<T, E>
    where
        F: Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    {
        let cells = self.0.0.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(cell) = cells.get(who) {
            return replace(cell, decide);
        }
        drop(cells);
        let mut cells = self.0.0.write().unwrap_or_else(PoisonError::into_inner);
        replace(cells.entry(who.clone()).or_default(), decide)
    }
}

/// Decides on what is in the cell, again if somebody else changes it meanwhile. Zero stands for nothing.
fn replace<T, E>(
    cell: &AtomicU64,
    decide: impl Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
) -> Result<T, E> {
    let mut seen = cell.load(Ordering::Acquire);
    loop {
        let (outcome, next) = decide(Some(seen).filter(|seen| *seen != 0).map(Nanos::new))?;
        match cell.compare_exchange_weak(seen, next.into(), Ordering::AcqRel, Ordering::Acquire) {
            Ok(_) => return Ok(outcome),
            Err(other) => seen = other,
        }
    }
}

type Limiter = RateLimiter<Who, Shared, SinceEpoch, NoOpMiddleware<Duration>>;

/// All rates, over one set of cells.
pub(crate) struct Rates {
    clock: Clock,
    cells: Shared,
    limiters: RwLock<HashMap<Rate, Arc<Limiter>>>,
}

/// A rate that has been used, as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Kept {
    pub(crate) who: Who,
    pub(crate) whole_at: u64,
}

impl Rates {
    /// Rates that have been used as `kept` says. What would be whole only after the longest window was written by a clock that
    /// was wrong, and locks nobody out for longer than that.
    pub(crate) fn new(clock: Clock, kept: Vec<Kept>) -> Self {
        let latest = nanos(clock() + MAX_WINDOW);
        let cell = |kept: Kept| (kept.who, AtomicU64::new(kept.whole_at.min(latest)));
        let cells = Cells(RwLock::new(kept.into_iter().map(cell).collect()));
        Self { clock, cells: Shared(Arc::new(cells)), limiters: RwLock::default() }
    }

    /// Uses several rates once, all of them or none; where two race for the last use of the second, one of them may have used
    /// the first in vain.
    pub(crate) fn take_all(&self, rates: &[(Who, Rate)]) -> Result<(), TooSoon> {
        if rates.len() > 1 {
            let after = rates.iter().map(|(who, rate)| self.wait(who, *rate)).max();
            if let Some(after) = after.filter(|after| !after.is_zero()) {
                return Err(TooSoon { after });
            }
        }
        rates.iter().try_for_each(|(who, rate)| self.take(who, *rate))
    }

    fn take(&self, who: &Who, rate: Rate) -> Result<(), TooSoon> {
        let limiter = self.limiter(rate);
        self.heal(who, rate);
        limiter.check_key(who).map_err(|not_until| {
            let earliest = not_until.earliest_possible();
            TooSoon { after: earliest.duration_since((self.clock)().min(earliest)).into() }
        })
    }

    /// How long it takes until a rate can be used, which may be nothing.
    fn wait(&self, who: &Who, rate: Rate) -> Duration {
        let whole_at = self.whole_at(who, rate);
        let burst = rate.window.min(MAX_WINDOW).saturating_sub(share(rate));
        Duration::from_nanos(whole_at.saturating_sub(nanos((self.clock)() + burst)))
    }

    /// How many are left at this moment.
    pub(crate) fn left(&self, who: &Who, rate: Rate) -> u32 {
        let missing = self.whole_at(who, rate).saturating_sub(nanos((self.clock)()));
        let used = missing.div_ceil(nanos(share(rate)).max(1));
        rate.requests.get().saturating_sub(u32::try_from(used).unwrap_or(u32::MAX))
    }

    fn whole_at(&self, who: &Who, rate: Rate) -> u64 {
        self.heal(who, rate);
        let cells = self.cells.0.0.read().unwrap_or_else(PoisonError::into_inner);
        cells.get(who).map_or(0, |cell| cell.load(Ordering::Acquire))
    }

    /// A rate can be used up to its last, and that is whole a window later. What is later than that was counted by another rate,
    /// or by a clock that was wrong.
    fn heal(&self, who: &Who, rate: Rate) {
        let latest = nanos((self.clock)() + rate.window);
        let cells = self.cells.0.0.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(cell) = cells.get(who) {
            cell.fetch_min(latest, Ordering::AcqRel);
        }
    }

    /// What has been used and is not whole yet, in order.
    pub(crate) fn kept(&self) -> Vec<Kept> {
        let now = nanos((self.clock)());
        let mut cells = self.cells.0.0.write().unwrap_or_else(PoisonError::into_inner);
        // A rate that is whole is as good as one that was never used.
        cells.retain(|_, cell| *cell.get_mut() > now);
        let kept = cells.iter().map(|(who, cell)| {
            let whole_at = cell.load(Ordering::Acquire);
            Kept { who: who.clone(), whole_at }
        });
        let mut kept: Vec<_> = kept.collect();
        kept.sort_unstable();
        kept
    }

    fn limiter(&self, rate: Rate) -> Arc<Limiter> {
        let known = self.limiters.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(limiter) = known.get(&rate) {
            return limiter.clone();
        }
        drop(known);
        let mut known = self.limiters.write().unwrap_or_else(PoisonError::into_inner);
        known.entry(rate).or_insert_with(|| Arc::new(self.new_limiter(rate))).clone()
    }

    fn new_limiter(&self, rate: Rate) -> Limiter {
        // The quota is none only for a period of nothing, which a share never is.
        let quota = GovernorQuota::with_period(share(rate).max(Duration::from_nanos(1)))
            .unwrap_or_else(|| GovernorQuota::per_second(rate.requests))
            .allow_burst(rate.requests);
        let clock = SinceEpoch { clock: self.clock.clone(), running: OnceLock::new() };
        let limiter = RateLimiter::new(quota, self.cells.clone(), clock);
        limiter.clock().running.get_or_init(|| ());
        limiter
    }
}

/// After how long each use is given back.
fn share(rate: Rate) -> Duration {
    rate.window.min(MAX_WINDOW) / rate.requests.get()
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
