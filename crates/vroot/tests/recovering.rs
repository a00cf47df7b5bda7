//! What a recovery makes of the records that it finds.
#![cfg(test)]

#[path = "common/host.rs"]
mod host;

use std::fs;

use host::{Host, path};
use vroot::{Recovered, TEMP_PREFIX};

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
    check(&host, recovered(0, 0, 2));
    assert!(host.at("outside/secret").is_file());
}
