//! Memory that runs, and the widest interfaces of the kernel. All of them are asked so that they would be given.

use std::io;

use super::{ABSENT, Act, Attempt, DENIED};
use crate::sys::{self, NO_FD, bits};

/// One page is at least this long everywhere.
const PAGE: usize = 4096;
/// Only faults of the process itself, which needs no privilege.
const UFFD_USER_MODE_ONLY: usize = 1;

pub(super) fn all() -> Vec<Act> {
    vec![
        Act {
            number: 36,
            name: "map memory writable and executable",
            refusals: DENIED,
            prepare: |_| {
                vec![
                    Attempt::new("map", || {
                        map(libc::PROT_READ | libc::PROT_WRITE | libc::PROT_EXEC)
                    }),
                    // Writing first and switching after is the same.
                    Attempt::new("switch", || {
                        let page = map(libc::PROT_READ | libc::PROT_WRITE)?;
                        let executable = bits(libc::PROT_READ | libc::PROT_EXEC);
                        sys::call(libc::SYS_mprotect, &[page, PAGE, executable])
                    }),
                ]
            },
        },
        Act {
            number: 40,
            name: "bpf, perf_event_open, io_uring_setup, userfaultfd",
            refusals: ABSENT,
            prepare: |_| {
                vec![
                    Attempt::new("bpf", bpf),
                    Attempt::new("perf_event_open", perf_event_open),
                    Attempt::new("io_uring_setup", || {
                        let mut parameters = [0_u8; 120];
                        let parameters = sys::address_mut(&mut parameters);
                        sys::call(libc::SYS_io_uring_setup, &[1, parameters])
                    }),
                    Attempt::new("userfaultfd", || {
                        let flags = bits(libc::O_CLOEXEC) | UFFD_USER_MODE_ONLY;
                        sys::call(libc::SYS_userfaultfd, &[flags])
                    }),
                ]
            },
        },
    ]
}

fn map(protection: i32) -> io::Result<usize> {
    let flags = bits(libc::MAP_PRIVATE | libc::MAP_ANONYMOUS);
    sys::call(libc::SYS_mmap, &[0, PAGE, bits(protection), flags, NO_FD, 0])
}

/// Makes an array of one number.
fn bpf() -> io::Result<usize> {
    const MAP_CREATE: usize = 0;
    const ARRAY: u32 = 2;
    // Kind, size of a key, size of a value, entries, flags.
    let map = [ARRAY, 4, 4, 1, 0];
    sys::call(libc::SYS_bpf, &[MAP_CREATE, sys::address(&map), size_of_val(&map)])
}

/// Counts nothing, in this process, outside of the kernel.
fn perf_event_open() -> io::Result<usize> {
    const SOFTWARE: u64 = 1;
    const DUMMY: u64 = 9;
    const EXCLUDE_KERNEL_AND_HYPERVISOR: u64 = 0x60;
    const BYTES: u64 = 64;
    let event = [SOFTWARE | BYTES << 32, DUMMY, 0, 0, 0, EXCLUDE_KERNEL_AND_HYPERVISOR, 0, 0];
    sys::call(libc::SYS_perf_event_open, &[sys::address(&event), 0, NO_FD, NO_FD, 0])
}
