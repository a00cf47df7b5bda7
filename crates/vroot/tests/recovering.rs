//! What a recovery makes of the records that it finds.
#![cfg(test)]

#[path = "common/host.rs"]
mod host;
#[path = "common/other_user.rs"]
mod other_user;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use host::{Host, path};
use other_user::without_root;
use vroot::{Recovered, TEMP_PREFIX, limits};

/// Leaves what a crash leaves: a record, and perhaps the temporary file that it names.
fn crash(host: &Host, folder: &str, name: &str) {
    let record = format!(r#"{{"folder":"{folder}","name":"{name}"}}"#);
    fs::write(host.at("pending").join(name.replace('/', "-")), record).expect("a record");
}

fn temp_name(digit: char) -> String {
    format!("{TEMP_PREFIX}{}", String::from(digit).repeat(32))
}

fn recovered(files: usize, records: usize, kept: usize) -> Recovered {
    let mut expected = Recovered::default();
    (expected.files, expected.records, expected.kept) = (files, records, kept);
    expected
}

#[track_caller]
fn check(host: &Host, expected: Recovered) {
    assert_eq!(host.root.recover().expect("a recovery"), expected);
    let left = fs::read_dir(host.at("pending")).expect("a folder").count();
    assert_eq!(left, expected.kept);
    assert_eq!(host.root.recover().expect("a recovery"), recovered(0, 0, expected.kept));
}

#[test]
fn temporary_files_go_and_others_stay() {
    let host = Host::new();
    let (top, deep, other) = (temp_name('0'), temp_name('a'), temp_name('b'));
    host.file(&top, "half");
    host.file(&format!("a/b/{deep}"), "half");
    host.file(&format!("a/b/{other}"), "of somebody else");
    host.file("a/b/file", "whole");
    crash(&host, "/", &top);
    crash(&host, "/a/b", &deep);
    // Its write had ended, or its file was never made.
    crash(&host, "/a", &temp_name('c'));
    check(&host, recovered(2, 3, 0));
    assert!(!host.at("files").join(top).is_file());
    assert!(!host.at("files/a/b").join(deep).is_file());
    assert!(host.at("files/a/b").join(other).is_file());
    assert_eq!(host.root.read(&path("/a/b/file"), 10).expect("a file"), b"whole");
}

#[test]
fn a_damaged_or_forged_record_is_dropped_and_removes_nothing() {
    let host = Host::new();
    let name = temp_name('0');
    for folder in ["state", "outside", "a"] {
        let folder =
            if folder == "outside" { host.at(folder) } else { host.at("files").join(folder) };
        fs::create_dir_all(&folder).expect("a folder");
        fs::write(folder.join(&name), "").expect("a file");
    }
    host.file("file", "");
    host.link("out", "../outside");
    let records = [
        String::new(),
        "{\"folder\":\"/\",\"na".to_owned(),
        format!("{{\"folder\":\"/\",\"name\":\"{name}\",\"more\":1}}"),
        "{\"folder\":\"/\",\"name\":\"file\"}".to_owned(),
        format!("{{\"folder\":\"/\",\"name\":\"{TEMP_PREFIX}/../../outside/secret\"}}"),
        format!("{{\"folder\":\"/none\",\"name\":\"{name}\"}}"),
        format!("{{\"folder\":\"/file\",\"name\":\"{name}\"}}"),
        format!("{{\"folder\":\"/../outside\",\"name\":\"{name}\"}}"),
        format!("{{\"folder\":\"/out\",\"name\":\"{name}\"}}"),
        format!("{{\"folder\":\"/state\",\"name\":\"{name}\"}}"),
        format!("{{\"folder\":\"a\",\"name\":\"{name}\"}}"),
        " ".repeat(100_000),
    ];
    for (number, record) in records.iter().enumerate() {
        fs::write(host.at("pending").join(number.to_string()), record).expect("a record");
    }
    check(&host, recovered(0, records.len(), 0));
    for file in ["files/state", "files/a", "outside"] {
        assert!(host.at(file).join(&name).is_file(), "{file}");
    }
    assert!(host.at("files/file").is_file() && host.at("outside/secret").is_file());
}

#[test]
fn what_is_not_a_record_file_is_kept() {
    let host = Host::new();
    fs::create_dir(host.at("pending/folder")).expect("a folder");
    std::os::unix::fs::symlink(host.at("outside/secret"), host.at("pending/link")).expect("a link");
    let fifo = host.at("pending").join(temp_name('0'));
    assert!(Command::new("mkfifo").arg(&fifo).status().expect("mkfifo").success());
    // Nobody is waited for who would write into it; it is no whole record.
    assert_eq!(host.root.recover().expect("a recovery"), recovered(0, 1, 2));
    check(&host, recovered(0, 0, 2));
    assert!(host.at("outside/secret").is_file());
}

#[test]
fn a_folder_that_is_closed_for_a_while_is_cleaned_later() {
    without_root("a_folder_that_is_closed_for_a_while_is_cleaned_later", || {
        let host = Host::new();
        let name = temp_name('0');
        let file = host.file(&format!("a/b/{name}"), "half");
        crash(&host, "/a/b", &name);
        for (folder, mode) in [("a", 0o000), ("a/b", 0o000), ("a/b", 0o500)] {
            let folder = host.at("files").join(folder);
            fs::set_permissions(&folder, fs::Permissions::from_mode(mode)).expect("a mode");
            check(&host, recovered(0, 0, 1));
            fs::set_permissions(&folder, fs::Permissions::from_mode(0o700)).expect("a mode");
        }
        check(&host, recovered(1, 1, 0));
        assert!(!file.is_file());
    });
}

#[test]
fn the_number_of_records_is_bounded_exactly() {
    let host = Host::within(Path::new("/dev/shm"));
    for number in 0..=limits::MAX_PENDING_RECORDS {
        fs::write(host.at("pending").join(number.to_string()), "").expect("a record");
    }
    let done = host.root.recover().expect("a recovery");
    assert_eq!(done, recovered(0, limits::MAX_PENDING_RECORDS, 1));
    check(&host, recovered(0, 1, 0));
}

#[test]
fn a_recovery_does_not_disturb_the_writes_that_run() {
    let host = Host::within(Path::new("/dev/shm"));
    let ended = AtomicBool::new(false);
    thread::scope(|scope| {
        let (host, ended) = (&host, &ended);
        let writers: Vec<_> = (0..3)
            .map(|number| {
                scope.spawn(move || {
                    let path = path(&format!("/{number}"));
                    for _ in 0..300 {
                        host.root.write(&path, &[0; 10_000]).expect("a write");
                    }
                })
            })
            .collect();
        scope.spawn(|| {
            while !ended.load(Ordering::Relaxed) {
                assert_eq!(host.root.recover().expect("a recovery"), recovered(0, 0, 0));
            }
        });
        let results: Vec<_> = writers.into_iter().map(thread::ScopedJoinHandle::join).collect();
        ended.store(true, Ordering::Relaxed);
        assert!(results.iter().all(Result::is_ok));
    });
}
