//! What a write or append does to a file, and what it refuses.
#![cfg(test)]

#[path = "common/attempt.rs"]
mod attempt;
#[path = "common/host.rs"]
mod host;
#[path = "common/other_user.rs"]
mod other_user;

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
use std::path::Path;
use std::sync::Barrier;
use std::thread;

use attempt::try_on;
use host::{Host, path};
use other_user::without_root;
use rustix::fs::XattrFlags;
use vroot::{Denial, Error, ErrorKind, VRoot, limits};

/// An access list as the kernel stores it: user 4242 may read and write, and the mask allows it.
const ACCESS_LIST: [u8; 44] = [
    2, 0, 0, 0, // version
    1, 0, 6, 0, 255, 255, 255, 255, // owner: rw
    2, 0, 6, 0, 0x92, 0x10, 0, 0, // user 4242: rw
    4, 0, 4, 0, 255, 255, 255, 255, // group: r
    16, 0, 6, 0, 255, 255, 255, 255, // mask: rw
    32, 0, 0, 0, 255, 255, 255, 255, // others: nothing
];

fn attribute(file: &Path, name: &str) -> Option<Vec<u8>> {
    let mut value = vec![0; 1000];
    let length = rustix::fs::lgetxattr(file, name, value.as_mut_slice()).ok()?;
    value.truncate(length);
    Some(value)
}

fn set_attribute(file: &Path, name: &str, value: &[u8]) {
    rustix::fs::lsetxattr(file, name, value, XattrFlags::empty()).expect("an attribute");
}

/// All names in a folder, temporary files included.
fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry"));
    let mut names: Vec<_> =
        entries.map(|entry| entry.file_name().into_string().expect("text")).collect();
    names.sort();
    names
}

#[test]
fn a_file_is_made_replaced_and_extended() {
    let host = Host::new();
    let file = host.at("files/file");
    host.root.append(&path("/file"), b"one").expect("an append");
    assert_eq!(fs::read(&file).expect("a file"), b"one");
    host.root.append(&path("/file"), b"").expect("an append");
    host.root.append(&path("/file"), b" two").expect("an append");
    assert_eq!(fs::read(&file).expect("a file"), b"one two");
    host.root.write(&path("/file"), b"three").expect("a write");
    assert_eq!(fs::read(&file).expect("a file"), b"three");
    host.root.write(&path("/file"), b"").expect("a write");
    assert_eq!(fs::read(&file).expect("a file"), b"");
    host.root.write(&path("/new"), b"new").expect("a write");
    assert_eq!(fs::read(host.at("files/new")).expect("a file"), b"new");
    assert_eq!(names(&host.at("files")), ["file", "new", "state"]);
    assert_eq!(names(&host.at("pending")), Vec::<String>::new());
}

#[test]
fn links_inside_are_followed_and_stay() {
    let host = Host::new();
    host.file("a/target", "old");
    host.link("link", "a/other");
    host.link("a/other", "target");
    host.link("to-free-name", "a/made");
    host.link("out", "../outside/secret");
    host.link("out-new", "../outside/new");
    host.link("to-nowhere", "none/new");
    host.root.write(&path("/link"), b"new").expect("a write");
    host.root.append(&path("/link"), b"er").expect("an append");
    assert_eq!(fs::read(host.at("files/a/target")).expect("a file"), b"newer");
    assert!(host.at("files/link").is_symlink() && host.at("files/a/other").is_symlink());
    host.root.write(&path("/to-free-name"), b"made").expect("a write");
    assert_eq!(fs::read(host.at("files/a/made")).expect("a file"), b"made");
    assert!(host.at("files/to-free-name").is_symlink());
    for operation in [VRoot::write, VRoot::append] {
        let write = |text: &str| try_on(text, |path| operation(&host.root, path, b"x"));
        assert_eq!(write("/out"), Err(ErrorKind::Escape));
        assert_eq!(write("/out-new"), Err(ErrorKind::Escape));
        assert_eq!(write("/to-nowhere"), Err(ErrorKind::NotFound));
        assert_eq!(write("/none/new"), Err(ErrorKind::NotFound));
        assert_eq!(write("/a"), Err(ErrorKind::IsADirectory));
        assert_eq!(write("/"), Err(ErrorKind::IsADirectory));
        assert_eq!(write("/a/target/x"), Err(ErrorKind::NotADirectory));
        assert_eq!(write("/a/.."), Err(ErrorKind::InvalidPath));
        assert_eq!(write("/a/../.."), Err(ErrorKind::InvalidPath));
        assert_eq!(write("/.llmbasedos-tmp-1"), Err(ErrorKind::InvalidPath));
    }
    assert_eq!(fs::read(host.at("outside/secret")).expect("a file"), b"secret");
    assert_eq!(names(&host.at("outside")), ["secret"]);
}

#[test]
fn mode_and_attributes_are_kept() {
    let host = Host::new();
    let file = host.file("file", "old");
    let plain = host.file("plain", "old");
    set_attribute(&file, "user.colour", b"green");
    set_attribute(&file, "user.empty", b"");
    set_attribute(&file, "system.posix_acl_access", &ACCESS_LIST);
    fs::set_permissions(&plain, fs::Permissions::from_mode(0o604)).expect("a mode");
    // New files in the folder would get this list, but these are not new.
    set_attribute(&host.at("files"), "system.posix_acl_default", &ACCESS_LIST);
    for operation in [VRoot::write, VRoot::append] {
        operation(&host.root, &path("/file"), b"new").expect("a change");
        operation(&host.root, &path("/plain"), b"new").expect("a change");
        assert_eq!(attribute(&file, "user.colour").as_deref(), Some(&b"green"[..]));
        assert_eq!(attribute(&file, "user.empty").as_deref(), Some(&b""[..]));
        let list = attribute(&file, "system.posix_acl_access");
        assert_eq!(list.as_deref(), Some(&ACCESS_LIST[..]));
        assert_eq!(fs::metadata(&file).expect("a file").mode() & 0o7777, 0o660);
        assert_eq!(attribute(&plain, "system.posix_acl_access"), None);
        assert_eq!(fs::metadata(&plain).expect("a file").mode() & 0o7777, 0o604);
    }
    host.root.write(&path("/new"), b"new").expect("a write");
    let inherited = attribute(&host.at("files/new"), "system.posix_acl_access");
    assert_eq!(inherited.as_deref(), Some(&ACCESS_LIST[..]));
}

#[test]
fn a_new_file_has_the_usual_mode() {
    let host = Host::new();
    host.root.write(&path("/new"), b"").expect("a write");
    let usual = host.file("usual", "");
    let mode = |file: &Path| fs::metadata(file).expect("a file").mode() & 0o7777;
    assert_eq!(mode(&host.at("files/new")), mode(&usual));
}

#[test]
fn rights_that_come_with_the_content_do_not_outlive_it() {
    let host = Host::new();
    let file = host.file("program", "old");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o6755)).expect("a mode");
    host.root.write(&path("/program"), b"new").expect("a write");
    assert_eq!(fs::metadata(&file).expect("a file").mode() & 0o7777, 0o755);
    if rustix::process::geteuid().is_root() {
        // Version 2, effective, with CAP_NET_RAW permitted.
        let capability = [1, 0, 0, 2, 0, 0x20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        set_attribute(&file, "security.capability", &capability);
        host.root.write(&path("/program"), b"newer").expect("a write");
        assert_eq!(attribute(&file, "security.capability"), None);
    }
}

#[test]
fn the_owner_is_kept() {
    let host = Host::new();
    let file = host.file("file", "old");
    if rustix::process::geteuid().is_root() {
        chown(&file, Some(1234), Some(4321)).expect("an owner");
        fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).expect("a mode");
    }
    let before = fs::metadata(&file).expect("a file");
    host.root.write(&path("/file"), b"new").expect("a write");
    host.root.append(&path("/file"), b"er").expect("an append");
    let after = fs::metadata(&file).expect("a file");
    assert_eq!((before.uid(), before.gid()), (after.uid(), after.gid()));
    assert_eq!(before.mode(), after.mode());
    assert_eq!(fs::read(&file).expect("a file"), b"newer");
}

#[test]
fn a_file_of_somebody_else_is_not_taken_over() {
    // Needs files of two owners, so root makes them and somebody else tries.
    const FOLDER: &str = "VROOT_TEST_FOREIGN_FOLDER";
    if rustix::process::geteuid().is_root() {
        let base = tempfile::tempdir().expect("a folder");
        let files = base.path().join("files");
        fs::create_dir(&files).expect("a folder");
        fs::write(files.join("foreign"), "old").expect("a file");
        for (path, mode) in [(base.path(), 0o755), (&files, 0o777), (&files.join("foreign"), 0o666)]
        {
            fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("a mode");
        }
        other_user::with_variable(
            "a_file_of_somebody_else_is_not_taken_over",
            (FOLDER, files.as_os_str()),
        );
        assert_eq!(fs::read(files.join("foreign")).expect("a file"), b"old");
        assert_eq!(names(&files), ["foreign"]);
        return;
    }
    // Without root there is no such file to make, and the run as root covers it.
    let Some(files) = std::env::var_os(FOLDER) else {
        return;
    };
    let pending = tempfile::tempdir().expect("a folder");
    let root = VRoot::open(files.as_ref(), pending.path(), &[]).expect("a root");
    for operation in [VRoot::write, VRoot::append] {
        let error = operation(&root, &path("/foreign"), b"new").expect_err("a foreign file");
        assert_eq!(error.kind(), ErrorKind::Denied);
        assert!(error.to_string().contains("owner"), "{error}");
    }
    assert_eq!(names(pending.path()), Vec::<String>::new());
}

#[test]
fn a_read_only_file_is_not_replaced() {
    without_root("a_read_only_file_is_not_replaced", || {
        let host = Host::new();
        let file = host.file("file", "old");
        fs::set_permissions(&file, fs::Permissions::from_mode(0o444)).expect("a mode");
        for operation in [VRoot::write, VRoot::append] {
            let error = operation(&host.root, &path("/file"), b"new").expect_err("read-only");
            let denial = Denial::FileReadOnly;
            assert!(matches!(&error, Error::Denied { denial: found, .. } if *found == denial));
        }
        assert_eq!(fs::read(&file).expect("a file"), b"old");
        assert_eq!(names(&host.at("files")), ["file", "state"]);
    });
}

#[test]
fn a_file_that_cannot_be_read_can_be_replaced_but_not_extended() {
    without_root("a_file_that_cannot_be_read_can_be_replaced_but_not_extended", || {
        let host = Host::new();
        let file = host.file("file", "old");
        fs::set_permissions(&file, fs::Permissions::from_mode(0o200)).expect("a mode");
        let appended = try_on("/file", |path| host.root.append(path, b"new"));
        assert_eq!(appended, Err(ErrorKind::Denied));
        host.root.write(&path("/file"), b"new").expect("a write");
        assert_eq!(fs::metadata(&file).expect("a file").mode() & 0o7777, 0o200);
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).expect("a mode");
        assert_eq!(fs::read(&file).expect("a file"), b"new");
    });
}

#[test]
fn another_hard_link_keeps_the_old_content() {
    let host = Host::new();
    let file = host.file("file", "old");
    fs::hard_link(&file, host.at("outside/linked")).expect("a hard link");
    host.root.write(&path("/file"), b"new").expect("a write");
    host.root.append(&path("/file"), b"er").expect("an append");
    assert_eq!(fs::read(&file).expect("a file"), b"newer");
    assert_eq!(fs::read(host.at("outside/linked")).expect("a file"), b"old");
}

#[test]
fn an_append_is_bounded_exactly() {
    let host = Host::new();
    let file = host.file("file", "");
    let set =
        |size| fs::File::options().write(true).open(&file).and_then(|file| file.set_len(size));
    set(limits::APPEND_MAX_BYTES - 2).expect("a size");
    host.root.append(&path("/file"), b"12").expect("an append");
    let error = host.root.append(&path("/file"), b"3").expect_err("an append beyond the limit");
    let size = limits::APPEND_MAX_BYTES + 1;
    assert!(matches!(error, Error::TooLarge { size: found, .. } if found == size), "{error:?}");
    let content = fs::read(&file).expect("a file");
    assert_eq!(content.len() as u64, limits::APPEND_MAX_BYTES);
    assert!(content.ends_with(b"\x0012"));
    let large = vec![0; usize::try_from(limits::APPEND_MAX_BYTES).expect("a size") + 1];
    let new = try_on("/new", |path| host.root.append(path, &large));
    assert_eq!(new, Err(ErrorKind::TooLarge));
    // A write has no such bound: its content is in memory already.
    host.root.write(&path("/new"), &large).expect("a write");
}

#[test]
fn appends_at_the_same_time_are_all_kept() {
    const THREADS: usize = 8;
    const EACH: usize = 25;
    let host = Host::new();
    host.link("link", "log");
    let start = Barrier::new(THREADS);
    thread::scope(|scope| {
        for number in 0..THREADS {
            let (host, start) = (&host, &start);
            scope.spawn(move || {
                let name = if number % 2 == 0 { "/log" } else { "/link" };
                start.wait();
                for _ in 0..EACH {
                    host.root
                        .append(&path(name), format!("{number}\n").as_bytes())
                        .expect("append");
                }
            });
        }
    });
    let log = fs::read_to_string(host.at("files/log")).expect("a file");
    for number in 0..THREADS {
        let lines = log.lines().filter(|line| *line == number.to_string()).count();
        assert_eq!(lines, EACH, "thread {number}");
    }
    assert_eq!(log.lines().count(), THREADS * EACH);
}

#[test]
fn readers_see_one_version_or_the_other() {
    const LENGTH: usize = 100_000;
    let host = Host::new();
    host.file("file", vec![b'0'; LENGTH]);
    thread::scope(|scope| {
        let writer = scope.spawn(|| {
            for round in 0..200_u8 {
                let digit = b'0' + round % 10;
                host.root.write(&path("/file"), &vec![digit; LENGTH]).expect("a write");
            }
        });
        let mut reads = 0;
        while !writer.is_finished() || reads == 0 {
            let content = match host.root.read(&path("/file"), u64::MAX) {
                Err(error) if error.kind() == ErrorKind::Busy => continue,
                other => other.expect("a read"),
            };
            assert_eq!(content.len(), LENGTH);
            assert!(content.iter().all(|byte| *byte == content[0]), "a mixture");
            reads += 1;
        }
    });
}
