//! What is kept, and for how long.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use audit::{Audit, Filter, Kind, Log, Reader, Redactor, limits};
use store::rusqlite::Connection;

use crate::written::{ROWS, Written, entry, run, write};

#[test]
fn a_machine_that_is_started_often_keeps_to_its_bounds_too() {
    let written = Written::new(0);
    for _ in 0..5 {
        let log = Log::open(written.0.path(), Redactor::default()).unwrap();
        write(log.keeping(1, 365), ROWS);
    }
    let verified = written.verify().unwrap();
    assert!(verified.base.is_some() && verified.rows < 3 * ROWS, "{verified:?}");
}

#[test]
fn what_is_within_the_bounds_is_kept() {
    let written = Written::new(0);
    for _ in 0..3 {
        let log = Log::open(written.0.path(), Redactor::default()).unwrap();
        write(log.keeping(limits::MAX_BYTES, 365), limits::CHECKPOINT_ROWS);
    }
    assert_eq!(written.verify().unwrap().base, None);
}

#[test]
fn room_that_removed_rows_have_left_counts_for_nothing() {
    let written = Written::new(0);
    for _ in 0..4 {
        run(written.0.path(), limits::CHECKPOINT_ROWS);
    }
    let file = Connection::open(written.file()).unwrap();
    let pragma = |name| file.pragma_query_value(None, name, |row| row.get::<_, i64>(0)).unwrap();
    let bound = pragma("page_count") * pragma("page_size") * 3 / 4;
    let bound = bound.cast_unsigned();
    let base = || {
        let log = Log::open(written.0.path(), Redactor::default()).unwrap();
        write(log.keeping(bound, 365), ROWS);
        written.verify().unwrap().base
    };
    let first = base();
    assert!(first.is_some());
    assert_eq!((base(), base()), (first, first), "what is left is within the bound");
}

#[test]
fn checkpoints_are_far_apart_also_in_a_log_that_is_long() {
    let written = Written::new(limits::CHECKPOINT_ROWS + 1);
    let before = written.verify().unwrap().checkpoints;
    let log = Log::open(written.0.path(), Redactor::default()).unwrap();
    let (audit, thread) = Audit::start(log).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    for at in 0..20 {
        // Each is a commit of its own.
        runtime.block_on(audit.record_durably(entry(Kind::Intent, at))).unwrap();
    }
    drop(audit);
    thread.join().unwrap();
    // Those of the start and of the end.
    assert_eq!(written.verify().unwrap().checkpoints, before + 2);
}

#[test]
fn checkpoints_come_as_often_in_a_log_that_is_long() {
    const ROWS_OF_A_COMMIT: u64 = 256;
    let written = Written::new(limits::CHECKPOINT_ROWS);
    let before = written.verify().unwrap().checkpoints;
    let log = Log::open(written.0.path(), Redactor::default()).unwrap();
    let (audit, thread) = Audit::start(log).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        for at in 1..=3 * limits::CHECKPOINT_ROWS {
            if at.is_multiple_of(ROWS_OF_A_COMMIT) {
                audit.record_durably(entry(Kind::Intent, at)).await.unwrap();
            } else {
                audit.place().await.unwrap().record(entry(Kind::Read, at));
            }
        }
    });
    drop(audit);
    thread.join().unwrap();
    // Those of the start and of the end, and one for each time that there was enough.
    let since = written.verify().unwrap().checkpoints - before;
    assert_eq!(since, 2 + 3);
}

#[test]
fn all_rows_are_read_and_whoever_reads_them_slowly_holds_nothing_up() {
    let rows = 2 * limits::ROWS_AT_ONCE as u64;
    let written = Written::new(rows);
    // As the gateway does from time to time: it succeeds only where nobody reads.
    let file = Connection::open(written.file()).unwrap();
    file.busy_timeout(Duration::ZERO).unwrap();
    let take_over = || {
        let pragma = "PRAGMA wal_checkpoint(TRUNCATE)";
        file.query_row(pragma, [], |row| row.get::<_, i64>(0)).unwrap()
    };
    let reader = Reader::open(&written.file()).unwrap();
    let mut seen = Vec::new();
    let take = |row: audit::Row| {
        // Each waits for the disk, so not at every row.
        if row.seq % 500 == 1 {
            file.execute("UPDATE head SET at = at + 1", []).unwrap();
            assert_eq!(take_over(), 0, "row {} holds the file", row.seq);
        }
        seen.push(row.seq);
        true
    };
    reader.each(&Filter::default(), take).unwrap();
    assert_eq!(seen, (1..=rows + 2).collect::<Vec<_>>());
    let reads = Filter { kind: Some(Kind::Read), after: Some(3), ..Filter::default() };
    let mut first = None;
    let take = |row: audit::Row| {
        first = Some(row.seq);
        false
    };
    reader.each(&reads, take).unwrap();
    assert_eq!(first, Some(4));
}

/// What only reads is in the chain within a tenth of a second, and shares its commit with what else comes in that time.
#[test]
fn timing_reads_are_in_the_chain_soon_and_in_groups() {
    const READS: u64 = 1000;
    let written = Written::new(0);
    let log = Log::open(written.0.path(), Redactor::default()).unwrap();
    let (audit, thread) = Audit::start(log).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let file = Connection::open(written.file()).unwrap();
    let end = || file.query_row("SELECT seq FROM head", [], |row| row.get::<_, i64>(0)).unwrap();
    let record = |count: u64| {
        for at in 0..count {
            runtime.block_on(audit.place()).unwrap().record(entry(Kind::Read, at));
        }
    };
    // A lone one has nobody to hurry it.
    let mut times: Vec<Duration> = (0..9)
        .map(|_| {
            let (before, begun) = (end(), Instant::now());
            record(1);
            while end() == before {
                std::thread::yield_now();
            }
            begun.elapsed()
        })
        .collect();
    times.sort_unstable();
    // The median, since a busy machine has its moments.
    assert!(times[4] < Duration::from_millis(100), "{times:?}");
    let before = end();
    record(READS);
    let mut ends = BTreeSet::from([before]);
    while ends.last() < Some(&(before + READS.cast_signed())) {
        ends.insert(end());
    }
    assert!(ends.len() < 10, "so many commits were seen of {READS} reads: {}", ends.len());
    drop(audit);
    thread.join().unwrap();
}
