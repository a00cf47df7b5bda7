//! Mount points inside of the root. The test runs itself again in a mount namespace of its own.
#![cfg(test)]

#[path = "common/attempt.rs"]
mod attempt;
#[path = "common/host.rs"]
mod host;

use std::fs;
use std::path::Path;
use std::process::Command;

use attempt::try_on;
use host::{Host, path};
use vroot::{ErrorKind, Recursion, uninterrupted};

const INSIDE: &str = "VROOT_TEST_IN_NAMESPACE";

/// Starts the test `name` again where it may mount, unless this is there already.
fn may_mount(name: &str) -> bool {
    if std::env::var_os(INSIDE).is_some() {
        return true;
    }
    let mut command = Command::new("unshare");
    if !rustix::process::geteuid().is_root() {
        command.args(["--user", "--map-root-user"]);
    }
    let output = command
        .args(["--mount", "--propagation", "private"])
        .arg(std::env::current_exe().expect("the test binary"))
        .args(["--exact", name, "--nocapture"])
        .env(INSIDE, "1")
        .output()
        .expect("unshare");
    let told = String::from_utf8_lossy(&output.stdout);
    let blamed = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && told.contains("1 passed"), "{told}{blamed}");
    false
}

fn mount(arguments: &[&str], on: &Path) {
    let status = Command::new("mount").args(arguments).arg(on).status().expect("mount");
    assert!(status.success(), "{arguments:?}");
}

#[test]
fn a_tree_with_a_mount_point_stays_whole() {
    if !may_mount("a_tree_with_a_mount_point_stays_whole") {
        return;
    }
    // The same file system under the same device number, another file system, and a single file.
    for kind in ["same", "other", "file"] {
        let host = Host::new();
        host.file("tree/first", "first");
        host.file("tree/m/n/place/inner", "");
        host.file("tree/z", "last");
        let elsewhere = host.at("outside");
        let outside = elsewhere.to_str().expect("text");
        let place = host.at("files/tree/m/n/place");
        match kind {
            "same" => mount(&["--bind", outside], &place),
            "other" => mount(&["-t", "tmpfs", "vroot-test"], &place),
            _ => mount(&["--bind", &format!("{outside}/secret")], &place.join("inner")),
        }
        for name in ["/tree", "/tree/m", "/tree/m/n"] {
            let removed =
                try_on(name, |path| host.root.remove(path, Recursion::Whole, &uninterrupted));
            assert_eq!(removed, Err(ErrorKind::Protected), "{kind} {name}");
        }
        let last = if kind == "file" { "/tree/m/n/place/inner" } else { "/tree/m/n/place" };
        for recursion in [Recursion::Refuse, Recursion::Whole] {
            let removed = try_on(last, |path| host.root.remove(path, recursion, &uninterrupted));
            assert_eq!(removed, Err(ErrorKind::Protected), "{kind}");
        }
        if kind == "file" {
            let written = try_on(last, |path| host.root.write(path, b"x"));
            assert_eq!(written, Err(ErrorKind::Busy));
        }
        assert_eq!(host.root.read(&path("/tree/first"), 10).expect("a file"), b"first");
        assert_eq!(host.root.read(&path("/tree/z"), 10).expect("a file"), b"last");
        assert_eq!(fs::read(host.at("outside/secret")).expect("a file"), b"secret");
    }
}

#[test]
fn an_excluded_folder_is_recognised_where_it_is_mounted_again() {
    if !may_mount("an_excluded_folder_is_recognised_where_it_is_mounted_again") {
        return;
    }
    let host = Host::new();
    fs::create_dir_all(host.at("files/a/again")).expect("folders");
    let state = host.at("files/state");
    mount(&["--bind", state.to_str().expect("text")], &host.at("files/a/again"));
    host.link("link", "a/again");
    for text in ["/link/secret", "/a/again", "/a/again/secret", "/a/again/../again/sub/secret"] {
        let read = try_on(text, |path| host.root.read(path, 100));
        assert_eq!(read, Err(ErrorKind::NotFound), "{text}");
    }
    assert_eq!(host.root.list(&path("/a"), None, 10, &uninterrupted).expect("a list").entries, []);
}

#[test]
fn the_kernel_is_not_entered_where_it_is_mounted() {
    if !may_mount("the_kernel_is_not_entered_where_it_is_mounted") {
        return;
    }
    let host = Host::new();
    fs::create_dir(host.at("files/innocent")).expect("a folder");
    mount(&["--rbind", "/proc"], &host.at("files/innocent"));
    let read = try_on("/innocent/self/environ", |path| host.root.read(path, 1_000_000));
    assert_eq!(read, Err(ErrorKind::Protected));
    let list = try_on("/innocent", |path| host.root.list(path, None, 10, &uninterrupted));
    assert_eq!(list, Err(ErrorKind::Protected));
}

#[test]
fn a_read_only_mount_is_told() {
    if !may_mount("a_read_only_mount_is_told") {
        return;
    }
    let host = Host::new();
    host.file("fixed/file", "old");
    let place = host.at("files/fixed");
    mount(&["--bind", place.to_str().expect("text")], &place);
    mount(&["-o", "remount,bind,ro"], &place);
    for text in ["/fixed/file", "/fixed/new"] {
        let written = try_on(text, |path| host.root.write(path, b"new"));
        assert_eq!(written, Err(ErrorKind::ReadOnly), "{text}");
    }
    let removed =
        try_on("/fixed/file", |path| host.root.remove(path, Recursion::Refuse, &uninterrupted));
    assert_eq!(removed, Err(ErrorKind::ReadOnly));
    assert_eq!(host.root.read(&path("/fixed/file"), 10).expect("a file"), b"old");
    let pending = fs::read_dir(host.at("pending")).expect("a folder").count();
    assert_eq!(pending, 0);
}
