//! System calls on the kernel and the machine, with arguments that do nothing.
//!
//! Each row's arguments make the kernel fail the call at its first check after that of privilege,
//! or succeed without an effect. So the control is safe as root, and that it differs shows that
//! the call is reached without the sandbox.

use super::{
    Act,
    Control::{self, Differs, DiffersForRoot, NotTried},
    EPERM,
};
use crate::sys::{self, NO_FD};

/// Not a flag of any of these calls.
const BAD_FLAGS: usize = 0x4000_0000;
/// The length of a host name that is too long.
const LONG_NAME: usize = 65;
/// One segment more than a kernel to start may have.
const TOO_MANY_SEGMENTS: usize = 17;
/// The limit of open files.
const OPEN_FILES: usize = 7;
/// Not a clock.
const NO_CLOCK: usize = 9999;

fn call(name: &'static str, number: i64, arguments: &'static [usize], control: Control) -> Act {
    Act::new(name, EPERM, move || sys::call(number, arguments)).control(control)
}

pub(crate) fn refused() -> Vec<Act> {
    let mut acts = mounts();
    acts.extend(machine());
    acts.extend(interfaces());
    acts.extend(limits_and_keys());
    #[cfg(target_arch = "x86_64")]
    acts.extend(only_here());
    acts
}

fn mounts() -> Vec<Act> {
    vec![
        call("mount", libc::SYS_mount, &[0, 0, 0, 0, 0], Differs),
        call("unmount", libc::SYS_umount2, &[0, BAD_FLAGS], Differs),
        call("pivot_root", libc::SYS_pivot_root, &[0, 0], DiffersForRoot),
        call("chroot", libc::SYS_chroot, &[0], Differs),
        call("move_mount", libc::SYS_move_mount, &[NO_FD, 0, NO_FD, 0, BAD_FLAGS], DiffersForRoot),
        call("open_tree", libc::SYS_open_tree, &[NO_FD, 0, BAD_FLAGS], Differs),
        call("open_tree_attr", 467, &[NO_FD, 0, BAD_FLAGS, 0, 0], Differs),
        call("fsopen", libc::SYS_fsopen, &[0, BAD_FLAGS], DiffersForRoot),
        call("fspick", libc::SYS_fspick, &[NO_FD, 0, BAD_FLAGS], DiffersForRoot),
        call("fsconfig", libc::SYS_fsconfig, &[NO_FD, 0, 0, 0, 0], Differs),
        call("fsmount", libc::SYS_fsmount, &[NO_FD, BAD_FLAGS, 0], DiffersForRoot),
        call("mount_setattr", libc::SYS_mount_setattr, &[NO_FD, 0, BAD_FLAGS, 0, 0], Differs),
    ]
}

fn machine() -> Vec<Act> {
    vec![
        call("load a module", libc::SYS_init_module, &[0, 0, 0], DiffersForRoot),
        call("load a module file", libc::SYS_finit_module, &[NO_FD, 0, 0], DiffersForRoot),
        call("remove a module", libc::SYS_delete_module, &[0, 0], DiffersForRoot),
        call("kexec", libc::SYS_kexec_load, &[0, TOO_MANY_SEGMENTS, 0, 0], DiffersForRoot),
        // Its first words are not the magic ones.
        call("reboot", libc::SYS_reboot, &[0, 0, 0, 0], DiffersForRoot),
        call("swap on", libc::SYS_swapon, &[0, BAD_FLAGS], DiffersForRoot),
        call("swap off", libc::SYS_swapoff, &[0], DiffersForRoot),
        call(
            "account",
            libc::SYS_acct,
            &[0],
            NotTried("without a file it switches the machine's accounting off"),
        ),
        call("quota", libc::SYS_quotactl, &[0, 0, 0, 0], Differs),
        call("quota by handle", libc::SYS_quotactl_fd, &[NO_FD, 0, 0, 0], Differs),
        call("read the kernel's log", libc::SYS_syslog, &[10, 0, 0], DiffersForRoot),
        call("hang up", libc::SYS_vhangup, &[], NotTried("it would hang up the tester's terminal")),
        call("set the host name", libc::SYS_sethostname, &[0, LONG_NAME], DiffersForRoot),
        call("set the domain name", libc::SYS_setdomainname, &[0, LONG_NAME], DiffersForRoot),
        call("set the time", libc::SYS_settimeofday, &[0, 0], DiffersForRoot),
        call("set a clock", libc::SYS_clock_settime, &[NO_CLOCK, 0], Differs),
        call("tune a clock", libc::SYS_clock_adjtime, &[NO_CLOCK, 0], Differs),
        call("tune the time", libc::SYS_adjtimex, &[0], Differs),
        call("lookup_dcookie", libc::SYS_lookup_dcookie, &[0, 0, 0], Differs),
        call("nfsservctl", libc::SYS_nfsservctl, &[0, 0, 0], Differs),
    ]
}

fn interfaces() -> Vec<Act> {
    vec![
        call("bpf", libc::SYS_bpf, &[NO_CLOCK, 0, 0], DiffersForRoot),
        call("perf_event_open", libc::SYS_perf_event_open, &[0, 0, 0, NO_FD, 0], Differs),
        call("userfaultfd", libc::SYS_userfaultfd, &[BAD_FLAGS | 1], Differs),
        call("io_uring_setup", libc::SYS_io_uring_setup, &[1, 0], Differs),
        call("io_uring_enter", libc::SYS_io_uring_enter, &[NO_FD, 0, 0, 0, 0, 0], Differs),
        call("io_uring_register", libc::SYS_io_uring_register, &[NO_FD, 0, 0, 0], Differs),
        call("fanotify", libc::SYS_fanotify_init, &[BAD_FLAGS, 0], DiffersForRoot),
        // Keys that nobody has, and without the flag that makes one.
        call("shared memory by key", libc::SYS_shmget, &[0x5a5a_0001, 1, 0], Differs),
        call("attach shared memory", libc::SYS_shmat, &[NO_FD, 0, 0], Differs),
        call("message queue by key", libc::SYS_msgget, &[0x5a5a_0002, 0], Differs),
        call("semaphores by key", libc::SYS_semget, &[0x5a5a_0003, 1, 0], Differs),
        call("message queue by name", libc::SYS_mq_open, &[0, 0, 0, 0], Differs),
    ]
}

fn limits_and_keys() -> Vec<Act> {
    vec![
        call("add a key", libc::SYS_add_key, &[0, 0, 0, 0, 0], Differs),
        call("request a key", libc::SYS_request_key, &[0, 0, 0, 0], Differs),
        call("drive the key ring", libc::SYS_keyctl, &[NO_CLOCK, 0, 0, 0, 0], Differs),
        Act::new("set a limit", EPERM, || {
            // The limit that it has, so that the control changes nothing.
            let mut limit = [0_u64; 2];
            sys::call(libc::SYS_prlimit64, &[0, OPEN_FILES, 0, sys::address_mut(&mut limit)])?;
            sys::call(libc::SYS_prlimit64, &[0, OPEN_FILES, sys::address(&limit), 0])
        }),
    ]
}

#[cfg(target_arch = "x86_64")]
fn only_here() -> Vec<Act> {
    vec![
        call("kexec from a file", 320, &[NO_FD, NO_FD, 0, 0, BAD_FLAGS], DiffersForRoot),
        call("set a limit the old way", 160, &[OPEN_FILES, 0], Differs),
        call("mknod", libc::SYS_mknod, &[0, 0, 0], Differs),
        call("ports for all", libc::SYS_iopl, &[0], Differs),
        call("ports", libc::SYS_ioperm, &[0, 0, 0], Differs),
        call("segments", libc::SYS_modify_ldt, &[NO_CLOCK, 0, 0], Differs),
        call("uselib", libc::SYS_uselib, &[0], Differs),
        call("_sysctl", libc::SYS__sysctl, &[0], Differs),
    ]
}
