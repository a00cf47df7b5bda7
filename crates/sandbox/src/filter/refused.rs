//! The calls that no daemon of ours makes once it runs.
//!
//! This is a list of what is refused, not of what is allowed. An allow-list has to name every call
//! that the C library makes, and that differs between the library of the builder's machine and
//! that of the appliance, and from one version to the next: a call that a new library makes would
//! end a daemon on a day when nothing of ours changed. The list here says what an intruder would
//! want and a file or mail server never does. On the appliance the allow-list of systemd
//! (`SystemCallFilter=@system-service`) stands in front of it.

use seccompiler::{BackendError, SeccompRule};

use super::{
    Rules,
    conditions::{Argument, any_of, when},
};
use crate::needs::Needs;

/// `open_tree_attr`, Linux 6.15, which `libc` does not name yet; new calls have one number on all
/// processors.
const SYS_OPEN_TREE_ATTR: i64 = 467;
/// Loading a kernel from a file, and setting a limit the old way: `libc` names these only on some
/// targets.
#[cfg(target_arch = "x86_64")]
const SYS_KEXEC_FILE_LOAD: i64 = 320;
#[cfg(target_arch = "x86_64")]
const SYS_SETRLIMIT: i64 = 160;
#[cfg(not(target_arch = "x86_64"))]
const SYS_KEXEC_FILE_LOAD: i64 = 294;
#[cfg(not(target_arch = "x86_64"))]
const SYS_SETRLIMIT: i64 = 164;
/// The request that types into a terminal, so into the shell of whoever started the daemon there.
const TIOCSTI: u32 = 0x5412;
/// The request that pastes into a console.
const TIOCLINUX: u32 = 0x541C;
/// The bits of a socket's type that are the type; the others are flags.
const SOCK_TYPE_MASK: u32 = 0xf;

/// Refused with any arguments.
const ALWAYS: &[i64] = &[
    // The tree of mounts and the root.
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_pivot_root,
    libc::SYS_chroot,
    libc::SYS_move_mount,
    libc::SYS_open_tree,
    SYS_OPEN_TREE_ATTR,
    libc::SYS_fsopen,
    libc::SYS_fspick,
    libc::SYS_fsconfig,
    libc::SYS_fsmount,
    libc::SYS_mount_setattr,
    // Namespaces. Those that `clone` makes are below.
    libc::SYS_unshare,
    libc::SYS_setns,
    // Other processes, their memory and their handles.
    libc::SYS_ptrace,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_kcmp,
    libc::SYS_pidfd_getfd,
    // Memory and queues that are shared by key or name: Landlock does not see them.
    libc::SYS_shmget,
    libc::SYS_shmat,
    libc::SYS_msgget,
    libc::SYS_semget,
    libc::SYS_mq_open,
    // The widest kernel interfaces, and the source of most holes. `io_uring` would also make
    // calls that no filter sees.
    libc::SYS_bpf,
    libc::SYS_perf_event_open,
    libc::SYS_userfaultfd,
    libc::SYS_io_uring_setup,
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
    libc::SYS_fanotify_init,
    libc::SYS_add_key,
    libc::SYS_request_key,
    libc::SYS_keyctl,
    // The kernel and the machine.
    libc::SYS_init_module,
    libc::SYS_finit_module,
    libc::SYS_delete_module,
    libc::SYS_kexec_load,
    SYS_KEXEC_FILE_LOAD,
    libc::SYS_reboot,
    libc::SYS_swapon,
    libc::SYS_swapoff,
    libc::SYS_acct,
    libc::SYS_quotactl,
    libc::SYS_quotactl_fd,
    libc::SYS_syslog,
    libc::SYS_vhangup,
    libc::SYS_sethostname,
    libc::SYS_setdomainname,
    libc::SYS_settimeofday,
    libc::SYS_clock_settime,
    libc::SYS_clock_adjtime,
    libc::SYS_adjtimex,
    libc::SYS_lookup_dcookie,
    libc::SYS_nfsservctl,
    // Other programs. Nothing of ours starts one after it is locked.
    libc::SYS_execve,
    libc::SYS_execveat,
    // Ways round the checks on a path.
    libc::SYS_open_by_handle_at,
    libc::SYS_mknodat,
    // Old switches: `personality` can make all readable memory executable.
    libc::SYS_personality,
    SYS_SETRLIMIT,
    // A listener comes from systemd, or was made before this.
    libc::SYS_bind,
    libc::SYS_listen,
];

/// Refused with any arguments, and unknown to processors that came later.
#[cfg(target_arch = "x86_64")]
const ALWAYS_HERE: &[i64] = &[
    libc::SYS_mknod,
    libc::SYS_iopl,
    libc::SYS_ioperm,
    libc::SYS_modify_ldt,
    libc::SYS_uselib,
    libc::SYS__sysctl,
];
#[cfg(not(target_arch = "x86_64"))]
const ALWAYS_HERE: &[i64] = &[];

/// Namespaces that the flags of `clone` make. `CLONE_NEWTIME` is not a flag of `clone`.
const NAMESPACES: &[u32] = &[
    libc::CLONE_NEWNS.cast_unsigned(),
    libc::CLONE_NEWCGROUP.cast_unsigned(),
    libc::CLONE_NEWUTS.cast_unsigned(),
    libc::CLONE_NEWIPC.cast_unsigned(),
    libc::CLONE_NEWUSER.cast_unsigned(),
    libc::CLONE_NEWPID.cast_unsigned(),
    libc::CLONE_NEWNET.cast_unsigned(),
];

/// All that is refused to a process with `needs`.
pub(super) fn rules(needs: &Needs<'_>) -> Result<Rules, BackendError> {
    let always = ALWAYS.iter().chain(ALWAYS_HERE).map(|&call| (call, Vec::new()));
    let mut rules: Rules = always.collect();
    rules.insert(libc::SYS_clone, any_of(Argument::int(0), NAMESPACES)?);
    rules.extend(executable_memory()?);
    rules.insert(libc::SYS_prlimit64, new_limit()?);
    rules.insert(libc::SYS_ioctl, terminal_input()?);
    rules.extend(fast_open()?);
    rules.extend(unix(needs.unix_connect)?);
    Ok(rules)
}

/// Memory that becomes executable, so that no code runs but that which was loaded at the start.
///
/// Not only writable and executable at once: writing first and switching after is the same attack.
fn executable_memory() -> Result<Vec<(i64, Vec<SeccompRule>)>, BackendError> {
    let executable = any_of(Argument::int(2), &[libc::PROT_EXEC.cast_unsigned()])?;
    let calls = [libc::SYS_mmap, libc::SYS_mprotect, libc::SYS_pkey_mprotect];
    Ok(calls.map(|call| (call, executable.clone())).into())
}

/// Limits may be read: the third argument is then absent.
fn new_limit() -> Result<Vec<SeccompRule>, BackendError> {
    Ok(vec![when(Argument::long(2).is_not(0))?])
}

fn terminal_input() -> Result<Vec<SeccompRule>, BackendError> {
    let request = Argument::int(1);
    Ok(vec![when(request.is(TIOCSTI))?, when(request.is(TIOCLINUX))?])
}

/// Sending with fast open connects, past the rule on `connect` and past that of Landlock.
fn fast_open() -> Result<Vec<(i64, Vec<SeccompRule>)>, BackendError> {
    let flags = [libc::MSG_FASTOPEN.cast_unsigned()];
    Ok(vec![
        (libc::SYS_sendto, any_of(Argument::int(3), &flags)?),
        (libc::SYS_sendmsg, any_of(Argument::int(2), &flags)?),
        (libc::SYS_sendmmsg, any_of(Argument::int(3), &flags)?),
    ])
}

/// Sockets of any family but UNIX never; UNIX sockets when declared.
///
/// A pair of connected streams is always to be had: the runtime wakes itself through one. Other
/// pairs are not, because a datagram socket of a pair can be connected anew.
fn unix(connect: bool) -> Result<Vec<(i64, Vec<SeccompRule>)>, BackendError> {
    let family = when(Argument::int(0).is_not(libc::AF_UNIX.cast_unsigned()))?;
    if connect {
        return Ok(vec![
            (libc::SYS_socket, vec![family.clone()]),
            (libc::SYS_socketpair, vec![family]),
        ]);
    }
    let kind = Argument::int(1);
    let stream = libc::SOCK_STREAM.cast_unsigned();
    // `SeccompCmpOp` has no "masked and not equal": the types are few, so the others are named.
    let mut pair = vec![family];
    for other in 0..=SOCK_TYPE_MASK {
        if other != stream {
            pair.push(when(kind.masked(SOCK_TYPE_MASK, other))?);
        }
    }
    Ok(vec![
        (libc::SYS_socket, Vec::new()),
        (libc::SYS_connect, Vec::new()),
        (libc::SYS_socketpair, pair),
    ])
}
