//! What is left of a log whose process is killed, or whose disk takes nothing more.

use std::collections::{BTreeMap, BTreeSet};
use std::env;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use audit::{Audit, Closed, Filter, Kind, Log, Reader, Redactor, Row, limits};

use crate::written::{Written, entry, run};

/// Names the folder of the log to the child.
const FOLDER: &str = "AUDIT_TEST_FOLDER";
/// Intents at a time.
const AT_ONCE: u64 = 8;
/// How the child tells an intent that is on the disk, and that it can write no more.
const DONE: &str = "done ";
const CLOSED: &str = "closed";

/// As the child of the other tests, which name it a folder: writes until it is killed or the log is closed, and prints each
/// intent that it knows to be on the disk.
#[test]
fn child() {
    let Some(folder) = env::var_os(FOLDER) else { return };
    let log = Log::open(Path::new(&folder), Redactor::default()).unwrap();
    let (audit, thread) = Audit::start(log).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let tasks = tokio::task::LocalSet::new();
        for _ in 0..AT_ONCE {
            tasks.spawn_local(write_until_closed(audit.clone()));
        }
        tasks.await;
    });
    assert!(!audit.is_open());
    thread.join().unwrap();
    println!("{CLOSED}");
}

#[expect(clippy::print_stdout, reason = "it is how the child tells its parent")]
async fn write_until_closed(audit: Audit) {
    let write = async |audit: &Audit, call: u64| -> Result<(), Closed> {
        let (place, durable) = audit.begin(entry(Kind::Intent, call)).await?;
        println!("{DONE}{}", durable.wait().await?);
        place.record(entry(Kind::Outcome, call));
        audit.place().await?.record(entry(Kind::Read, call));
        Ok(())
    };
    let mut call = 0;
    while write(&audit, call).await.is_ok() {
        call += 1;
    }
}

/// The child in a shell, which can set limits before it.
fn start(folder: &Path, before: &str) -> Child {
    Command::new("sh")
        .args(["-c", &format!(r#"{before} exec "$0" "$@""#)])
        .arg(env::current_exe().unwrap())
        .args(["--exact", "--nocapture", "crash::child"])
        .env(FOLDER, folder)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

/// The intents of the lines, which are the ones that the child has known to be on the disk.
fn intents(lines: &[String]) -> BTreeSet<u64> {
    // The test's own lines come between.
    lines.iter().filter_map(|line| line.strip_prefix(DONE)?.parse().ok()).collect()
}

/// Whether all those intents are there; every one that has no outcome of its own has been given one by the start that followed.
fn check(written: &Written, done: &BTreeSet<u64>) {
    let mut rows: BTreeMap<u64, Row> = BTreeMap::new();
    let reader = Reader::open(&written.file()).unwrap();
    reader.each(&Filter::default(), |row| rows.insert(row.seq, row).is_none()).unwrap();
    for seq in done {
        assert!(rows.get(seq).is_some_and(|row| row.is(Kind::Intent)), "intent {seq} is lost");
    }
    let mut ended: Vec<u64> =
        rows.values().filter(|row| row.is(Kind::Outcome)).filter_map(|row| row.refers).collect();
    ended.sort_unstable();
    let begun = rows.values().filter(|row| row.is(Kind::Intent)).map(|row| row.seq);
    assert_eq!(ended, begun.collect::<Vec<_>>(), "every intent has one outcome");
}

#[test]
fn what_was_told_to_be_on_the_disk_is_there_after_a_kill() {
    let written = Written::new(0);
    let mut done = BTreeSet::new();
    // The last goes on for longer than a checkpoint is away.
    for (kill, intents_before) in [1, 7, 100, limits::CHECKPOINT_ROWS / 2].into_iter().enumerate() {
        let mut child = start(written.0.path(), "");
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut told = Vec::new();
        while (intents(&told).len() as u64) < intents_before {
            told.push(lines.next().unwrap().unwrap());
        }
        child.kill().unwrap();
        child.wait().unwrap();
        // What it had told and nobody had read yet.
        told.extend(lines.map_while(Result::ok));
        done.extend(intents(&told));
        run(written.0.path(), 1);
        check(&written, &done);
        assert_eq!(
            written.verify().unwrap().gaps.len(),
            kill + 1,
            "after every kill a gap is told"
        );
    }
}

#[test]
fn a_disk_that_is_full_closes_the_log_and_what_was_written_stays() {
    let written = Written::new(0);
    // Without the signal, the write fails as on a disk that is full.
    let mut child = start(written.0.path(), "trap '' XFSZ; ulimit -f 1024;");
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let told: Vec<String> = lines.map_while(Result::ok).collect();
    assert!(child.wait().unwrap().success(), "{:?}", told.last());
    assert!(told.iter().any(|line| line == CLOSED));
    let done = intents(&told);
    assert!(done.len() > 10, "{}", done.len());
    assert_eq!(written.verify().unwrap().gaps, [0; 0], "it is whole before anybody opens it");
    run(written.0.path(), 1);
    assert_eq!(written.verify().unwrap().gaps.len(), 1);
    check(&written, &done);
}
