//! What is measured, in which order, and how often.

use std::fs::File;
use std::time::Duration;

use anyhow::{Result, anyhow};

use crate::figures::{Figure, Goal, quantile};
use crate::link::Link;
use crate::load;
use crate::memory;
use crate::stage::Stage;

/// The connections of the throughput goal.
const CLIENTS: usize = 64;
/// The connections to a capability server past the gateway: few enough to be taken beside those of the gateway.
const DIRECT: usize = 16;
/// The clients of the memory goals: busy ones, which are as many as one key may have, and half of them to see what one that
/// does nothing takes.
const BUSY: usize = 1000;
/// The threads that drive the busy ones.
const DRIVERS: usize = 8;
/// The calls that each of them has under way at once: in all fewer than a server takes.
const UNDER_WAY: usize = 25;

/// Of so many calls one: each waits for the disk.
const DURABLE_SHARE: usize = 10;

/// How much is measured.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Extent {
    /// Of everything, in alternating order.
    pub(crate) repeats: usize,
    /// Calls one by one.
    pub(crate) calls: usize,
    /// Of a measurement of throughput.
    pub(crate) time: Duration,
    /// Starts of each daemon.
    pub(crate) starts: usize,
    /// Rounds of the busy clients.
    pub(crate) rounds: usize,
}

/// Nothing is said of a run that had an error.
pub(crate) fn all(stage: &mut Stage, extent: Extent) -> Result<Vec<Figure>> {
    // Memory first: a gateway that has been under load has kept some.
    let mut figures = memory_of(stage, extent)?;
    let mut of_load = one_client(stage, extent)?;
    let (throughputs, rate) = many_clients(stage, extent)?;
    of_load.extend(throughputs);
    of_load.extend(durable(stage, extent)?);
    of_load.extend(at_half_load(stage, extent, rate / 2.0)?);
    of_load.append(&mut figures);
    for (program, times) in stage.cold_starts(extent.starts)? {
        let what = format!("start of {program}, until it is ready");
        of_load.push(goal("P13", &what, "ms", times, Goal::at_most(50.0, 15.0)));
    }
    Ok(of_load)
}

/// Runs each of several measurements once a repeat, every other time in the opposite order; gives the values of each.
pub(crate) fn alternating<const N: usize>(
    repeats: usize,
    mut measure: impl FnMut(usize) -> Result<f64>,
) -> Result<[Vec<f64>; N]> {
    let mut values = std::array::from_fn(|_| Vec::new());
    for repeat in 0..repeats {
        let forward = repeat % 2 == 0;
        for step in 0..N {
            let number = if forward { step } else { N - 1 - step };
            let value = measure(number)?;
            if let Some(values) = values.get_mut(number) {
                let values: &mut Vec<f64> = values;
                values.push(value);
            }
        }
    }
    Ok(values)
}

pub(crate) fn pairs(one: &[f64], other: &[f64], join: fn(f64, f64) -> f64) -> Vec<f64> {
    one.iter().zip(other).map(|(one, other)| join(*one, *other)).collect()
}

fn open(count: usize, one: impl Fn() -> Result<Link>) -> Result<Vec<Link>> {
    (0..count).map(|_| one()).collect()
}

pub(crate) fn info(what: &str, unit: &'static str, values: Vec<f64>) -> Figure {
    Figure { number: "", what: what.to_owned(), unit, values, goal: None }
}

pub(crate) fn goal(
    number: &'static str,
    what: &str,
    unit: &'static str,
    values: Vec<f64>,
    goal: Goal,
) -> Figure {
    Figure { number, what: what.to_owned(), unit, values, goal: Some(goal) }
}

/// P1: what the way through the gateway adds for one client.
fn one_client(stage: &Stage, extent: Extent) -> Result<Vec<Figure>> {
    let (port, key) = stage.gateway()?;
    let mut links = [
        Link::unix(&stage.server())?,
        Link::http(stage.axum_port, &key)?,
        Link::hop(stage.hop_port)?,
        Link::http(port, &key)?,
        Link::web(port, &key)?,
    ];
    let [direct, axum, hop, http, web] = alternating(extent.repeats, |number| {
        let link = links.get_mut(number).ok_or_else(|| anyhow!("no such link"))?;
        Ok(quantile(&load::one_by_one(link, extent.calls)?, 0.5))
    })?;
    let minus = |one: f64, other: f64| one - other;
    let limits = Goal::at_most(40.0, 20.0);
    Ok(vec![
        goal(
            "P1",
            "added by the gateway, 1 client, p50, HTTP",
            "µs",
            pairs(&http, &direct, minus),
            limits,
        ),
        goal(
            "P1",
            "added by the gateway, 1 client, p50, WebSocket",
            "µs",
            pairs(&web, &direct, minus),
            limits,
        ),
        info("  added by bare axum that passes the call on", "µs", pairs(&hop, &direct, minus)),
        info("  of that beyond bare axum that answers", "µs", pairs(&http, &axum, minus)),
        info("  the server called directly, UNIX socket", "µs", direct),
        info("  bare axum echo, TCP", "µs", axum),
        info("  through the gateway, HTTP", "µs", http),
        info("  through the gateway, WebSocket", "µs", web),
    ])
}

/// What it costs that a change is on the disk before it is made: no more than one write to the disk, and a little.
fn durable(stage: &Stage, extent: Extent) -> Result<Vec<Figure>> {
    let (port, key) = stage.gateway()?;
    let mut reading = Link::http(port, &key)?;
    let mut changing = Link::changing(port, &key)?;
    let mut file = File::create(stage.file("synced"))?;
    let calls = extent.calls / DURABLE_SHARE;
    let [reads, changes, syncs] = alternating(extent.repeats, |number| {
        let times = match number {
            0 => load::one_by_one(&mut reading, calls)?,
            1 => load::one_by_one(&mut changing, calls)?,
            _ => load::synced(&mut file, calls)?,
        };
        Ok(quantile(&times, 0.5))
    })?;
    let minus = |one: f64, other: f64| one - other;
    let added = pairs(&changes, &reads, minus);
    let beyond = pairs(&added, &syncs, minus);
    let limits = Goal::at_most(200.0, 200.0);
    Ok(vec![
        goal("audit", "a change, beyond a read and one fsync, p50", "µs", beyond, limits),
        info("  a read, p50", "µs", reads),
        info("  a change, p50", "µs", changes),
        info("  512 bytes written and synced, p50", "µs", syncs),
    ])
}

/// P3: what is left of the throughput. Gives the gateway's own too.
fn many_clients(stage: &Stage, extent: Extent) -> Result<(Vec<Figure>, f64)> {
    let (port, key) = stage.gateway()?;
    let server = stage.server();
    let [direct, axum, http, web] = alternating(extent.repeats, |number| {
        let mut links = match number {
            0 => open(DIRECT, || Link::unix(&server)),
            1 => open(CLIENTS, || Link::http(stage.axum_port, &key)),
            2 => open(CLIENTS, || Link::http(port, &key)),
            _ => open(CLIENTS, || Link::web(port, &key)),
        }?;
        load::throughput(&mut links, extent.time)
    })?;
    let by = |one: f64, other: f64| one / other;
    let limits = Goal::at_least(0.5, 0.7);
    let rate = quantile(&http, 0.5);
    let figures = vec![
        goal(
            "P3",
            "throughput by bare axum's, 64 clients, HTTP",
            "x",
            pairs(&http, &axum, by),
            limits,
        ),
        info(
            "  by that of the server called directly (16 connections)",
            "x",
            pairs(&http, &direct, by),
        ),
        info("  by bare axum's, WebSocket", "x", pairs(&web, &axum, by)),
        info("  the server called directly, 16 connections", "a second", direct),
        info("  bare axum echo", "a second", axum),
        info("  through the gateway, HTTP", "a second", http),
        info("  through the gateway, WebSocket", "a second", web),
    ];
    Ok((figures, rate))
}

/// P2: what is added for the slowest of a hundred, when calls come at half of the rate that the gateway can take.
fn at_half_load(stage: &Stage, extent: Extent, a_second: f64) -> Result<Vec<Figure>> {
    let (port, key) = stage.gateway()?;
    let server = stage.server();
    let [direct, axum, http] = alternating(extent.repeats, |number| {
        let mut links = match number {
            0 => open(DIRECT, || Link::unix(&server)),
            1 => open(CLIENTS, || Link::http(stage.axum_port, &key)),
            _ => open(CLIENTS, || Link::http(port, &key)),
        }?;
        Ok(quantile(&load::open_loop(&mut links, a_second, extent.time)?, 0.99))
    })?;
    let minus = |one: f64, other: f64| one - other;
    let added = pairs(&http, &direct, minus);
    Ok(vec![
        goal("P2", "added p99 at half load, open loop", "µs", added, Goal::at_most(1000.0, 250.0)),
        info("  the server called directly, p99", "µs", direct),
        info("  bare axum echo, p99", "µs", axum),
        info("  through the gateway, p99", "µs", http),
    ])
}

/// P11: the gateway's memory.
fn memory_of(stage: &Stage, extent: Extent) -> Result<Vec<Figure>> {
    let (port, key) = stage.gateway()?;
    let pid = stage.gateway_pid()?;
    let (mib, kib) = (1024.0 * 1024.0, 1024.0);
    let idle = memory::of(pid)?;
    let called = || {
        let mut link = Link::web(port, &key)?;
        link.call()?;
        Ok(link)
    };
    // What the first ones make the gateway keep for good is not a client's.
    let mut links = open(BUSY / 10, called)?;
    let before = memory::of(pid)?;
    links.extend(open(BUSY / 2, called)?);
    let after = memory::of(pid)?;
    links.extend(open(BUSY - links.len(), called)?);
    let peak = busy(&mut links, extent.rounds, pid)?;
    let each = |after: u64, before: u64| {
        as_float(after.saturating_sub(before))
            / as_float(u64::try_from(BUSY / 2).unwrap_or(1))
            / kib
    };
    Ok(vec![
        goal(
            "P11",
            "gateway, idle, resident",
            "MiB",
            vec![as_float(idle.resident) / mib],
            Goal::at_most(12.0, 8.0),
        ),
        info("  of that private", "MiB", vec![as_float(idle.private) / mib]),
        goal(
            "P11",
            "a WebSocket client that has called and does nothing",
            "KiB",
            vec![each(after.private, before.private)],
            Goal::at_most(24.0, 16.0),
        ),
        goal(
            "P11",
            "gateway, 1,000 WebSocket clients, 200 calls at once, peak",
            "MiB",
            vec![as_float(peak) / mib],
            Goal::at_most(80.0, 40.0),
        ),
    ])
}

/// Every client calls over and over, some of each driver's at once. Gives the most memory that the gateway has ever had.
fn busy(links: &mut [Link], rounds: usize, pid: u32) -> Result<u64> {
    let share = links.len().div_ceil(DRIVERS);
    for _ in 0..rounds {
        load::on_threads(links.chunks_mut(share), |_, links| {
            for some in links.chunks_mut(UNDER_WAY) {
                some.iter_mut().try_for_each(Link::send)?;
                some.iter_mut().try_for_each(Link::receive)?;
            }
            Ok(())
        })?;
    }
    memory::peak(pid)
}

#[expect(clippy::cast_precision_loss, reason = "bytes of memory, far below what a float holds")]
const fn as_float(number: u64) -> f64 {
    number as f64
}
