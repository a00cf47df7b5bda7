//! What a list shows, in which order, and what it leaves out.
#![cfg(test)]

#[path = "common/attempt.rs"]
mod attempt;
#[path = "common/host.rs"]
mod host;

use std::cell::Cell;
use std::ffi::OsStr;
use std::fs;
use std::ops::ControlFlow;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::net::UnixListener;
use std::time::{Duration, SystemTime};

use attempt::try_on;
use host::{Host, path};
use vroot::{ErrorKind, Kind, Page, TEMP_PREFIX, limits, uninterrupted};

/// The names of a page.
fn names(page: &Page) -> Vec<&str> {
    page.entries.iter().map(|entry| entry.name.as_str()).collect()
}

#[test]
fn entries_have_their_kind_size_and_time() {
    let host = Host::new();
    let file = host.file("file", "12345");
    let then = SystemTime::UNIX_EPOCH + Duration::from_millis(1_234_567_891_500);
    fs::File::options()
        .write(true)
        .open(file)
        .and_then(|file| file.set_modified(then))
        .expect("a time");
    host.file("folder/inner", "");
    host.link("link", "/etc/passwd");
    host.link("dangling", "nowhere");
    let _listener = UnixListener::bind(host.at("files/socket")).expect("a socket");
    fs::write(host.at("files").join(OsStr::from_bytes(b"bad\xff")), "").expect("a file");
    fs::write(host.at("files").join(format!("{TEMP_PREFIX}0")), "").expect("a file");

    let page = host.root.list(&path("/"), None, 100, &uninterrupted).expect("a list");
    let found: Vec<_> =
        page.entries.iter().map(|entry| (entry.name.as_str(), entry.kind, entry.size)).collect();
    let expected = [
        ("bad\u{fffd}", Kind::Inaccessible, None),
        ("dangling", Kind::Symlink, None),
        ("file", Kind::File, Some(5)),
        ("folder", Kind::Directory, None),
        ("link", Kind::Symlink, None),
        ("socket", Kind::Other, None),
    ];
    assert_eq!(found, expected);
    assert!(!page.more);
    assert_eq!(page.entries[2].modified, Some(then));
}

#[test]
fn pages_follow_one_another_without_gap_or_repetition() {
    let host = Host::new();
    let mut expected: Vec<String> = (0..25).map(|number| format!("f{number}")).collect();
    expected.extend(["Z".to_owned(), "é".to_owned(), "a b".to_owned(), "-".to_owned()]);
    for name in &expected {
        host.file(name, "");
    }
    expected.sort();
    for limit in [1, 2, 7, 28, 29, 30] {
        let mut found: Vec<String> = Vec::new();
        loop {
            let after = found.last().cloned();
            let page = host
                .root
                .list(&path("/"), after.as_deref(), limit, &uninterrupted)
                .expect("a list");
            assert!(page.entries.len() <= limit);
            found.extend(page.entries.into_iter().map(|entry| entry.name));
            if !page.more {
                break;
            }
        }
        assert_eq!(found, expected, "limit {limit}");
    }
    let none = host.root.list(&path("/"), None, 0, &uninterrupted).expect("a list");
    assert_eq!((none.entries.len(), none.more), (0, true));
    let end = host.root.list(&path("/"), Some("é"), 1, &uninterrupted).expect("a list");
    assert_eq!((end.entries.len(), end.more), (0, false));
}

#[test]
fn hidden_entries_do_not_count_as_more() {
    let host = Host::new();
    host.file("a", "");
    fs::write(host.at("files").join(format!("{TEMP_PREFIX}0")), "").expect("a file");
    // `state` comes after `a`, and is excluded.
    let page = host.root.list(&path("/"), None, 1, &uninterrupted).expect("a list");
    assert_eq!((names(&page), page.more), (vec!["a"], false));
}

#[test]
fn names_that_look_the_same_are_shown_once() {
    let host = Host::new();
    host.file("x\u{fffd}", "true");
    for raw in [b"x\xff", b"x\xfe"] {
        fs::write(host.at("files").join(OsStr::from_bytes(raw)), "").expect("a file");
    }
    let page = host.root.list(&path("/"), None, 10, &uninterrupted).expect("a list");
    assert_eq!(names(&page), ["x\u{fffd}"]);
    assert_eq!(page.entries[0].kind, Kind::File, "the true name is the one shown");
}

#[test]
fn only_folders_are_listed() {
    let host = Host::new();
    host.file("folder/file", "");
    host.link("to-folder", "folder");
    host.link("to-file", "folder/file");
    let list = |text: &str| {
        try_on(text, |path| host.root.list(path, None, 10, &uninterrupted))
            .map(|page| page.entries.len())
    };
    assert_eq!(list("/folder"), Ok(1));
    assert_eq!(list("/to-folder"), Ok(1));
    assert_eq!(list("/folder/.."), Ok(3));
    assert_eq!(list("/folder/file"), Err(ErrorKind::NotADirectory));
    assert_eq!(list("/to-file"), Err(ErrorKind::NotADirectory));
    assert_eq!(list("/folder/none"), Err(ErrorKind::NotFound));
    assert_eq!(list("/.."), Err(ErrorKind::Escape));
}

#[test]
fn a_folder_is_listed_up_to_the_limit_exactly() {
    let host = Host::within(std::path::Path::new("/dev/shm"));
    let folder = host.at("files/large");
    fs::create_dir(&folder).expect("a folder");
    // Links to one inode are cheaper than files.
    fs::write(folder.join("0"), "").expect("a file");
    for number in 1..limits::MAX_LIST_SCAN {
        fs::hard_link(folder.join("0"), folder.join(number.to_string())).expect("a hard link");
    }
    let list =
        || host.root.list(&path("/large"), None, 2, &uninterrupted).map_err(|error| error.kind());
    assert_eq!(list().as_ref().map(names), Ok(vec!["0", "1"]));
    fs::write(folder.join("one more"), "").expect("a file");
    assert_eq!(list(), Err(ErrorKind::TooMany));
}

#[test]
fn a_list_can_be_stopped_at_every_entry() {
    let host = Host::new();
    for name in 0..9 {
        host.file(&format!("a/{name}"), "");
    }
    let questions = Cell::new(0);
    let count = || {
        questions.set(questions.get() + 1);
        ControlFlow::Continue(())
    };
    host.root.list(&path("/a"), None, 100, &count).expect("a list");
    assert!(questions.get() >= 2 * 9, "it asks when it reads names and when it looks at entries");
    for stop_at in 1..=questions.get() {
        questions.set(0);
        let interrupt = || {
            questions.set(questions.get() + 1);
            if questions.get() == stop_at {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        };
        let error = host.root.list(&path("/a"), None, 100, &interrupt).expect_err("it is stopped");
        assert_eq!(error.kind(), ErrorKind::Interrupted);
        assert_eq!(error.to_string(), "the work on `/a` was stopped, and nothing was changed");
        assert_eq!(questions.get(), stop_at);
    }
}
