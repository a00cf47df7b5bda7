//! The Landlock half: which files, ports, sockets and processes stay in reach.

use landlock::{
    ABI, Access, AccessFs, AccessNet, BitFlags, CompatLevel, Compatible, LandlockStatus,
    PathBeneath, Ruleset, RulesetAttr, RulesetCreatedAttr, RulesetError, RulesetStatus, Scope,
};

use crate::{
    error::LockError,
    limits::{LANDLOCK_NEWEST, LANDLOCK_OLDEST},
    needs::{Confinement, Needs, Reach},
    report::Landlock,
};

/// Restricts the calling thread, and says how far and what the kernel has.
pub(crate) fn restrict(
    needs: &Needs<'_>,
    confinement: Confinement,
) -> Result<(Landlock, Option<u32>), LockError> {
    let mut ruleset = handled(confinement)?.create().map_err(LockError::Landlock)?;
    for &(directory, reach) in &needs.directories {
        let rule = PathBeneath::new(directory, rights(reach));
        ruleset = ruleset.add_rule(rule).map_err(LockError::Landlock)?;
    }
    let status = ruleset.restrict_self().map_err(LockError::Landlock)?;
    let landlock = match status.ruleset {
        RulesetStatus::FullyEnforced => Landlock::Full,
        RulesetStatus::PartiallyEnforced => Landlock::Partial,
        RulesetStatus::NotEnforced => Landlock::None,
    };
    Ok((landlock, abi(status.landlock)))
}

/// Everything that is refused unless a rule allows it.
///
/// No rule allows TCP, or a way out of the scopes: those are refused whole.
fn handled(confinement: Confinement) -> Result<Ruleset, LockError> {
    let oldest = AccessFs::from_all(LANDLOCK_OLDEST);
    let required = match confinement {
        Confinement::Required => Ruleset::default()
            .set_compatibility(CompatLevel::HardRequirement)
            .handle_access(oldest)
            .map_err(|_| LockError::LandlockMissing)?,
        Confinement::Unconfined => {
            Ruleset::default().handle_access(oldest).map_err(LockError::Landlock)?
        }
    };
    newest(required).map_err(LockError::Landlock)
}

fn newest(ruleset: Ruleset) -> Result<Ruleset, RulesetError> {
    ruleset
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::from_all(LANDLOCK_NEWEST))?
        .handle_access(AccessNet::from_all(LANDLOCK_NEWEST))?
        .scope(Scope::from_all(LANDLOCK_NEWEST))
}

fn rights(reach: Reach) -> BitFlags<AccessFs> {
    match reach {
        Reach::Read => AccessFs::ReadFile | AccessFs::ReadDir,
        // Pipes and sockets are kept: a person's folder may hold them, and to rename one the
        // kernel asks for the right to make one.
        Reach::ReadWrite => {
            AccessFs::from_all(LANDLOCK_NEWEST)
                & !(AccessFs::Execute
                    | AccessFs::MakeChar
                    | AccessFs::MakeBlock
                    | AccessFs::IoctlDev)
        }
    }
}

fn abi(status: LandlockStatus) -> Option<u32> {
    match status {
        LandlockStatus::Available { effective_abi: ABI::Unsupported, .. }
        | LandlockStatus::NotEnabled
        | LandlockStatus::NotImplemented => None,
        LandlockStatus::Available { effective_abi, kernel_abi } => {
            kernel_abi.and_then(|abi| u32::try_from(abi).ok()).or(Some(effective_abi as u32))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_reach_has_execution_or_devices() {
        for reach in [Reach::Read, Reach::ReadWrite] {
            for right in
                [AccessFs::Execute, AccessFs::MakeChar, AccessFs::MakeBlock, AccessFs::IoctlDev]
            {
                assert!(!rights(reach).contains(right), "{reach:?} {right:?}");
            }
        }
        let write = AccessFs::from_write(LANDLOCK_NEWEST);
        assert!((rights(Reach::Read) & write).is_empty(), "reading changes nothing");
    }

    #[test]
    fn the_kernels_own_number_is_reported() {
        let check = |status, expected| assert_eq!(abi(status), expected, "{status:?}");
        check(LandlockStatus::NotEnabled, None);
        check(LandlockStatus::NotImplemented, None);
        let known = LandlockStatus::Available { effective_abi: ABI::V5, kernel_abi: None };
        check(known, Some(5));
        let newer = LandlockStatus::Available { effective_abi: ABI::V10, kernel_abi: Some(12) };
        check(newer, Some(12));
    }
}
