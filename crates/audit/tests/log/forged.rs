//! What is found of somebody who has not the key and knows how everything else is done.

use std::fs;

use audit::{
    Checkpoint, Fault, Filter, Log, OpenError, PUBLIC_KEY_FILE, Reader, Redactor, Row, limits,
};
use sha2::{Digest, Sha256};
use store::rusqlite::Connection;

use crate::written::{ROWS, Written, run, write};

#[test]
fn rows_that_were_all_removed_with_every_signature_are_found() {
    let written = Written::new(ROWS);
    written.change("DELETE FROM rows; DELETE FROM checkpoints; DELETE FROM head");
    assert_eq!(written.verify(), Err(Fault::Head));
}

#[test]
fn what_was_dropped_before_a_start_is_found_after_it() {
    let written = Written::new(ROWS);
    written.change("DELETE FROM rows WHERE seq > 5; DELETE FROM checkpoints WHERE seq > 5");
    run(written.0.path(), ROWS);
    assert_eq!(written.verify(), Err(Fault::Replaced(6)));
    written.change("DELETE FROM rows WHERE seq = 9");
    assert_eq!(written.verify(), Err(Fault::Missing(9)), "what came later is told first");
}

#[test]
fn a_log_that_was_replaced_by_nothing_is_found_after_the_start() {
    let written = Written::new(ROWS);
    written.change("DELETE FROM rows; DELETE FROM checkpoints; DELETE FROM head");
    run(written.0.path(), ROWS);
    assert_eq!(written.verify(), Err(Fault::Replaced(1)));
}

#[test]
fn a_log_that_was_taken_away_is_found_after_the_start_and_one_that_is_begun_on_purpose_is_whole() {
    let written = Written::new(ROWS);
    fs::remove_file(written.file()).unwrap();
    run(written.0.path(), ROWS);
    assert_eq!(written.verify(), Err(Fault::Replaced(1)));
    fs::remove_file(written.file()).unwrap();
    fs::remove_file(written.0.path().join(PUBLIC_KEY_FILE)).unwrap();
    run(written.0.path(), ROWS);
    assert_eq!(written.verify().unwrap().rows, ROWS + 2);
}

#[test]
fn a_head_that_was_good_once_is_found() {
    let written = Written::new(ROWS);
    let old = written.head();
    run(written.0.path(), ROWS);
    written.put_head(&old);
    assert_eq!(written.verify(), Err(Fault::End(2 * ROWS + 4)));
}

#[test]
fn of_two_notes_of_one_row_the_wrong_one_is_found() {
    let written = Written::new(ROWS);
    let right = written.verify().unwrap().last.unwrap();
    let wrong = Checkpoint { hash: [7; 32], ..right };
    for anchors in [[right, wrong], [wrong, right]] {
        assert_eq!(written.verify_with(&anchors), Err(Fault::Anchor(right.seq)));
    }
}

#[test]
fn of_what_was_removed_in_order_the_last_row_is_still_known() {
    let written = Written::new(limits::CHECKPOINT_ROWS);
    let log = Log::open(written.0.path(), Redactor::default()).unwrap();
    write(log.keeping(1, 365), ROWS);
    let base = written.verify().unwrap().base.unwrap();
    let note = |seq| Checkpoint { seq, hash: [7; 32] };
    assert_eq!(written.verify_with(&[note(base)]), Err(Fault::Anchor(base)));
    // Of those before it nothing is, and that is said.
    let verified = written.verify_with(&[note(base - 1)]).unwrap();
    assert_eq!(verified.not_compared, [base - 1]);
}

#[test]
fn a_log_is_not_opened_twice() {
    let written = Written::new(ROWS);
    let _open = Log::open(written.0.path(), Redactor::default()).unwrap();
    let second = Log::open(written.0.path(), Redactor::default());
    assert!(matches!(second, Err(OpenError::InUse { .. })), "{second:?}");
}

/// The hash of a row, as the format says and not as the crate does it: whoever forges needs no key for it.
fn hash_of(row: &Row, before: &[u8]) -> Vec<u8> {
    let mut bytes = b"llmbasedos audit row 1\0".to_vec();
    bytes.extend(before);
    bytes.extend(row.seq.to_be_bytes());
    bytes.extend(row.at.to_be_bytes());
    for text in [&row.kind, &row.request, &row.client, &row.origin, &row.what, &row.outcome] {
        bytes.extend((text.len() as u64).to_be_bytes());
        bytes.extend(text.bytes());
    }
    bytes.push(row.arguments.is_some().into());
    if let Some(text) = &row.arguments {
        bytes.extend((text.len() as u64).to_be_bytes());
        bytes.extend(text.bytes());
    }
    bytes.extend(row.code.to_be_bytes());
    bytes.extend(row.bytes.to_be_bytes());
    bytes.extend(row.micros.to_be_bytes());
    bytes.push(row.refers.is_some().into());
    bytes.extend(row.refers.map(u64::to_be_bytes).into_iter().flatten());
    Sha256::digest(bytes).to_vec()
}

/// Alters row 5 and puts the chain right from there on, which needs no key.
fn rewrite(written: &Written) {
    written.change("UPDATE rows SET client = 'mallory' WHERE seq = 5");
    let rows = Reader::open(&written.file()).unwrap().last(&Filter::default(), 1000).unwrap();
    let mut before = vec![0; 32];
    let file = Connection::open(written.file()).unwrap();
    for row in rows {
        before = hash_of(&row, &before);
        file.execute("UPDATE rows SET hash = ?2 WHERE seq = ?1", (row.seq.cast_signed(), &before))
            .unwrap();
        assert_eq!(row.seq < 5, row.hash[..] == before[..], "row {}", row.seq);
    }
}

#[test]
fn a_chain_that_was_put_right_after_a_change_is_found() {
    let written = Written::new(ROWS);
    rewrite(&written);
    assert_eq!(written.verify(), Err(Fault::NotAtCheckpoint(ROWS + 2)));
    written.change("DELETE FROM checkpoints WHERE seq > 5");
    assert_eq!(written.verify(), Err(Fault::End(ROWS + 2)));
    run(written.0.path(), ROWS);
    assert_eq!(written.verify(), Err(Fault::Replaced(ROWS + 3)));
}

#[test]
fn a_checkpoint_that_was_not_signed_removes_nothing() {
    let written = Written::new(ROWS);
    written.change(
        "INSERT INTO checkpoints SELECT seq, 0, hash, zeroblob(64) FROM rows WHERE seq = 11",
    );
    let log = Log::open(written.0.path(), Redactor::default()).unwrap();
    write(log.keeping(u64::MAX, 365), limits::CHECKPOINT_ROWS);
    let left = "SELECT count(*) FROM rows WHERE seq <= 11";
    let file = Connection::open(written.file()).unwrap();
    assert_eq!(file.query_row(left, [], |row| row.get::<_, i64>(0)).unwrap(), 11);
}
