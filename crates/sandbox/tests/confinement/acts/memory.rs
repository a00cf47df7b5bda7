//! Memory that would become executable, and foreign tables of system calls.

use std::{
    fs::{File, OpenOptions},
    io,
    os::fd::AsRawFd,
};

use super::{Act, EPERM};
use crate::{
    stage::path,
    sys::{self, NO_FD, bits},
};

/// One page is at least this long everywhere.
const PAGE: usize = 4096;

fn map(protection: i32, flags: i32, descriptor: usize) -> io::Result<usize> {
    sys::call(libc::SYS_mmap, &[0, PAGE, bits(protection), bits(flags), descriptor, 0])
}

fn map_file(file: &File) -> io::Result<usize> {
    map(
        libc::PROT_READ | libc::PROT_EXEC,
        libc::MAP_PRIVATE,
        usize::try_from(file.as_raw_fd()).map_err(io::Error::other)?,
    )
}

pub(crate) fn refused() -> Vec<Act> {
    const ANONYMOUS: i32 = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
    const WRITABLE: i32 = libc::PROT_READ | libc::PROT_WRITE;
    let switch = |name, call: i64, protection: i32| {
        Act::new(name, EPERM, move || {
            let page = map(WRITABLE, ANONYMOUS, NO_FD)?;
            sys::call(call, &[page, PAGE, bits(protection), NO_FD])
        })
    };
    let executable = libc::PROT_READ | libc::PROT_EXEC;
    vec![
        Act::new("map writable and executable", EPERM, || {
            map(WRITABLE | libc::PROT_EXEC, ANONYMOUS, NO_FD)
        }),
        switch("make writable and executable", libc::SYS_mprotect, WRITABLE | libc::PROT_EXEC),
        switch("make executable what was written", libc::SYS_mprotect, executable),
        switch("make executable with a key", libc::SYS_pkey_mprotect, executable),
        Act::prepared("map a written file executable", EPERM, || {
            let file = OpenOptions::new().read(true).write(true).open(path("inside/program"))?;
            Ok(move || map_file(&file))
        }),
        Act::new("map written memory executable", EPERM, move || {
            let name = c"code";
            let file =
                sys::call(libc::SYS_memfd_create, &[sys::address(name.to_bytes_with_nul())])?;
            sys::call(libc::SYS_ftruncate, &[file, PAGE])?;
            map(executable, libc::MAP_SHARED, file)
        }),
        Act::new("make all readable memory executable", EPERM, || {
            // This number asks what it is and changes nothing.
            sys::call(libc::SYS_personality, &[0xffff_ffff])
        }),
        #[cfg(target_arch = "x86_64")]
        Act::new(
            "call through the x32 table",
            crate::outcome::Outcome::Signal(libc::SIGSYS),
            || sys::call(0x4000_0000 | libc::SYS_getpid, &[]),
        ),
    ]
}
