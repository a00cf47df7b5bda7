//! What is found when the log is changed by somebody who has not its key.

use std::fs;

use audit::{
    Audit, Checkpoint, FILE, Fault, KEY_FILE, Kind, Log, PUBLIC_KEY_FILE, Redactor, limits,
};
use store::rusqlite::Connection;

use crate::written::{ROWS, Written, entry, run};

#[test]
fn a_log_that_nobody_has_touched_is_whole() {
    let written = Written::new(ROWS);
    let verified = written.verify().unwrap();
    assert_eq!((verified.rows, verified.gaps.len()), (ROWS + 2, 0));
    run(written.0.path(), ROWS);
    let verified = written.verify().unwrap();
    assert_eq!((verified.rows, verified.gaps.len()), (2 * ROWS + 4, 0));
    assert!(verified.checkpoints >= 4);
}

#[test]
fn each_member_of_a_row_that_is_altered_is_found() {
    for (column, value) in [
        ("at", "at + 1"),
        ("kind", "'intent'"),
        ("request", "'r-x'"),
        ("client", "'bert'"),
        ("origin", "'local'"),
        ("what", "'mcp.fs.list'"),
        ("arguments", "'{}'"),
        ("arguments", "NULL"),
        ("outcome", "'error'"),
        ("code", "2"),
        ("bytes", "3"),
        ("micros", "4"),
        ("refers", "2"),
        ("refers", "NULL"),
        ("hash", "zeroblob(32)"),
        ("hash", "zeroblob(5)"),
        // What moves from one member to the next leaves their texts together as they were.
        ("request", "request || substr(client, 1, 1), client = substr(client, 2)"),
    ] {
        let written = Written::new(ROWS);
        written.change(&format!("UPDATE rows SET {column} = {value} WHERE seq = 5"));
        assert_eq!(written.verify(), Err(Fault::Row(5)), "{column} = {value}");
    }
}

#[test]
fn a_row_that_is_dropped_is_found_wherever_it_was() {
    for (seq, fault) in
        [(1, Fault::Missing(1)), (5, Fault::Missing(5)), (ROWS + 2, Fault::End(ROWS + 1))]
    {
        let written = Written::new(ROWS);
        written.change(&format!("DELETE FROM rows WHERE seq = {seq}"));
        assert_eq!(written.verify(), Err(fault), "row {seq}");
    }
}

#[test]
fn the_last_rows_that_are_dropped_with_their_checkpoints_are_found() {
    let written = Written::new(ROWS);
    written.change("DELETE FROM rows WHERE seq > 5; DELETE FROM checkpoints WHERE seq > 5");
    assert_eq!(written.verify(), Err(Fault::End(5)));
    written.change("DELETE FROM head");
    assert_eq!(written.verify(), Err(Fault::Head));
    written.change("INSERT INTO head SELECT 1, seq, at, hash, signature FROM checkpoints");
    assert_eq!(written.verify(), Err(Fault::Head), "a checkpoint is no end");
}

#[test]
fn rows_that_are_moved_or_put_in_are_found() {
    let written = Written::new(ROWS);
    written.change(
        "UPDATE rows SET seq = -4 WHERE seq = 4; UPDATE rows SET seq = 4 WHERE seq = 5;
         UPDATE rows SET seq = 5 WHERE seq = -4",
    );
    assert_eq!(written.verify(), Err(Fault::Row(4)));
    let written = Written::new(ROWS);
    written.change(
        "UPDATE rows SET seq = -seq WHERE seq > 5; UPDATE rows SET seq = 1 - seq WHERE seq < 0;
         INSERT INTO rows SELECT 6, at, kind, request, client, origin, what, arguments, outcome, code, bytes, micros,
         refers, hash FROM rows WHERE seq = 5",
    );
    assert_eq!(written.verify(), Err(Fault::Row(6)));
}

#[test]
fn a_chain_that_was_made_anew_is_found_by_its_signatures() {
    let written = Written::new(ROWS);
    let other = Written::new(ROWS);
    fs::copy(other.file(), written.file()).unwrap();
    assert_eq!(written.verify(), Err(Fault::Checkpoint(1)));
    written.change("DELETE FROM checkpoints");
    assert_eq!(written.verify(), Err(Fault::Head));
}

#[test]
fn an_older_state_of_the_whole_file_is_found_by_what_was_noted_elsewhere() {
    let written = Written::new(ROWS);
    let copy = written.0.path().join("copy");
    fs::copy(written.file(), &copy).unwrap();
    run(written.0.path(), ROWS);
    let noted = written.verify().unwrap().last.unwrap();
    let noted: Checkpoint = noted.to_string().parse().unwrap();
    assert!(written.verify_with(&[noted]).is_ok());
    fs::rename(copy, written.file()).unwrap();
    assert!(written.verify().is_ok(), "the file itself cannot tell");
    assert_eq!(written.verify_with(&[noted]), Err(Fault::Anchor(noted.seq)));
}

#[test]
fn an_intent_is_on_the_disk_before_it_is_known_and_its_unknown_end_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let log = Log::open(folder.path(), Redactor::default()).unwrap();
    let (audit, _thread) = Audit::start(log).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let seq = runtime.block_on(audit.record_durably(entry(Kind::Intent, 1))).unwrap();
    // As after a kill: what is on the disk is copied, and nothing is closed.
    let written = Written(tempfile::tempdir().unwrap());
    for name in [FILE, "audit.db-wal", KEY_FILE, PUBLIC_KEY_FILE] {
        fs::copy(folder.path().join(name), written.0.path().join(name)).unwrap();
    }
    run(written.0.path(), 0);
    let verified = written.verify().unwrap();
    let reader = audit::Reader::open(&written.file()).unwrap();
    let rows = reader.last(&audit::Filter::default(), 10).unwrap();
    let kinds: Vec<&str> = rows.iter().map(|row| row.kind.as_str()).collect();
    assert_eq!(kinds, ["start", "intent", "gap", "outcome", "start", "stop"]);
    let [_, intent, gap, outcome, ..] = rows.as_slice() else { panic!() };
    assert_eq!((intent.seq, gap.refers, outcome.refers), (seq, Some(seq), Some(seq)));
    assert_eq!((outcome.outcome.as_str(), &*outcome.request), ("unknown", "r-1"));
    assert_eq!(verified.gaps, [gap.seq]);
}

#[test]
fn what_is_not_to_be_kept_is_not() {
    let written = Written::new(0);
    let log = Log::open(written.0.path(), Redactor::default()).unwrap();
    let (audit, thread) = Audit::start(log).unwrap();
    let mut secret = entry(Kind::Refusal, 1);
    secret.arguments = Some(r#"{"password":"hunter2"}"#.into());
    assert!(audit.try_record(secret));
    drop(audit);
    thread.join().unwrap();
    for file in fs::read_dir(written.0.path()).unwrap() {
        let bytes = fs::read(file.unwrap().path()).unwrap();
        assert!(!bytes.windows(7).any(|window| window == b"hunter2"));
    }
    let reader = audit::Reader::open(&written.file()).unwrap();
    let filter = audit::Filter { kind: Some(Kind::Refusal), ..audit::Filter::default() };
    let rows = reader.last(&filter, 10).unwrap();
    assert_eq!(rows.len(), 1);
    assert!(rows[0].arguments.as_ref().unwrap().contains("redacted"));
}

#[test]
fn what_is_too_much_is_removed_from_the_beginning_and_the_rest_is_whole() {
    let written = Written::new(0);
    let log = Log::open(written.0.path(), Redactor::default()).unwrap().keeping(1, 365);
    let (audit, thread) = Audit::start(log).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        for at in 0..4 * limits::CHECKPOINT_ROWS {
            audit.place().await.unwrap().record(entry(Kind::Read, at));
        }
    });
    drop(audit);
    thread.join().unwrap();
    let verified = written.verify().unwrap();
    assert!(verified.base.is_some_and(|base| base > 1), "{verified:?}");
    assert!(verified.rows < 4 * limits::CHECKPOINT_ROWS, "{verified:?}");
    let removed = Checkpoint { seq: 1, hash: [1; 32] };
    assert_eq!(written.verify_with(&[removed]).unwrap().not_compared, [1]);
    written.change("UPDATE base SET seq = seq - 1");
    assert_eq!(written.verify(), Err(Fault::Base));
}

#[test]
fn a_log_that_is_closed_keeps_what_had_its_place() {
    let written = Written::new(0);
    let log = Log::open(written.0.path(), Redactor::default()).unwrap();
    let (audit, thread) = Audit::start(log).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let place = runtime.block_on(audit.place()).unwrap();
    audit.close();
    place.record(entry(Kind::Read, 1));
    thread.join().unwrap();
    assert!(!audit.is_open() && runtime.block_on(audit.place()).is_err());
    let reader = audit::Reader::open(&written.file()).unwrap();
    let rows = reader.last(&audit::Filter::default(), 2).unwrap();
    let kinds: Vec<&str> = rows.iter().map(|row| row.kind.as_str()).collect();
    assert_eq!(kinds, ["read", "stop"]);
}

#[test]
fn a_log_that_cannot_be_written_takes_nothing_more() {
    let written = Written::new(ROWS);
    let log = Log::open(written.0.path(), Redactor::default()).unwrap();
    let (audit, thread) = Audit::start(log).unwrap();
    // Whoever holds the file locked is stronger than any other want of room.
    let other = Connection::open(written.file()).unwrap();
    other.execute_batch("DROP TABLE head").unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let refused = runtime.block_on(audit.record_durably(entry(Kind::Intent, 1)));
    assert_eq!(refused, Err(audit::Closed));
    thread.join().unwrap();
    assert!(!audit.is_open());
    assert!(runtime.block_on(audit.place()).is_err());
}
