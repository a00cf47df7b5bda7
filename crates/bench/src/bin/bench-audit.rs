//! What the audit log costs: rows that wait for nobody, and intents that wait for the disk, beside a bare write that does.
//!
//! The bare write is one of the same run, in the same folder and of as many bytes as a commit writes, in turn with the intents: only
//! the difference says something of the log.

use std::fs::File;
use std::io::{self, Write as _};
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use audit::{Audit, Entry, FILE, Kind, Log, PUBLIC_KEY_FILE, Redactor, verify};
use clap::Parser;
use rustix::time::{ClockId, clock_gettime};
use tokio::runtime::Runtime;

/// Rows of the measurement of throughput.
const ROWS: u64 = 200_000;
/// Intents that are measured one by one, and as many bare writes.
const INTENTS: usize = 1000;
/// Intents at a time, where commits are shared.
const AT_ONCE: usize = 64;
/// What a commit of one row appends: three or four pages with their headers.
const COMMIT_BYTES: usize = 4 * (4096 + 24);
/// Where the bare writes begin again, as the log does.
const WRAP_BYTES: u64 = 4 * 1024 * 1024;

/// Measures the audit log.
#[derive(Parser)]
struct Arguments {
    /// The folder in which a temporary one is made: its disk is what is measured
    #[arg(long, value_name = "DIR", default_value = ".")]
    folder: std::path::PathBuf,
}

fn main() -> Result<()> {
    let folder = tempfile::tempdir_in(Arguments::parse().folder)?;
    let log = Log::open(folder.path(), Redactor::default())?;
    let (audit, thread) = Audit::start(log)?;
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    let mut out = io::stdout();
    writeln!(out, "{}", rows(&runtime, &audit)?)?;
    writeln!(out, "{}", lone(&runtime, &audit, folder.path())?)?;
    writeln!(out, "{}", shared(&runtime, &audit)?)?;
    audit.close();
    if thread.join().is_err() {
        bail!("the writer has panicked");
    }
    writeln!(out, "{}", verified(folder.path())?)?;
    Ok(())
}

/// An entry such as a call of a tool makes.
fn entry(kind: Kind) -> Entry {
    let mut entry = Entry::new(kind, Arc::<str>::from("mcp.fs.read"));
    entry.request = "0f8d2c5ab7e94c0e8d1f".into();
    entry.client = "laptop".into();
    entry.origin = "http";
    entry.arguments = Some(r#"{"path":"/notes/2026/november.txt","limit":20}"#.into());
    entry.outcome = "ok";
    (entry.bytes, entry.micros) = (1234, 567);
    entry
}

/// The time that a process or thread has had of the processors.
fn processor(clock: ClockId) -> Duration {
    let time = clock_gettime(clock);
    let part = |number: i64| u64::try_from(number).unwrap_or_default();
    Duration::new(part(time.tv_sec), u32::try_from(time.tv_nsec).unwrap_or_default())
}

fn since(clock: ClockId, before: Duration) -> Duration {
    processor(clock).saturating_sub(before)
}

fn micros(time: Duration, of: u64) -> f64 {
    time.as_secs_f64() * 1e6 / f64::from(u32::try_from(of).unwrap_or(u32::MAX))
}

/// Rows of what only reads, as fast as they are taken.
fn rows(runtime: &Runtime, audit: &Audit) -> Result<String> {
    let (all, own) = (ClockId::ProcessCPUTime, ClockId::ThreadCPUTime);
    let (begun, all_before, own_before) = (Instant::now(), processor(all), processor(own));
    runtime.block_on(async {
        for _ in 0..ROWS {
            audit.place().await?.record(entry(Kind::Read));
        }
        // It comes after all of them.
        audit.record_durably(entry(Kind::Intent)).await?;
        Ok::<(), audit::Closed>(())
    })?;
    let (took, all, own) = (begun.elapsed(), since(all, all_before), since(own, own_before));
    Ok(format!(
        "rows: {:.0}/s, processor {:.2} us a row, of which the caller's {:.2}",
        1e6 / micros(took, ROWS),
        micros(all, ROWS),
        micros(own, ROWS)
    ))
}

/// The median and the 99th percentile, in microseconds.
fn quantiles(mut times: Vec<Duration>) -> (f64, f64) {
    times.sort_unstable();
    let at = |share: usize| times.get(times.len() * share / 100).copied().unwrap_or_default();
    (micros(at(50), 1), micros(at(99), 1))
}

/// Intents one by one, in turn with bare writes.
fn lone(runtime: &Runtime, audit: &Audit, folder: &Path) -> Result<String> {
    let file = File::create_new(folder.join("bare"))?;
    let bytes = vec![b'x'; COMMIT_BYTES];
    let (mut bare, mut data, mut intents) = (Vec::new(), Vec::new(), Vec::new());
    let mut at = 0;
    for _ in 0..INTENTS {
        for (times, wait) in [
            (&mut bare, File::sync_all as fn(&File) -> io::Result<()>),
            (&mut data, File::sync_data),
        ] {
            let begun = Instant::now();
            file.write_all_at(&bytes, at)?;
            wait(&file)?;
            times.push(begun.elapsed());
            at = (at + COMMIT_BYTES as u64) % WRAP_BYTES;
        }
        let begun = Instant::now();
        runtime.block_on(audit.record_durably(entry(Kind::Intent)))?;
        intents.push(begun.elapsed());
    }
    let ((bare, bare_99), (data, data_99)) = (quantiles(bare), quantiles(data));
    let (intent, intent_99) = quantiles(intents);
    Ok(format!(
        "a lone intent: {intent:.0} us (99 %: {intent_99:.0}); a bare write with fsync: {bare:.0} \
         us (99 %: {bare_99:.0}), with fdatasync {data:.0} us (99 %: {data_99:.0}); intent less \
         fsync: {:.0} us",
        intent - bare
    ))
}

/// Intents that share commits.
fn shared(runtime: &Runtime, audit: &Audit) -> Result<String> {
    let begun = Instant::now();
    runtime.block_on(async {
        let tasks: Vec<_> = (0..AT_ONCE)
            .map(|_| {
                let audit = audit.clone();
                tokio::spawn(async move {
                    for _ in 0..INTENTS / 10 {
                        audit.record_durably(entry(Kind::Intent)).await?;
                    }
                    Ok::<(), audit::Closed>(())
                })
            })
            .collect();
        for task in tasks {
            task.await??;
        }
        Ok::<(), anyhow::Error>(())
    })?;
    let intents = (AT_ONCE * (INTENTS / 10)) as u64;
    let each = micros(begun.elapsed(), intents);
    Ok(format!("{AT_ONCE} at once: {:.0} intents/s", 1e6 / each))
}

/// How fast it is verified.
fn verified(folder: &Path) -> Result<String> {
    let key = std::fs::read_to_string(folder.join(PUBLIC_KEY_FILE))?;
    let key = key.trim().parse().context("the public key")?;
    let begun = Instant::now();
    let found = verify(&folder.join(FILE), &key, &[])?;
    let took = begun.elapsed();
    let bytes = std::fs::metadata(folder.join(FILE))?.len();
    let begun = Instant::now();
    drop(Log::open(folder, Redactor::default())?);
    let opened = begun.elapsed();
    Ok(format!(
        "{} rows of {} bytes: verified in {took:.1?}, opened again in {opened:.1?}",
        found.rows,
        bytes / found.rows.max(1)
    ))
}
