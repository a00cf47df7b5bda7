//! Other processes and other programs.

use std::{
    fs, io,
    process::{Command, Stdio},
};

use super::{Act, Control::DiffersForRoot, EPERM, ensure};
use crate::{
    outcome::Outcome,
    stage::{Other, path},
    sys::{self, NO_FD, bits},
};

/// Sharing signal handlers without sharing memory, which `clone` refuses with any other flag: so
/// that no row ever makes a process.
const IMPOSSIBLE: i32 = libc::CLONE_SIGHAND;

pub(crate) fn refused() -> Vec<Act> {
    let mut acts = programs();
    acts.extend(others());
    acts.extend(namespaces());
    acts
}

fn programs() -> Vec<Act> {
    let start = |name, program: fn() -> std::path::PathBuf| {
        Act::new(name, EPERM, move || {
            // Every program here knows this and does nothing else then. Its output goes to a pipe
            // because `/dev/null` is out of reach.
            let mut command = Command::new(program());
            let status = command.arg("--version").stdout(Stdio::piped()).status()?;
            ensure(status.success(), "the program ran")
        })
    };
    vec![
        start("start a program", || "/bin/true".into()),
        start("start a program that was written", || {
            // A copy made by this process, executable as far as its mode goes.
            let copy = path("inside/copy");
            match fs::copy(path("inside/program"), &copy) {
                Ok(_) => copy,
                Err(_) => path("inside/program"),
            }
        }),
        start("start a set-user-id program", || {
            let known = ["/usr/bin/su", "/bin/su", "/usr/bin/mount"];
            known.into_iter().find(|name| fs::symlink_metadata(name).is_ok()).unwrap_or("").into()
        }),
        Act::new("start a program by handle", EPERM, || {
            sys::call(libc::SYS_execveat, &[NO_FD, 0, 0, 0, bits(libc::AT_EMPTY_PATH)])
        }),
    ]
}

fn others() -> Vec<Act> {
    let this = || usize::try_from(std::process::id()).unwrap_or_default();
    vec![
        Act::prepared("signal a process outside", EPERM, || {
            let mut other = Other::start()?;
            let pid = usize::try_from(other.id()).map_err(io::Error::other)?;
            Ok(move || {
                let answer = sys::call(libc::SYS_kill, &[pid, 0]);
                other.end().and(answer)
            })
        }),
        Act::new("trace", EPERM, || {
            sys::call(libc::SYS_ptrace, &[usize::try_from(libc::PTRACE_TRACEME).unwrap_or(0)])
        }),
        Act::new("read a process's memory", EPERM, move || {
            sys::call(libc::SYS_process_vm_readv, &[this(), 0, 0, 0, 0, 0])
        }),
        Act::new("write a process's memory", EPERM, move || {
            sys::call(libc::SYS_process_vm_writev, &[this(), 0, 0, 0, 0, 0])
        }),
        Act::new("compare processes", EPERM, move || {
            sys::call(libc::SYS_kcmp, &[this(), this(), 1])
        }),
        Act::new("take a process's descriptor", EPERM, || {
            sys::call(libc::SYS_pidfd_getfd, &[NO_FD, 0, 0])
        }),
    ]
}

fn namespaces() -> Vec<Act> {
    let unshare = |name, flags: i32| {
        Act::new(name, EPERM, move || sys::call(libc::SYS_unshare, &[bits(flags)]))
    };
    let clone = |name, flag: i32| {
        Act::new(name, EPERM, move || {
            sys::call(libc::SYS_clone, &[bits(flag | IMPOSSIBLE | libc::SIGCHLD)])
        })
    };
    vec![
        unshare("unshare a user namespace", libc::CLONE_NEWUSER),
        unshare("unshare a network namespace", libc::CLONE_NEWNET).control(DiffersForRoot),
        unshare("unshare a mount namespace", libc::CLONE_NEWNS).control(DiffersForRoot),
        Act::new("enter a namespace", EPERM, || sys::call(libc::SYS_setns, &[NO_FD, 0])),
        clone("clone into a user namespace", libc::CLONE_NEWUSER),
        clone("clone into a mount namespace", libc::CLONE_NEWNS),
        clone("clone into a network namespace", libc::CLONE_NEWNET),
        clone("clone into a process namespace", libc::CLONE_NEWPID),
        clone("clone into an IPC namespace", libc::CLONE_NEWIPC),
        clone("clone into a name namespace", libc::CLONE_NEWUTS),
        clone("clone into a control group namespace", libc::CLONE_NEWCGROUP),
        Act::new("clone with flags in memory", Outcome::Errno(libc::ENOSYS), || {
            sys::call(libc::SYS_clone3, &[0, 0])
        }),
    ]
}
