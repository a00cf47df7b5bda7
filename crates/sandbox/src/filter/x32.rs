//! Ends a process that enters the kernel through the x32 table.

use seccompiler::{BpfProgram, sock_filter};

// The numbers of the kernel's `uapi/linux/filter.h`, `bpf_common.h` and `seccomp.h`. They fit in
// the fields of one instruction, which `libc` gives wider types.
/// Load a word of the call's description.
const LOAD_WORD: u16 = 0x20;
/// Jump when the loaded word is at least `k`.
const JUMP_AT_LEAST: u16 = 0x35;
/// Answer with `k`.
const ANSWER: u16 = 0x06;
/// Where the system-call number is in `struct seccomp_data`.
const CALL_NUMBER: u32 = 0;
/// The bit that marks an x32 number, `__X32_SYSCALL_BIT`.
const X32_BIT: u32 = 0x4000_0000;

/// Three instructions after the load, so that the kernel can decide once for each call number.
pub(super) fn program() -> BpfProgram {
    let instruction = |code, jt, jf, k| sock_filter { code, jt, jf, k };
    vec![
        instruction(LOAD_WORD, 0, 0, CALL_NUMBER),
        instruction(JUMP_AT_LEAST, 0, 1, X32_BIT),
        instruction(ANSWER, 0, 0, libc::SECCOMP_RET_KILL_PROCESS),
        instruction(ANSWER, 0, 0, libc::SECCOMP_RET_ALLOW),
    ]
}
