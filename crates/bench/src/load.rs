//! Load: how long calls take, and how many there are in a time.

use std::fs::File;
use std::io::Write as _;
use std::num::NonZero;
use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow};

use crate::link::Link;

/// What is written at once: about what a row of the record takes.
const SYNCED_BYTES: usize = 512;

/// Makes calls one after the other, and gives how long each took, in microseconds. The first tenth warms up and is not
/// counted.
pub(crate) fn one_by_one(link: &mut Link, calls: usize) -> Result<Vec<f64>> {
    let mut times = Vec::with_capacity(calls);
    for number in 0..calls + calls / 10 {
        let start = Instant::now();
        link.call()?;
        if number >= calls / 10 {
            times.push(start.elapsed().as_secs_f64() * 1e6);
        }
    }
    Ok(times)
}

/// Writes to a file and waits for the disk, one after the other, and gives how long each took, in microseconds: what nothing
/// that lasts can do without.
pub(crate) fn synced(file: &mut File, times: usize) -> Result<Vec<f64>> {
    let mut taken = Vec::with_capacity(times);
    for _ in 0..times {
        let start = Instant::now();
        file.write_all(&[b'x'; SYNCED_BYTES])?;
        file.sync_data()?;
        taken.push(start.elapsed().as_secs_f64() * 1e6);
    }
    Ok(taken)
}

/// Does `run` for each item on a thread of its own, all at once, and gives what each gave.
pub(crate) fn on_threads<I: Send, T: Send>(
    items: impl Iterator<Item = I>,
    run: impl Fn(usize, I) -> Result<T> + Sync,
) -> Result<Vec<T>> {
    let run = &run;
    thread::scope(|scope| {
        let start = |(number, item)| scope.spawn(move || run(number, item));
        let threads: Vec<_> = items.enumerate().map(start).collect();
        let ended = threads
            .into_iter()
            .map(|thread| thread.join().map_err(|_| anyhow!("a load client panicked")).flatten());
        ended.collect()
    })
}

/// Each connection calls as fast as it is answered: the calls a second, after a warm-up of a tenth of the time.
pub(crate) fn throughput(links: &mut [Link], time: Duration) -> Result<f64> {
    let barrier = Barrier::new(links.len());
    let counted = on_threads(links.iter_mut(), |_, link| {
        barrier.wait();
        let start = Instant::now() + time / 10;
        let end = start + time;
        let mut counted = 0_u32;
        loop {
            link.call()?;
            let now = Instant::now();
            if now > end {
                return Ok(counted);
            }
            counted += u32::from(now > start);
        }
    })?;
    Ok(f64::from(counted.iter().sum::<u32>()) / time.as_secs_f64())
}

/// Calls come at a fixed rate, whether those before are answered or not, spread over the connections: how long each took
/// from the moment at which it should have been made, in microseconds. A call that waits because the one before it on its
/// connection is late counts as late, so nothing is hidden ("coordinated omission").
#[expect(clippy::disallowed_methods, reason = "a call is due at a time, not at a condition")]
pub(crate) fn open_loop(links: &mut [Link], a_second: f64, time: Duration) -> Result<Vec<f64>> {
    let (barrier, clients) = (Barrier::new(links.len()), links.len());
    let gap = Duration::from_secs_f64(1.0 / a_second);
    let rounds = schedule_length(a_second, time, clients);
    let times = on_threads(links.iter_mut(), |number, link| {
        // Else the kernel adds 50 µs to every sleep, which is more than a call takes.
        rustix::thread::set_current_timer_slack(NonZero::new(1))?;
        barrier.wait();
        let start = Instant::now();
        let mut times = Vec::with_capacity(rounds);
        for round in 0..rounds {
            let due = start + gap * u32::try_from(round * clients + number)?;
            thread::sleep(due.saturating_duration_since(Instant::now()));
            link.call()?;
            times.push(due.elapsed().as_secs_f64() * 1e6);
        }
        // The first tenth warms up.
        Ok(times.split_off(rounds / 10))
    })?;
    Ok(times.concat())
}

/// How many calls each client makes.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "a whole number of calls, far below what a float holds"
)]
fn schedule_length(a_second: f64, time: Duration, clients: usize) -> usize {
    (a_second * time.as_secs_f64() / clients as f64).ceil() as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_schedule_has_the_rate() {
        assert_eq!(schedule_length(1000.0, Duration::from_secs(2), 10), 200);
        assert_eq!(schedule_length(1.0, Duration::from_secs(1), 10), 1);
    }
}
