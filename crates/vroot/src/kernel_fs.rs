//! File systems whose files are switches and views of the kernel rather than data.

use std::os::fd::AsFd;

use rustix::io::{Errno, retry_on_intr};

/// The kinds that no walk enters, by the number that `statfs` answers: a read of one can reveal the
/// daemon's own memory or environment, and a write can change the host.
const KERNEL_FILE_SYSTEMS: [u32; 12] = [
    0x9fa0,      // proc
    0x6265_6572, // sysfs
    0x6462_6720, // debugfs
    0x7472_6163, // tracefs
    0x7363_6673, // securityfs
    0xf97c_ff8c, // selinuxfs
    0x0027_e0eb, // cgroup
    0x6367_7270, // cgroup2
    0xcafe_4a11, // bpf
    0x6265_6570, // configfs
    0xde5e_81e4, // efivarfs
    0x4249_4e4d, // binfmt_misc
];

/// Whether a handle is on such a file system.
pub(crate) fn holds(fd: impl AsFd) -> Result<bool, Errno> {
    let found = retry_on_intr(|| rustix::fs::fstatfs(&fd))?.f_type;
    // The numbers are 32 bits wide, and some architectures sign-extend them.
    Ok(KERNEL_FILE_SYSTEMS.iter().any(|number| {
        u64::from(*number) == u64::from_ne_bytes(found.to_ne_bytes()) & u64::from(u32::MAX)
    }))
}
