//! What a removal takes away, and what makes it refuse.
#![cfg(test)]

#[path = "common/attempt.rs"]
mod attempt;
#[path = "common/host.rs"]
mod host;
#[path = "common/other_user.rs"]
mod other_user;

use std::cell::Cell;
use std::fs;
use std::ops::ControlFlow;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;
use std::thread;

use attempt::try_on;
use host::{Host, path};
use other_user::without_root;
use vroot::{Error, ErrorKind, Recursion, TEMP_PREFIX, limits, uninterrupted};

/// Removes a path and tells the kind of the error.
fn remove(host: &Host, text: &str, recursion: Recursion) -> Result<(), ErrorKind> {
    try_on(text, |path| host.root.remove(path, recursion, &uninterrupted))
}

/// Whether something, a link without a target included, is in the exposed folder.
fn is_there(host: &Host, name: &str) -> bool {
    fs::symlink_metadata(host.at("files").join(name)).is_ok()
}

#[test]
fn one_entry_is_removed() {
    for recursion in [Recursion::Refuse, Recursion::Whole] {
        let host = Host::new();
        host.file("a/file", "");
        host.file("a/kept", "");
        fs::create_dir(host.at("files/empty")).expect("a folder");
        for name in ["/a/file", "/empty"] {
            assert_eq!(remove(&host, name, recursion), Ok(()), "{name}");
            assert_eq!(remove(&host, name, recursion), Err(ErrorKind::NotFound), "{name}");
        }
        assert!(is_there(&host, "a/kept"));
        for (name, kind) in [
            ("/", ErrorKind::Protected),
            ("//./", ErrorKind::Protected),
            ("/..", ErrorKind::InvalidPath),
            ("/a/..", ErrorKind::InvalidPath),
            ("/a/../..", ErrorKind::InvalidPath),
            ("/../files/a", ErrorKind::Escape),
            ("/a/kept/x", ErrorKind::NotADirectory),
            ("/none/x", ErrorKind::NotFound),
            ("/.llmbasedos-tmp-0", ErrorKind::InvalidPath),
        ] {
            assert_eq!(remove(&host, name, recursion), Err(kind), "{name}");
        }
        assert!(is_there(&host, "a/kept"));
    }
}

#[test]
fn the_last_link_is_removed_and_not_what_it_leads_to() {
    for recursion in [Recursion::Refuse, Recursion::Whole] {
        let host = Host::new();
        host.file("a/file", "");
        host.link("to-folder", "a");
        host.link("to-file", "a/file");
        host.link("out", "../outside");
        host.link("dangling", "none");
        host.link("loop", "loop");
        for name in ["to-file", "out", "dangling", "loop"] {
            assert_eq!(remove(&host, &format!("/{name}/"), recursion), Ok(()), "{name}");
            assert!(!is_there(&host, name), "{name}");
        }
        // The links on the way are followed.
        assert_eq!(remove(&host, "/to-folder/file", recursion), Ok(()));
        assert!(!is_there(&host, "a/file") && is_there(&host, "to-folder"));
        assert!(host.at("outside/secret").is_file());
    }
}

#[test]
fn a_tree_is_removed_on_request_only() {
    let host = Host::new();
    host.file("tree/a/b/file", "");
    host.file("tree/c/file", "");
    host.file("beside", "");
    host.link("tree/out", host.at("outside"));
    host.link("tree/a/up", "../..");
    host.link("tree/a/state", "../../state");
    fs::write(host.at("files/tree").join(format!("{TEMP_PREFIX}0")), "").expect("a file");
    let fifo = Command::new("mkfifo").arg(host.at("files/tree/fifo")).status().expect("mkfifo");
    assert!(fifo.success());
    assert_eq!(remove(&host, "/tree", Recursion::Refuse), Err(ErrorKind::NotEmpty));
    assert!(is_there(&host, "tree/a/b/file") && is_there(&host, "tree/out"));
    assert_eq!(remove(&host, "/tree", Recursion::Whole), Ok(()));
    assert!(!is_there(&host, "tree") && is_there(&host, "beside"));
    assert!(host.at("outside/secret").is_file() && host.at("files/state/secret").is_file());
}

#[test]
fn a_tree_with_an_excluded_folder_stays_whole() {
    let host = Host::new();
    host.file("tree/first", "");
    host.file("tree/z/last", "");
    fs::create_dir_all(host.at("files/tree/m/n")).expect("folders");
    fs::rename(host.at("files/state"), host.at("files/tree/m/n/state")).expect("a move");
    for name in ["/tree", "/tree/m", "/tree/m/n"] {
        assert_eq!(remove(&host, name, Recursion::Whole), Err(ErrorKind::Protected), "{name}");
    }
    for name in ["/tree/m/n/state", "/tree/m/n/state/sub"] {
        assert_eq!(remove(&host, name, Recursion::Whole), Err(ErrorKind::NotFound), "{name}");
    }
    for name in ["tree/first", "tree/z/last", "tree/m/n/state/sub/secret"] {
        assert!(is_there(&host, name), "{name}");
    }
}

#[test]
fn the_limits_of_a_tree_are_exact() {
    let host = Host::new();
    let folders = |count| vec!["d"; count].join("/");
    // The tree itself is the first level.
    host.file(&format!("{}/file", folders(limits::MAX_TREE_DEPTH)), "");
    assert_eq!(remove(&host, "/d", Recursion::Whole), Ok(()));
    host.file(&format!("{}/file", folders(limits::MAX_TREE_DEPTH + 1)), "");
    assert_eq!(remove(&host, "/d", Recursion::Whole), Err(ErrorKind::TooDeep));
    assert!(is_there(&host, &format!("{}/file", folders(limits::MAX_TREE_DEPTH + 1))));
    assert_eq!(remove(&host, "/d/d", Recursion::Whole), Ok(()));
}

#[test]
fn a_tree_that_cannot_be_looked_at_stays_whole() {
    without_root("a_tree_that_cannot_be_looked_at_stays_whole", || {
        let host = Host::new();
        host.file("tree/a", "");
        host.file("tree/closed/file", "");
        let closed = host.at("files/tree/closed");
        fs::set_permissions(&closed, fs::Permissions::from_mode(0o000)).expect("a mode");
        assert_eq!(remove(&host, "/tree", Recursion::Whole), Err(ErrorKind::Denied));
        assert!(is_there(&host, "tree/a"));
        fs::set_permissions(&closed, fs::Permissions::from_mode(0o700)).expect("a mode");
        assert_eq!(remove(&host, "/tree", Recursion::Whole), Ok(()));
    });
}

#[test]
fn two_removals_of_one_tree_do_not_disturb_each_other() {
    for _ in 0..20 {
        let host = Host::new();
        for name in ["a", "b", "c"] {
            for number in 0..20 {
                host.file(&format!("tree/{name}/{number}"), "");
            }
        }
        thread::scope(|scope| {
            // The whole, and from another name a part of it, which a different lock covers.
            let parts = ["/tree", "/tree/b"].map(|name| {
                scope.spawn({
                    let host = &host;
                    move || remove(host, name, Recursion::Whole)
                })
            });
            for part in parts {
                let result = part.join().expect("no panic");
                let expected = [Ok(()), Err(ErrorKind::NotFound), Err(ErrorKind::Busy)];
                assert!(expected.contains(&result), "{result:?}");
            }
        });
        assert!(!is_there(&host, "tree"));
        assert_eq!(
            host.root.list(&path("/"), None, 10, &uninterrupted).expect("a list").entries.len(),
            0
        );
    }
}

#[test]
fn a_removal_that_is_stopped_says_exactly_how_it_stands() {
    let entries = ["a/1", "a/2", "a/b/1", "a/b/2", "a/c/1"];
    // The folders `b` and `c` count too.
    let all = entries.len() + 2;
    let mut stopped_by_halves = 0;
    for questions in 0.. {
        let host = Host::new();
        for name in entries {
            host.file(name, "");
        }
        let left = Cell::new(questions);
        let interrupt = || match left.get() {
            0 => ControlFlow::Break(()),
            more => {
                left.set(more - 1);
                ControlFlow::Continue(())
            }
        };
        let there = |name: &&str| is_there(&host, name);
        match host.root.remove(&path("/a"), Recursion::Whole, &interrupt) {
            Ok(()) => {
                assert!(!is_there(&host, "a"));
                assert!(
                    questions > 2 * all,
                    "it asks at every entry, when it looks and when it removes"
                );
                break;
            }
            Err(Error::Interrupted { removed, .. }) => {
                let left = entries.iter().chain(&["a/b", "a/c"]).filter(|name| there(name)).count();
                assert_eq!(removed, all - left, "after {questions} questions");
                stopped_by_halves += usize::from(removed > 0);
                // The rest can still be removed.
                assert_eq!(remove(&host, "/a", Recursion::Whole), Ok(()));
            }
            Err(error) => panic!("{error}"),
        }
    }
    // Once the last is gone there is nothing more to ask for.
    assert!(stopped_by_halves >= all - 1, "it was stopped in the middle {stopped_by_halves} times");
}
