//! What rates and budgets allow, at once, over time and over a restart.

#![expect(clippy::unwrap_used, reason = "what is missing fails the test")]

use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::Duration;

use quota::{Account, Budget, Charge, Clock, Exceeded, Quota, Rate, Refused, TooSoon, What, Who};

/// How many ask at once.
const CLIENTS: usize = 32;
const HOUR: Duration = Duration::from_hours(1);
/// Somewhere within a day.
const START: Duration = Duration::from_secs(1_790_000_000);

/// A clock that is set by hand.
#[derive(Clone)]
struct Time(Arc<AtomicU64>);

impl Time {
    fn new() -> Self {
        Self(Arc::new(AtomicU64::new(u64::try_from(START.as_nanos()).unwrap())))
    }

    fn clock(&self) -> Clock {
        let now = self.0.clone();
        Arc::new(move || Duration::from_nanos(now.load(Ordering::SeqCst)))
    }

    fn pass(&self, duration: Duration) {
        self.0.fetch_add(u64::try_from(duration.as_nanos()).unwrap(), Ordering::SeqCst);
    }

    fn go_back(&self, duration: Duration) {
        self.0.fetch_sub(u64::try_from(duration.as_nanos()).unwrap(), Ordering::SeqCst);
    }
}

fn folder() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("quota.db");
    (folder, path)
}

fn open(path: &Path, time: &Time) -> Arc<Quota> {
    Arc::new(Quota::open(path, time.clock(), time.clock()).unwrap())
}

fn rate(requests: u32, window: Duration) -> Rate {
    Rate { requests: NonZeroU32::new(requests).unwrap(), window }
}

fn anna(tool: Option<&str>) -> Who {
    let what = tool.map_or(What::Everything, |tool| What::Tool(tool.into()));
    Who { client: "anna".into(), what }
}

fn take_all(quota: &Quota, who: &Who, rate: Rate) -> u32 {
    let mut taken = 0;
    while quota.take(&[(who.clone(), rate)]).is_ok() {
        taken += 1;
    }
    taken
}

fn tokens(amount: u64, limit: u64) -> Charge {
    let account = Account::Client("anna".into());
    Charge { account, budget: Budget::LlmTokens, amount, limit: Some(limit) }
}

fn spent(quota: &Quota) -> u64 {
    quota.spent(&Account::Client("anna".into()), Budget::LlmTokens)
}

#[test]
fn a_rate_is_exact_however_many_ask_at_once() {
    let (_folder, path) = folder();
    let time = Time::new();
    let (quota, start) = (open(&path, &time), Arc::new(Barrier::new(CLIENTS)));
    let taken = Arc::new(AtomicUsize::new(0));
    thread::scope(|scope| {
        for _ in 0..CLIENTS {
            let (quota, start, taken) = (quota.clone(), start.clone(), taken.clone());
            scope.spawn(move || {
                start.wait();
                for _ in 0..100 {
                    if quota.take(&[(anna(None), rate(1000, HOUR))]).is_ok() {
                        taken.fetch_add(1, Ordering::Relaxed);
                    }
                }
            });
        }
    });
    assert_eq!(taken.load(Ordering::Relaxed), 1000);
    assert_eq!(quota.left(&anna(None), rate(1000, HOUR)), 0);
}

#[test]
fn what_was_used_comes_back_use_by_use() {
    let (_folder, path) = folder();
    let time = Time::new();
    let (quota, who, ten) = (open(&path, &time), anna(None), rate(10, HOUR));
    assert_eq!(quota.left(&who, ten), 10);
    assert_eq!(take_all(&quota, &who, ten), 10);
    let after = Duration::from_mins(6);
    assert_eq!(quota.take(&[(who.clone(), ten)]), Err(TooSoon { after }));
    time.pass(after.saturating_sub(Duration::from_nanos(1)));
    assert_eq!(quota.take(&[(who.clone(), ten)]), Err(TooSoon { after: Duration::from_nanos(1) }));
    time.pass(Duration::from_nanos(1));
    assert_eq!((quota.left(&who, ten), take_all(&quota, &who, ten)), (1, 1));
    time.pass(HOUR);
    assert_eq!((quota.left(&who, ten), take_all(&quota, &who, ten)), (10, 10));
    assert_eq!(take_all(&quota, &anna(Some("fs_write")), rate(3, HOUR)), 3, "a tool has its own");
    assert_eq!(take_all(&quota, &Who { client: "bert".into(), what: What::Everything }, ten), 10);
}

#[test]
fn a_restart_gives_no_second_share() {
    let (_folder, path) = folder();
    let time = Time::new();
    let (who, tool, ten) = (anna(None), anna(Some("fs_write")), rate(10, HOUR));
    let quota = open(&path, &time);
    assert_eq!((take_all(&quota, &who, ten), take_all(&quota, &tool, ten)), (10, 10));
    quota.flush().unwrap();
    drop(quota);
    let quota = open(&path, &time);
    assert_eq!((take_all(&quota, &who, ten), take_all(&quota, &tool, ten)), (0, 0));
    time.pass(HOUR);
    assert_eq!((take_all(&quota, &who, ten), take_all(&quota, &tool, ten)), (10, 10));
}

#[test]
fn a_clock_that_was_ahead_locks_nobody_out_for_longer_than_the_window() {
    let (_folder, path) = folder();
    let time = Time::new();
    let (who, ten) = (anna(None), rate(10, HOUR));
    let quota = open(&path, &time);
    take_all(&quota, &who, ten);
    quota.flush().unwrap();
    drop(quota);
    time.go_back(HOUR * 24 * 30);
    let quota = open(&path, &time);
    assert_eq!(take_all(&quota, &who, ten), 0);
    time.pass(HOUR);
    assert_eq!(take_all(&quota, &who, ten), 10);
}

#[test]
fn another_rate_takes_over_what_the_first_has_counted() {
    let (_folder, path) = folder();
    let time = Time::new();
    let (quota, who) = (open(&path, &time), anna(None));
    take_all(&quota, &who, rate(10, HOUR));
    assert_eq!(quota.left(&who, rate(100, Duration::from_mins(1))), 0);
    time.pass(Duration::from_mins(1));
    assert_eq!(take_all(&quota, &who, rate(100, Duration::from_mins(1))), 100);
}

#[test]
fn a_budget_is_never_exceeded_in_a_race() {
    let (_folder, path) = folder();
    let time = Time::new();
    let (quota, start) = (open(&path, &time), Arc::new(Barrier::new(CLIENTS)));
    let used = Arc::new(AtomicU64::new(0));
    thread::scope(|scope| {
        for client in 0..CLIENTS {
            let (quota, start, used) = (quota.clone(), start.clone(), used.clone());
            scope.spawn(move || {
                start.wait();
                for call in 0..30 {
                    let Ok(reserved) = quota.reserve(vec![tokens(100, 10_000)]) else { continue };
                    // Some are told to the last, some are cut off, and some are not made at all.
                    match (client + call) % 4 {
                        0 => {
                            used.fetch_add(100, Ordering::SeqCst);
                            drop(reserved);
                        }
                        1 => reserved.cancel().unwrap(),
                        _ => {
                            used.fetch_add(40, Ordering::SeqCst);
                            reserved.settle(&[(Budget::LlmTokens, 40)]).unwrap();
                        }
                    }
                    assert!(used.load(Ordering::SeqCst) <= 10_000);
                }
            });
        }
    });
    let used = used.load(Ordering::SeqCst);
    assert_eq!(spent(&quota), used);
    assert!(used > 9_900, "what is left is less than one call may need: {used}");
    drop(quota);
    assert_eq!(spent(&open(&path, &time)), used);
}

#[test]
fn all_of_a_call_is_reserved_or_nothing() {
    let (_folder, path) = folder();
    let quota = open(&path, &Time::new());
    let appliance = |amount, limit| Charge {
        account: Account::Appliance,
        budget: Budget::LlmTokens,
        amount,
        limit: Some(limit),
    };
    let refused = quota.reserve(vec![tokens(5, 100), appliance(5, 4)]).unwrap_err();
    let Refused::Exceeded(Exceeded { account, left, limit, needed, .. }) = refused else {
        unreachable!("{refused}");
    };
    assert_eq!((account, left, limit, needed), (Account::Appliance, 4, 4, 5));
    assert_eq!(spent(&quota), 0);
    quota.reserve(vec![tokens(60, 100), tokens(60, 100)]).unwrap_err();
    quota.reserve(vec![tokens(60, 100), tokens(40, 100)]).unwrap().cancel().unwrap();
    assert_eq!(spent(&quota), 0);
}

#[test]
fn what_is_not_settled_stays_spent_when_the_process_is_gone() {
    let (_folder, path) = folder();
    let time = Time::new();
    let quota = open(&path, &time);
    let reserved = quota.reserve(vec![tokens(70, 100)]).unwrap();
    // As after a kill: nothing is closed or flushed.
    std::mem::forget(reserved);
    std::mem::forget(quota);
    let quota = open(&path, &time);
    assert_eq!(spent(&quota), 70);
    quota.reserve(vec![tokens(31, 100)]).unwrap_err();
    quota.reserve(vec![tokens(30, 100)]).unwrap().cancel().unwrap();
}

#[test]
fn more_than_was_reserved_is_spent_all_the_same() {
    let (_folder, path) = folder();
    let quota = open(&path, &Time::new());
    let reserved = quota.reserve(vec![tokens(10, 100)]).unwrap();
    reserved.settle(&[(Budget::LlmTokens, 130)]).unwrap();
    assert_eq!(spent(&quota), 130);
    quota.reserve(vec![tokens(1, 100)]).unwrap_err();
}

#[test]
fn each_day_has_its_budget_and_a_clock_that_goes_back_has_no_second_one() {
    let (_folder, path) = folder();
    let time = Time::new();
    let quota = open(&path, &time);
    let late = quota.reserve(vec![tokens(100, 100)]).unwrap();
    quota.reserve(vec![tokens(1, 100)]).unwrap_err();
    time.pass(quota.until_tomorrow());
    let today = quota.reserve(vec![tokens(100, 100)]).unwrap();
    late.settle(&[(Budget::LlmTokens, 0)]).unwrap();
    assert_eq!(spent(&quota), 100, "what is given back belongs to the day of its reservation");
    // The day before has what was given back, once, and today has nothing more for that.
    time.go_back(Duration::from_secs(10));
    let rest = quota.reserve(vec![tokens(100, 100)]).unwrap();
    quota.reserve(vec![tokens(1, 100)]).unwrap_err();
    time.pass(quota.until_tomorrow());
    quota.reserve(vec![tokens(1, 100)]).unwrap_err();
    drop((today, rest));
}
