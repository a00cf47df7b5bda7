//! The forty acts that no daemon needs, in the order of their numbers.

mod files;
mod kernel;
mod machine;
mod network;
mod processes;

use rustix::io::Errno;

use crate::act::{Act, Attempt};
use crate::sys;

/// Refused outright.
const DENIED: &[Errno] = &[Errno::ACCESS, Errno::PERM];
/// Refused, or hidden.
const HIDDEN: &[Errno] = &[Errno::ACCESS, Errno::PERM, Errno::NOENT];
/// Refused, hidden, or on a file system that nobody can write to.
const READ_ONLY: &[Errno] = &[Errno::ACCESS, Errno::PERM, Errno::NOENT, Errno::ROFS];
/// Refused, or not a process that can be seen.
const UNSEEN: &[Errno] = &[Errno::ACCESS, Errno::PERM, Errno::NOENT, Errno::SRCH];
/// Refused, or not in this kernel.
const ABSENT: &[Errno] = &[Errno::ACCESS, Errno::PERM, Errno::NOSYS];
/// Refused, not a family of addresses that this process may use, or a network without a way out.
const NO_NETWORK: &[Errno] = &[Errno::ACCESS, Errno::PERM, Errno::AFNOSUPPORT, Errno::NETUNREACH];

pub(crate) fn all() -> Vec<Act> {
    let mut acts = files::all();
    acts.extend(processes::all());
    acts.extend(machine::all());
    acts.extend(network::all());
    acts.extend(kernel::all());
    acts.sort_unstable_by_key(|act| act.number);
    acts
}

/// A system call with plain numbers.
fn call<const N: usize>(what: &str, number: i64, arguments: [usize; N]) -> Attempt {
    Attempt::new(what, move || sys::call(number, &arguments))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_forty_numbered_from_one() {
        let numbers: Vec<u8> = all().iter().map(|act| act.number).collect();
        assert_eq!(numbers, (1..=40).collect::<Vec<u8>>());
    }
}
