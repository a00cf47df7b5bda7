//! What this process holds in its memory stays there: keys, secrets, what files hold.

use std::io;

use rustix::process::{
    DumpableBehavior, Resource, Rlimit, getrlimit, set_dumpable_behavior, setrlimit,
};

/// The size of a core dump with which the kernel makes none at all. It is too short for a file, as 0 is; but a program
/// that is to receive core dumps (`|` in `core_pattern`), which most distributions have, gets them in spite of 0, and
/// not for a limit of exactly 1: see `do_coredump` in the kernel.
const NO_CORE: u64 = 1;

/// No crash of this process leaves its memory in a file or with another program.
pub(crate) fn no_core() -> io::Result<()> {
    // Whoever has forbidden it already stays obeyed.
    let most = getrlimit(Resource::Core).maximum.map_or(NO_CORE, |most| most.min(NO_CORE));
    Ok(setrlimit(Resource::Core, Rlimit { current: Some(most), maximum: Some(most) })?)
}

/// No other process of the same user traces this one or reads its memory, its environment or its descriptors: all of
/// `/proc/PID` belongs to root from here on. On the appliance the file server runs as the same user as the person's own
/// programs.
pub(crate) fn close() -> io::Result<()> {
    Ok(set_dumpable_behavior(DumpableBehavior::NotDumpable)?)
}
