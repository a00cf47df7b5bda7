//! Other processes, and programs with more rights.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::process::{Command, Stdio};

use rustix::io::Errno;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use super::{Act, Attempt, DENIED, HIDDEN, UNSEEN};
use crate::stage::Stage;
use crate::sys;

/// Attaches to a process without stopping it.
const PTRACE_SEIZE: usize = 0x4206;
/// A limit of open files that is lower than none and enough for this process.
const MANY_FILES: u64 = 1024;
/// Where no process has memory.
const UNMAPPED: usize = 8;

pub(super) fn all() -> Vec<Act> {
    let act = |number, name, prepare| Act { number, name, refusals: UNSEEN, prepare };
    vec![
        act(12, "read another process's /proc/PID/mem", |_| {
            of_each(others(), |process| File::open(format!("/proc/{}/mem", process.id)).map(drop))
        }),
        act(13, "ptrace attach", |_| {
            // It ends with this process, which does nothing else.
            of_each(others(), |process| {
                sys::call(libc::SYS_ptrace, &[PTRACE_SEIZE, process.number()]).map(drop)
            })
        }),
        act(14, "process_vm_readv", |_| of_each(others(), read_memory)),
        act(15, "kill a process of another user", |_| {
            let own = rustix::process::geteuid().as_raw();
            let mut foreign = others();
            foreign.retain(|process| own == 0 || process.user != own);
            // No signal: only the question whether one may be sent.
            of_each(foreign, |process| sys::call(libc::SYS_kill, &[process.number(), 0]).map(drop))
        }),
        Act {
            number: 38,
            name: "set-uid execution gains nothing",
            refusals: HIDDEN,
            prepare: set_uid,
        },
        Act { number: 39, name: "raise a resource limit", refusals: DENIED, prepare: limits },
    ]
}

/// A process that is not of the probe.
#[derive(Clone, Copy)]
struct Process {
    id: u32,
    user: u32,
}

impl Process {
    fn number(self) -> usize {
        usize::try_from(self.id).unwrap_or_default()
    }
}

/// The first process of the machine, seen or not, and all others that can be seen.
fn others() -> Vec<Process> {
    let ours = [std::process::id(), std::os::unix::process::parent_id()];
    let listed = fs::read_dir("/proc").into_iter().flatten().flatten();
    let seen = listed.filter_map(|entry| {
        let id = entry.file_name().to_str()?.parse().ok()?;
        Some(Process { id, user: entry.metadata().ok()?.uid() })
    });
    let mut processes: Vec<Process> = seen
        .chain([Process { id: 1, user: 0 }])
        .filter(|process| !ours.contains(&process.id))
        .collect();
    processes.sort_unstable_by_key(|process| process.id);
    processes.dedup_by_key(|process| process.id);
    processes
}

fn of_each(processes: Vec<Process>, act: fn(Process) -> io::Result<()>) -> Vec<Attempt> {
    if processes.is_empty() {
        // In a name space of its own it is the first process itself, and there is no other.
        return vec![Attempt::new("no process", || Err::<(), _>(Errno::SRCH.into()))];
    }
    let attempt =
        |process: Process| Attempt::new(format!("process {}", process.id), move || act(process));
    processes.into_iter().map(attempt).collect()
}

/// Asks for a byte where there is none: with the right to read it is a bad address, without it is refused.
fn read_memory(process: Process) -> io::Result<()> {
    let mut byte = [0_u8];
    let here = [sys::address_mut(&mut byte), byte.len()];
    let there = [UNMAPPED, byte.len()];
    let arguments = [process.number(), sys::address(&here), 1, sys::address(&there), 1, 0];
    sys::call(libc::SYS_process_vm_readv, &arguments).map(drop)
}

/// A set-user-id program of root, where one is named, and the promise of the kernel that no program gains anything.
fn set_uid(stage: &Stage) -> Vec<Attempt> {
    let named = stage.options.setuid.clone().map(|program| {
        Attempt::new(program.display().to_string(), move || {
            let asked = Command::new(program).arg("identity").stdin(Stdio::null()).output()?;
            let own = rustix::process::geteuid().as_raw().to_string();
            let told = String::from_utf8_lossy(&asked.stdout).trim().to_owned();
            if told == own { Err(Errno::PERM.into()) } else { Ok(()) }
        })
    });
    let promise = Attempt::new("no-new-privs is off", || match rustix::thread::no_new_privs() {
        Ok(true) => Err(Errno::PERM.into()),
        Ok(false) => Ok(()),
        Err(errno) => Err(io::Error::other(errno)),
    });
    named.into_iter().chain([promise]).collect()
}

/// Lowers a limit, which anybody may, and tries to raise it to what it was: so it never passes the kernel's own bound.
fn limits(_: &Stage) -> Vec<Attempt> {
    let before = getrlimit(Resource::Nofile);
    let lowered = before.maximum.map_or(MANY_FILES, |maximum| maximum.saturating_sub(1));
    let lower =
        Rlimit { current: before.current.map(|now| now.min(lowered)), maximum: Some(lowered) };
    let done = setrlimit(Resource::Nofile, lower);
    vec![Attempt::new("open files", move || {
        done.map_err(|errno| io::Error::other(format!("it could not be lowered: {errno}")))?;
        Ok(setrlimit(Resource::Nofile, before)?)
    })]
}
