//! What is kept, and for how long.

use audit::{Log, Redactor, limits};

use crate::written::{ROWS, Written, write};

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
