//! Runs a test again as a user without privileges.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::process::Command;

/// The user and group `nobody` of most systems; any that is not root will do.
const NOBODY: u32 = 65534;

/// Runs `body` as a user who is not root: here, or, if this is root, by starting the test `name`
/// again as somebody else.
pub(crate) fn without_root(name: &str, body: impl FnOnce()) {
    if rustix::process::geteuid().is_root() {
        with_variable(name, ("VROOT_TEST_AGAIN", OsStr::new("1")));
    } else {
        body();
    }
}

/// Starts the test `name` again as somebody else, with a variable in its environment.
pub(crate) fn with_variable(name: &str, (key, value): (&str, &OsStr)) {
    // The build folder may be closed to others.
    let folder = tempfile::tempdir().expect("a folder");
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).expect("a mode");
    let copy = folder.path().join("test");
    // Copied by another process, since a child that is just being started by another test would
    // hold the file open for writing, and such a file cannot be executed.
    let binary = std::env::current_exe().expect("the test binary");
    let copied = Command::new("cp").arg(binary).arg(&copy).status().expect("cp");
    assert!(copied.success());
    fs::set_permissions(&copy, fs::Permissions::from_mode(0o755)).expect("a mode");
    let output = Command::new(&copy)
        .args(["--exact", name, "--nocapture"])
        .current_dir("/")
        .env_remove("TMPDIR")
        .env(key, value)
        .uid(NOBODY)
        .gid(NOBODY)
        .output()
        .expect("the test binary as another user");
    let told = String::from_utf8_lossy(&output.stdout);
    let blamed = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{told}{blamed}");
    // A wrong name would run no test at all.
    assert!(told.contains("1 passed"), "{told}{blamed}");
}
