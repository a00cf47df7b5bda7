//! The machine: its mounts, name spaces, modules, clock and name.
//!
//! The arguments are wrong in a way that the kernel looks at only after it has asked for the privilege, or they change
//! nothing: so root is answered otherwise, and no machine is harmed.

use std::fs::File;
use std::os::fd::AsRawFd as _;

use rustix::io::Errno;

use super::{ABSENT, Act, Attempt, call};
use crate::sys::{self, NO_FD, bits};

/// Not a flag of any of these calls.
const BAD_FLAGS: usize = 0x4000_0000;
/// One segment more than a kernel to start may have.
const TOO_MANY_SEGMENTS: usize = 17;
/// The length of a host name that is too long.
const LONG_NAME: usize = 65;
/// `kexec_file_load`, which `libc` names only on some targets.
#[cfg(target_arch = "x86_64")]
const SYS_KEXEC_FILE_LOAD: i64 = 320;
#[cfg(not(target_arch = "x86_64"))]
const SYS_KEXEC_FILE_LOAD: i64 = 294;
/// A user name space is also refused by a limit of none, which the kernel tells as no space.
const NO_USER_SPACE: &[Errno] = &[Errno::PERM, Errno::ACCESS, Errno::NOSYS, Errno::NOSPC];

pub(super) fn all() -> Vec<Act> {
    let act = |number, name, prepare| Act { number, name, refusals: ABSENT, prepare };
    vec![
        act(19, "mount", |_| {
            vec![Attempt::new("mount", || {
                let (source, target, kind) = (c"none", c"/", c"no file system has this name");
                let [source, target, kind] =
                    [source, target, kind].map(|text| sys::address(text.to_bytes_with_nul()));
                sys::call(libc::SYS_mount, &[source, target, kind, 0, 0])
            })]
        }),
        act(20, "umount", |_| {
            // It is a folder, and no file system is mounted there.
            let folder = c"/proc/self";
            vec![Attempt::new("umount", move || {
                sys::call(libc::SYS_umount2, &[sys::address(folder.to_bytes_with_nul()), 0])
            })]
        }),
        act(21, "pivot_root", |_| vec![call("pivot_root", libc::SYS_pivot_root, [0, 0])]),
        Act {
            number: 22,
            name: "unshare user namespace",
            refusals: NO_USER_SPACE,
            prepare: |_| vec![call("unshare", libc::SYS_unshare, [bits(libc::CLONE_NEWUSER)])],
        },
        act(23, "unshare network namespace", |_| {
            vec![call("unshare", libc::SYS_unshare, [bits(libc::CLONE_NEWNET)])]
        }),
        act(24, "setns", |_| {
            // The one in which it is: nothing would change.
            let own = File::open("/proc/self/ns/uts");
            vec![Attempt::new("setns", move || {
                let own = own?;
                let descriptor = usize::try_from(own.as_raw_fd()).unwrap_or(NO_FD);
                sys::call(libc::SYS_setns, &[descriptor, bits(libc::CLONE_NEWUTS)])
            })]
        }),
        act(25, "chroot", |_| {
            vec![Attempt::new("chroot", || {
                sys::call(libc::SYS_chroot, &[sys::address(c"/".to_bytes_with_nul())])
            })]
        }),
        act(26, "load a module", |_| {
            vec![
                call("init_module", libc::SYS_init_module, [0, 0, 0]),
                call("finit_module", libc::SYS_finit_module, [NO_FD, 0, 0]),
            ]
        }),
        act(27, "kexec", |_| {
            vec![
                call("kexec_load", libc::SYS_kexec_load, [0, TOO_MANY_SEGMENTS, 0, 0]),
                call("kexec_file_load", SYS_KEXEC_FILE_LOAD, [NO_FD, NO_FD, 0, 0, BAD_FLAGS]),
            ]
        }),
        // Its first words are not the magic ones.
        act(28, "reboot", |_| vec![call("reboot", libc::SYS_reboot, [0, 0, 0, 0])]),
        // To no time, in no zone.
        act(29, "set the clock", |_| vec![call("settimeofday", libc::SYS_settimeofday, [0, 0])]),
        act(30, "set the host name", |_| {
            vec![call("sethostname", libc::SYS_sethostname, [0, LONG_NAME])]
        }),
    ]
}
