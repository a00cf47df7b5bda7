//! Which paths lead where, for every operation alike.
#![cfg(test)]

#[path = "common/attempt.rs"]
mod attempt;
#[path = "common/host.rs"]
mod host;
#[path = "common/other_user.rs"]
mod other_user;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::Command;

use attempt::try_on;
use host::{Host, path};
use other_user::without_root;
use vroot::{Error, ErrorKind, OpenError, Recursion, VRoot, limits, uninterrupted};

/// Reads a path and compares the content or the kind of the error.
#[track_caller]
fn check(host: &Host, text: &str, expected: Result<&str, ErrorKind>) {
    let found = try_on(text, |path| host.root.read(path, 1000));
    let found = found.map(|content| String::from_utf8(content).expect("text"));
    assert_eq!(found.as_deref(), expected.as_ref().map(|text| *text), "{text:?}");
}

#[test]
fn paths_and_links_lead_where_they_say() {
    let host = Host::new();
    host.file("top", "top");
    host.file("a/b/deep", "deep");
    host.link("a/up", "../top");
    host.link("a/b/up-twice", "../../top");
    host.link("to-b", "a/b");
    host.link("a/to-b", "./b//");
    host.link("here", ".");
    host.link("to-link", "a/up");
    host.link("dangling", "a/none");
    let secret = host.at("outside/secret");
    host.link("out-absolute", &secret);
    host.link("out-inside", host.at("files/top"));
    host.link("out-up", "../outside/secret");
    host.link("a/out-up", "../../outside/secret");
    host.link("out-folder", "../outside");
    host.link("in-by-out", "../files/top");
    host.link("loop", "loop");
    host.link("ping", "pong");
    host.link("pong", "ping");
    host.link("through-file", "top/..");
    host.link("to-reserved", ".llmbasedos-tmp-0");

    check(&host, "/top", Ok("top"));
    check(&host, "//./top/", Ok("top"));
    check(&host, "/a/../top", Ok("top"));
    check(&host, "/a/b/../../top", Ok("top"));
    check(&host, "/a/up", Ok("top"));
    check(&host, "/a/b/up-twice", Ok("top"));
    check(&host, "/to-b/deep", Ok("deep"));
    // `..` is the folder above the one that the link leads to.
    check(&host, "/to-b/../up", Ok("top"));
    check(&host, "/to-b/../../top", Ok("top"));
    check(&host, "/a/to-b/deep", Ok("deep"));
    check(&host, "/here/here/here/top", Ok("top"));
    check(&host, "/to-link", Ok("top"));

    check(&host, "/none", Err(ErrorKind::NotFound));
    check(&host, "/none/../top", Err(ErrorKind::NotFound));
    check(&host, "/dangling", Err(ErrorKind::NotFound));
    check(&host, "/top/file", Err(ErrorKind::NotADirectory));
    check(&host, "/top/..", Err(ErrorKind::NotADirectory));
    check(&host, "/through-file", Err(ErrorKind::NotADirectory));
    check(&host, "/a", Err(ErrorKind::IsADirectory));
    check(&host, "/", Err(ErrorKind::IsADirectory));
    check(&host, "/a/..", Err(ErrorKind::IsADirectory));
    check(&host, "/here", Err(ErrorKind::IsADirectory));

    for escape in [
        "/..",
        "/../files/top",
        "/a/../../files/top",
        "/to-b/../../../files/top",
        "/here/..",
        "/out-absolute",
        "/out-inside",
        "/out-up",
        "/a/out-up",
        "/out-folder/secret",
        "/in-by-out",
    ] {
        check(&host, escape, Err(ErrorKind::Escape));
    }
    for endless in ["/loop", "/loop/a", "/ping", "/a/../ping/.."] {
        check(&host, endless, Err(ErrorKind::LinkLoop));
    }
    check(&host, "/to-reserved", Err(ErrorKind::InvalidPath));
    check(&host, "/.llmbasedos-tmp-0", Err(ErrorKind::InvalidPath));
    check(&host, "top", Err(ErrorKind::InvalidPath));
}

#[test]
fn the_limits_of_a_walk_are_exact() {
    let host = Host::new();
    host.file("file", "end");
    // Each link of the chain leads to the one before it.
    host.link("l1", "file");
    for number in 2..=limits::MAX_LINKS + 1 {
        host.link(&format!("l{number}"), format!("l{}", number - 1));
    }
    check(&host, &format!("/l{}", limits::MAX_LINKS), Ok("end"));
    check(&host, &format!("/l{}", limits::MAX_LINKS + 1), Err(ErrorKind::LinkLoop));

    let folders = vec!["d"; limits::MAX_DEPTH].join("/");
    host.file(&format!("{folders}/file"), "deep");
    host.file(&format!("{folders}/d/file"), "too deep");
    check(&host, &format!("/{folders}/file"), Ok("deep"));
    check(&host, &format!("/{folders}/d/file"), Err(ErrorKind::TooDeep));
    let down_and_up = "/d/..".repeat(800);
    check(&host, &format!("{down_and_up}/file"), Ok("end"));

    // Links that expand to long paths, one after the other, do not multiply the work.
    host.link("long", "./d/../".repeat(500) + ".");
    check(&host, &("/long".repeat(4) + "/file"), Ok("end"));
    check(&host, &("/long".repeat(5) + "/file"), Err(ErrorKind::TooDeep));
}

#[test]
fn every_reachable_place_has_a_path_of_legal_length() {
    let host = Host::new();
    let name = "n".repeat(limits::MAX_NAME_BYTES);
    let half = [name.as_str(); 10].join("/");
    fs::create_dir_all(host.at("files").join(&half)).expect("folders");
    // The second half is made from inside, and is reached through a link only.
    host.link("half", &half);
    let inner = host.at("files").join(&half);
    let long = [name.as_str(); 7].join("/");
    let made = Command::new("sh")
        .arg("-c")
        .arg("cd -P \"$1\" && mkdir -p \"$2\"")
        .args(["sh".as_ref(), inner.as_os_str(), long.as_ref()])
        .status()
        .expect("a shell");
    assert!(made.success());
    let error = try_on(&format!("/half/{long}/file"), |path| host.root.write(path, b"x"));
    assert_eq!(error, Err(ErrorKind::InvalidPath));
}

#[test]
fn an_excluded_folder_does_not_exist_for_anybody() {
    let host = Host::new();
    host.file("a/file", "file");
    host.link("to-state", "state");
    host.link("a/to-state", "../state");
    host.link("through", "state/../a");
    host.link("a/to-secret", "../state/sub/secret");
    for text in [
        "/state",
        "/state/",
        "/state/secret",
        "/state/none",
        "/state/sub/secret",
        "/state/..",
        "/state/../a/file",
        "/state/sub/../../a/file",
        "/a/../state/secret",
        "/to-state",
        "/to-state/secret",
        "/to-state/../a/file",
        "/a/to-state/sub/secret",
        "/a/to-secret",
        "/through/file",
    ] {
        check(&host, text, Err(ErrorKind::NotFound));
        let list = try_on(text, |path| host.root.list(path, None, 10, &uninterrupted));
        assert_eq!(list, Err(ErrorKind::NotFound), "{text}");
        for operation in [VRoot::write, VRoot::append] {
            let written = try_on(text, |path| operation(&host.root, path, b"x"));
            let parent = Err(ErrorKind::InvalidPath);
            let expected = if text.ends_with("..") { parent } else { Err(ErrorKind::NotFound) };
            assert_eq!(written, expected, "{text}");
        }
        // The last link itself can be removed: it is not in the excluded folder.
        if !matches!(text, "/to-state" | "/a/to-secret") && !text.ends_with("..") {
            for recursion in [Recursion::Refuse, Recursion::Whole] {
                let removed =
                    try_on(text, |path| host.root.remove(path, recursion, &uninterrupted));
                assert_eq!(removed, Err(ErrorKind::NotFound), "{text}");
            }
        }
    }
    assert_eq!(fs::read(host.at("files/state/secret")).expect("a file"), b"secret");
    assert_eq!(fs::read_dir(host.at("files/state")).expect("a folder").count(), 2);

    // Its place in the tree does not matter, only what it is.
    fs::rename(host.at("files/state"), host.at("files/a/moved")).expect("a move");
    check(&host, "/a/moved/secret", Err(ErrorKind::NotFound));
    fs::create_dir(host.at("files/state")).expect("a folder");
    host.file("state/open", "open");
    check(&host, "/state/open", Ok("open"));
}

#[test]
fn a_root_below_an_excluded_folder_works() {
    let host = Host::new();
    let (files, state) = (host.at("files/state/sub"), host.at("files/state"));
    let pending = host.at("files/state/pending");
    fs::create_dir(&pending).expect("a folder");
    let root = VRoot::open(&files, &pending, std::slice::from_ref(&state)).expect("a root");
    assert_eq!(root.read(&path("/secret"), 100).expect("a file"), b"secret");
    let up = try_on("/../secret", |path| root.read(path, 100));
    assert_eq!(up, Err(ErrorKind::Escape));
}

#[test]
fn the_pending_folder_is_excluded_by_itself() {
    let host = Host::new();
    let pending = host.at("files/records");
    fs::create_dir(&pending).expect("a folder");
    let root = VRoot::open(&host.at("files"), &pending, &[]).expect("a root");
    let list = root.list(&path("/"), None, 10, &uninterrupted).expect("a list");
    assert_eq!(list.entries.iter().map(|entry| &entry.name).collect::<Vec<_>>(), ["state"]);
    let written = try_on("/records/x", |path| root.write(path, b"x"));
    assert_eq!(written, Err(ErrorKind::NotFound));
}

#[test]
fn a_wrong_arrangement_is_refused_at_the_start() {
    let host = Host::new();
    let (files, state, free) = (host.at("files"), host.at("files/state"), host.at("outside"));
    let open = |root: &Path, pending: &Path, excluded: &[PathBuf]| {
        VRoot::open(root, pending, excluded).map(drop)
    };
    let found = open(&state, &free, std::slice::from_ref(&state));
    assert!(matches!(found, Err(OpenError::RootExcluded { .. })), "{found:?}");
    let found = open(&files, &files, &[]);
    assert!(matches!(found, Err(OpenError::RootExcluded { .. })), "{found:?}");
    let found = open(&files, &host.at("pending"), &[]);
    assert!(matches!(found, Err(OpenError::PendingInUse { .. })), "{found:?}");
    for (root, pending, excluded, role) in [
        (host.at("none"), free.clone(), vec![], "exposed"),
        (files.clone(), host.at("none"), vec![], "pending"),
        (files.clone(), free.clone(), vec![host.at("none")], "excluded"),
        (host.at("outside/secret"), free.clone(), vec![], "exposed"),
    ] {
        let error = open(&root, &pending, &excluded).expect_err(role);
        assert!(matches!(error, OpenError::Folder { .. }), "{error:?}");
        assert!(error.to_string().contains(role), "{error}");
    }
    open(&files, &free, std::slice::from_ref(&state)).expect("a root");
    // A process that is being started has copies of all handles for a moment.
    let root = VRoot::open(&files, &free, &[]).expect("the lock ends with the root");
    let copies: Vec<_> = root.handles().map(|handle| handle.try_clone_to_owned()).collect();
    drop(root);
    open(&files, &free, &[]).expect("the lock ends with the root");
    drop(copies);
}

#[test]
fn special_files_are_never_opened_and_nothing_waits() {
    let host = Host::new();
    let made = Command::new("mkfifo").arg(host.at("files/fifo")).status().expect("mkfifo");
    assert!(made.success());
    let _listener = UnixListener::bind(host.at("files/socket")).expect("a socket");
    host.link("to-fifo", "fifo");
    for text in ["/fifo", "/socket", "/to-fifo"] {
        check(&host, text, Err(ErrorKind::NotRegular));
        for operation in [VRoot::write, VRoot::append] {
            let written = try_on(text, |path| operation(&host.root, path, b"x"));
            assert_eq!(written, Err(ErrorKind::NotRegular), "{text}");
        }
        let listed = try_on(text, |path| host.root.list(path, None, 10, &uninterrupted));
        assert_eq!(listed, Err(ErrorKind::NotADirectory), "{text}");
    }
    host.root.remove(&path("/fifo"), Recursion::Refuse, &uninterrupted).expect("a removal");
}

#[test]
fn the_file_systems_of_the_kernel_are_not_entered() {
    let host = Host::new();
    let root = VRoot::open("/".as_ref(), &host.at("outside"), &[]).expect("a root");
    for text in ["/proc/self/environ", "/proc/self/root/etc/passwd", "/proc/1/cwd", "/sys/kernel"] {
        let read = try_on(text, |path| root.read(path, 1_000_000));
        assert_eq!(read, Err(ErrorKind::Protected), "{text}");
        let list = try_on(text, |path| root.list(path, None, 10, &uninterrupted));
        assert_eq!(list, Err(ErrorKind::Protected), "{text}");
    }
    assert_eq!(try_on("/dev/null", |path| root.read(path, 10)), Err(ErrorKind::NotRegular));
}

#[test]
fn a_read_is_bounded_exactly() {
    let host = Host::new();
    host.file("file", "12345");
    host.file("longer", "1234567890");
    let read = |max| try_on("/file", |path| host.root.read(path, max)).map(|content| content.len());
    assert_eq!(read(5), Ok(5));
    assert_eq!(read(u64::MAX), Ok(5));
    assert_eq!(read(4), Err(ErrorKind::TooLarge));
    assert_eq!(read(0), Err(ErrorKind::TooLarge));
    let error = host.root.read(&path("/file"), 4).expect_err("a file that is too large");
    assert!(matches!(error, Error::TooLarge { size: 5, limit: 4, .. }), "{error:?}");
    let error = host.root.read(&path("/longer"), 4).expect_err("a file that is too large");
    assert!(matches!(error, Error::TooLarge { size: 10, limit: 4, .. }), "{error:?}");
}

#[test]
fn a_folder_of_the_kernel_is_no_root() {
    let host = Host::new();
    for root in ["/proc", "/proc/self", "/sys"] {
        let refused = VRoot::open(root.as_ref(), &host.at("outside"), &[]).expect_err(root);
        assert!(matches!(refused, OpenError::RootOfKernel { .. }), "{root}: {refused:?}");
    }
}

#[test]
fn messages_show_virtual_paths_only() {
    let host = Host::new();
    host.file("a/file", "");
    host.link("a/out", host.at("outside/secret"));
    host.link("a/loop", "loop");
    let base = host.at("").display().to_string();
    for text in
        ["/none", "/a/file/x", "/a", "/a/out", "/a/loop", "/../x", "/state", "/a/\u{1b}[31m\n"]
    {
        let error = host.root.read(&path(text), 0).expect_err(text);
        let mut told = format!("{error} {error:?}");
        let mut cause = std::error::Error::source(&error);
        while let Some(error) = cause {
            told += &error.to_string();
            cause = error.source();
        }
        assert!(!told.contains(&base) && !told.contains("outside/"), "{told}");
        let message = error.to_string();
        assert!(!message.contains(char::is_control), "{message:?}");
        assert!(!message.ends_with('.') && !message.starts_with(char::is_uppercase), "{message}");
    }
    let message = host.root.read(&path("/none"), 0).expect_err("no file").to_string();
    assert_eq!(message, "`/none` does not exist");
    let error =
        host.root.remove(&path("/"), Recursion::Whole, &uninterrupted).expect_err("the root");
    assert_eq!(error.to_string(), "`/` is the exposed folder itself and cannot be removed");
}

#[test]
fn rights_of_the_host_hold() {
    without_root("rights_of_the_host_hold", || {
        let host = Host::new();
        for (name, mode) in [("unread", 0o000), ("blind", 0o300), ("locked", 0o600)] {
            host.file(&format!("{name}/file"), "x");
            let mode = fs::Permissions::from_mode(mode);
            fs::set_permissions(host.at("files").join(name), mode).expect("a mode");
        }
        check(&host, "/unread/file", Err(ErrorKind::Denied));
        check(&host, "/blind/file", Ok("x"));
        check(&host, "/locked/file", Err(ErrorKind::Denied));
        let list = |text: &str| try_on(text, |path| host.root.list(path, None, 10, &uninterrupted));
        assert_eq!(list("/unread"), Err(ErrorKind::Denied));
        assert_eq!(list("/blind"), Err(ErrorKind::Denied));
        // Names can be read there, but nothing more.
        let locked = list("/locked").expect("a list");
        assert_eq!(locked.entries[0].kind, vroot::Kind::Inaccessible);
        // A change there could not be made durable.
        let blind = try_on("/blind/new", |path| host.root.write(path, b"x"));
        assert_eq!(blind, Err(ErrorKind::Denied));
        let blind =
            try_on("/blind/file", |path| host.root.remove(path, Recursion::Refuse, &uninterrupted));
        assert_eq!(blind, Err(ErrorKind::Denied));
        check(&host, "/blind/file", Ok("x"));
        for name in ["unread", "blind", "locked"] {
            let mode = fs::Permissions::from_mode(0o700);
            fs::set_permissions(host.at("files").join(name), mode).expect("a mode");
        }
    });
}
