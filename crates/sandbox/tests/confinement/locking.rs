//! Locking itself: when it refuses, and what it says where the kernel lacks a part.
//!
//! A kernel without a part is played by a filter that answers as such a kernel does.

use std::{
    collections::BTreeMap, env::consts::ARCH, fs::File, io, os::fd::AsFd, sync::mpsc, thread,
};

use sandbox::{Confinement, LockError, Needs, limits};
use seccompiler::{BpfProgram, SeccompAction, SeccompFilter};

use crate::{acts::Need, probe, stage::path};

/// A case: its name, what the child does, and what it must say.
pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) act: fn() -> io::Result<String>,
    pub(crate) expected: &'static str,
}

/// The line of a lock, or of its refusal.
fn told(confinement: Confinement) -> String {
    match probe::lock(Need::Files, confinement) {
        Ok(report) => {
            let json = serde_json::to_string(&report).unwrap_or_default();
            format!("{report} {json}")
        }
        Err(error) => error.to_string(),
    }
}

/// Makes the kernel answer `call` with `errno` from here on.
fn without(call: i64, errno: i32) -> io::Result<()> {
    let rules = BTreeMap::from([(call, Vec::new())]);
    let answer = SeccompAction::Errno(errno.unsigned_abs());
    let program = || -> Result<BpfProgram, seccompiler::BackendError> {
        SeccompFilter::new(rules, SeccompAction::Allow, answer, ARCH.try_into()?)?.try_into()
    };
    let program = program().map_err(io::Error::other)?;
    seccompiler::apply_filter(&program).map_err(io::Error::other)
}

const NO_LANDLOCK: &str = "the kernel has no Landlock of ABI 2 or newer: use Linux 5.19 or newer \
     with `landlock` in its `lsm=` list, or pass `--unconfined` to run without this protection";
const LANDLOCK_LEFT_OUT: &str = "landlock none, seccomp on, no-new-privs on \
     {\"landlock_abi\":null,\"landlock\":\"none\",\"seccomp\":true,\"no_new_privs\":true}";

pub(crate) fn cases() -> Vec<Case> {
    let case = |name, act, expected| Case { name, act, expected };
    vec![
        case("two threads are refused", || two_threads(Confinement::Required), TWO_THREADS),
        case(
            "two threads are refused unconfined",
            || two_threads(Confinement::Unconfined),
            TWO_THREADS,
        ),
        case(
            "Landlock not built in is refused",
            || {
                without(libc::SYS_landlock_create_ruleset, libc::ENOSYS)?;
                Ok(told(Confinement::Required))
            },
            NO_LANDLOCK,
        ),
        case(
            "Landlock switched off is refused",
            || {
                without(libc::SYS_landlock_create_ruleset, libc::EOPNOTSUPP)?;
                Ok(told(Confinement::Required))
            },
            NO_LANDLOCK,
        ),
        case(
            "Landlock not built in is left out and reported",
            || {
                without(libc::SYS_landlock_create_ruleset, libc::ENOSYS)?;
                Ok(told(Confinement::Unconfined))
            },
            LANDLOCK_LEFT_OUT,
        ),
        case(
            "Landlock switched off is left out and reported",
            || {
                without(libc::SYS_landlock_create_ruleset, libc::EOPNOTSUPP)?;
                Ok(told(Confinement::Unconfined))
            },
            LANDLOCK_LEFT_OUT,
        ),
        case(
            "no filters are refused",
            || {
                without(libc::SYS_seccomp, libc::ENOSYS)?;
                Ok(told(Confinement::Required))
            },
            "the kernel refused the system-call filter: use a kernel with \
             `CONFIG_SECCOMP_FILTER`, or pass `--unconfined` to run without this protection",
        ),
        case("no filters are left out and reported", no_filters, "seccomp off"),
        case("a second lock is refused", second_lock, SECOND_LOCK),
        case("a need that is no file is refused", no_file, NO_FILE),
        case("too many folders are refused", too_many, TOO_MANY),
        case("as many folders as may be are taken", as_many, "taken"),
        case("nothing needed is nothing had", nothing, "Permission denied (os error 13)"),
    ]
}

const TWO_THREADS: &str = "2 threads run, and only the calling one would be locked: lock before \
     anything starts a thread";

fn two_threads(confinement: Confinement) -> io::Result<String> {
    let (end, wait) = mpsc::channel::<()>();
    let other = thread::Builder::new().spawn(move || wait.recv().is_err())?;
    let told = told(confinement);
    drop(end);
    match other.join() {
        Ok(true) => Ok(told),
        other => Err(io::Error::other(format!("the other thread ended with {other:?}"))),
    }
}

fn no_filters() -> io::Result<String> {
    without(libc::SYS_seccomp, libc::ENOSYS)?;
    match probe::lock(Need::Files, Confinement::Unconfined) {
        // The rest holds on all kernels that the tests run on, in one degree or another.
        Ok(report) if report.no_new_privs && !report.is_confined() && !report.seccomp => {
            File::open(path("outside/secret")).map_or(Ok("seccomp off".to_owned()), |_| {
                Err(io::Error::other("Landlock does not hold either"))
            })
        }
        Ok(report) => Ok(report.to_string()),
        Err(error) => Ok(error.to_string()),
    }
}

const SECOND_LOCK: &str =
    "counting the threads in `/proc/self/status`: mount `/proc` for this process";

fn second_lock() -> io::Result<String> {
    probe::lock(Need::Files, Confinement::Required).map_err(io::Error::other)?;
    match sandbox::lock(&Needs::none(), Confinement::Required) {
        Ok(report) => Ok(format!("locked twice: {report}")),
        Err(error) => Ok(error.to_string()),
    }
}

const NO_FILE: &str =
    "the kernel refused the Landlock rules: check that each declared directory is open";

fn no_file() -> io::Result<String> {
    let (pipe, _other) = io::pipe()?;
    let needs = Needs::none().read(pipe.as_fd());
    Ok(refusal(sandbox::lock(&needs, Confinement::Unconfined)))
}

const TOO_MANY: &str = "1025 directories are declared, and 1024 is the most: name fewer";

fn too_many() -> io::Result<String> {
    let folder = File::open(path("inside"))?;
    let needs = directories(&folder, limits::NEEDS_MAX_DIRECTORIES + 1);
    Ok(refusal(sandbox::lock(&needs, Confinement::Required)))
}

fn as_many() -> io::Result<String> {
    let folder = File::open(path("inside"))?;
    let needs = directories(&folder, limits::NEEDS_MAX_DIRECTORIES);
    let locked = sandbox::lock(&needs, Confinement::Required);
    Ok(locked.map_or_else(|error| error.to_string(), |_| "taken".to_owned()))
}

fn directories(folder: &File, count: usize) -> Needs<'_> {
    (0..count).fold(Needs::none(), |needs, _| needs.read(folder.as_fd()))
}

fn refusal(result: Result<sandbox::Report, LockError>) -> String {
    result.map_or_else(|error| error.to_string(), |report| report.to_string())
}

fn nothing() -> io::Result<String> {
    sandbox::lock(&Needs::none(), Confinement::Required).map_err(io::Error::other)?;
    Ok(File::open(path("shared/file"))
        .map_or_else(|error| error.to_string(), |_| "read it".to_owned()))
}
