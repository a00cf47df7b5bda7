//! The system-call half: what the process may not even ask of the kernel.
//!
//! Three programs, because one program of `seccompiler` has one answer:
//! - `x32` (x86-64 only) ends a process that uses the third system-call table of that processor.
//!   `seccompiler` compares the architecture, which x32 shares with the ordinary table, so without
//!   this program each refused call would be open under its x32 number.
//! - `clone3` is answered as an old kernel would: its flags are in memory where no filter can
//!   see, and the C library then falls back on `clone`, whose flags are in a register.
//! - the list of [`refused`], answered with "not permitted".

mod conditions;
mod refused;
#[cfg(target_arch = "x86_64")]
mod x32;

use std::{collections::BTreeMap, env::consts::ARCH};

use seccompiler::{BpfProgram, SeccompAction, SeccompFilter, SeccompRule, TargetArch};

use crate::{error::LockError, needs::Needs};

type Rules = BTreeMap<i64, Vec<SeccompRule>>;

/// An error number of the kernel as a filter returns it.
fn errno(errno: rustix::io::Errno) -> SeccompAction {
    SeccompAction::Errno(errno.raw_os_error().unsigned_abs())
}

/// The programs for `needs`, in the order of installing.
pub(crate) fn compile(needs: &Needs<'_>) -> Result<Vec<BpfProgram>, LockError> {
    let refused = refused::rules(needs).map_err(LockError::Filter)?;
    let absent = Rules::from([(libc::SYS_clone3, Vec::new())]);
    Ok(vec![
        #[cfg(target_arch = "x86_64")]
        x32::program(),
        program(absent, errno(rustix::io::Errno::NOSYS)).map_err(LockError::Filter)?,
        program(refused, errno(rustix::io::Errno::PERM)).map_err(LockError::Filter)?,
    ])
}

/// Installs `programs` on the calling thread.
pub(crate) fn install(programs: &[BpfProgram]) -> Result<(), seccompiler::Error> {
    programs.iter().try_for_each(|program| seccompiler::apply_filter(program))
}

fn program(rules: Rules, answer: SeccompAction) -> Result<BpfProgram, seccompiler::BackendError> {
    let arch = TargetArch::try_from(ARCH)?;
    SeccompFilter::new(rules, SeccompAction::Allow, answer, arch)?.try_into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_list_of_needs_has_its_programs() {
        let programs = if cfg!(target_arch = "x86_64") { 3 } else { 2 };
        let all = [
            Needs::none(),
            Needs::none().tcp_accept(),
            Needs::none().unix_connect(),
            Needs::none().tcp_accept().unix_connect(),
        ];
        for needs in all {
            let compiled = compile(&needs).unwrap();
            assert_eq!(compiled.len(), programs, "{needs:?}");
            // The kernel takes 4,096 instructions in one program: there is room to grow.
            let longest = compiled.iter().map(Vec::len).max();
            assert!(longest < Some(2048), "{needs:?} {longest:?}");
        }
    }
}
