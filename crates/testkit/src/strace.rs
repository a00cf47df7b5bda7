//! A process under strace: what it asks of the kernel, and its death at any of these calls.

use std::fs::{self, File};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::{User, until};

/// How long strace may take to attach itself, and to end after what it traces.
const PATIENCE: Duration = Duration::from_secs(30);

/// A running strace. Dropping it ends it; what it traces goes on.
pub struct Strace {
    process: Child,
    /// What it tells of itself.
    log: PathBuf,
    trace: PathBuf,
}

/// A system call that a thread made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SystemCall {
    /// The thread's id.
    pub thread: u32,
    /// The call's name.
    pub name: String,
    /// Its arguments as strace writes them, and what follows them.
    pub arguments: String,
}

impl Strace {
    /// Records every system call of all threads of a process from here on. `folder` belongs to `user`.
    pub fn record(process: u32, folder: &Path, user: User) -> Self {
        Self::attach(user.command("strace").arg("-f"), process, folder)
    }

    /// Kills the process of a thread when this is about to make the call named `call` for the `nth` time, counted
    /// from 1 and from here. The call is not made any more: the kernel looks for a deadly signal right before it.
    pub fn kill_before(thread: u32, call: &str, nth: usize, folder: &Path, user: User) -> Self {
        // strace only tampers with calls that it traces too.
        let (trace, kill) =
            (format!("trace={call}"), format!("inject={call}:signal=KILL:when={nth}"));
        // Without `-f` it is this thread's calls alone that are counted, whatever the others do.
        Self::attach(user.command("strace").args(["-e", &trace, "-e", &kill]), thread, folder)
    }

    /// Starts strace and waits until it has attached itself: from then on no call goes unseen.
    fn attach(command: &mut Command, id: u32, folder: &Path) -> Self {
        let (log, trace) = (folder.join("strace.log"), folder.join("trace"));
        let process = command
            .args(["-p", &id.to_string(), "-o"])
            .arg(&trace)
            .stdin(Stdio::null())
            .stderr(File::create(&log).unwrap())
            .spawn()
            .unwrap_or_else(|error| match error.kind() {
                ErrorKind::NotFound => panic!("strace is not installed: run `cargo xtask tools`"),
                _ => panic!("strace does not start: {error}"),
            });
        let mut strace = Self { process, log, trace };
        until("strace to attach itself", PATIENCE, || strace.is_attached().then_some(()));
        strace
    }

    fn is_attached(&mut self) -> bool {
        // In this order, so that what an ended strace said is all there.
        let ended = self.process.try_wait().unwrap();
        let told = fs::read_to_string(&self.log).unwrap();
        let attached = told.lines().any(|line| line.contains(" attached"));
        assert!(attached || ended.is_none(), "strace cannot attach itself:\n{told}");
        attached
    }

    /// Waits until the traced process is dead, and gives the calls that it made.
    pub fn calls(mut self) -> Vec<SystemCall> {
        until("strace's end", PATIENCE, || self.process.try_wait().unwrap());
        let trace = fs::read_to_string(&self.trace).unwrap();
        trace.lines().filter_map(call).collect()
    }
}

impl Drop for Strace {
    fn drop(&mut self) {
        // It may have ended already.
        self.process.kill().ok();
        self.process.wait().ok();
    }
}

/// The call of a line such as `4711  fsync(18) = 0`. The other half of an interrupted line, a signal and an end are
/// none.
fn call(line: &str) -> Option<SystemCall> {
    let (thread, rest) = line.split_once(' ')?;
    let (name, arguments) = rest.trim_start().split_once('(')?;
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    if !name.bytes().all(is_name) {
        return None;
    }
    let thread = thread.parse().ok()?;
    Some(SystemCall { thread, name: name.to_owned(), arguments: arguments.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(line: &str, expected: Option<(u32, &str)>) {
        let found = call(line);
        let found = found.as_ref().map(|call| (call.thread, call.name.as_str()));
        assert_eq!(found, expected, "{line}");
    }

    #[test]
    fn calls_are_told_from_the_rest() {
        check("12  fsync(18) = 0", Some((12, "fsync")));
        check("12345 epoll_wait(7,  <unfinished ...>", Some((12345, "epoll_wait")));
        check("12 openat2(4, \"a(b\", {flags=O_PATH}, 24) = 14", Some((12, "openat2")));
        check("12 <... epoll_wait resumed>[{events=(EPOLLIN)}], 1024, -1) = 1", None);
        check("12 +++ killed by SIGKILL (core dumped) +++", None);
        check("12 --- SIGTERM {si_signo=SIGTERM} (x) ---", None);
        check("", None);
    }
}
