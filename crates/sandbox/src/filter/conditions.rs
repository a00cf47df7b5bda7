//! Rules that look at the arguments of a call.

use seccompiler::{
    BackendError, SeccompCmpArgLen as Width, SeccompCmpOp as Op, SeccompCondition, SeccompRule,
};

/// The position of an argument, counted from 0, and how much of its register the kernel reads.
///
/// The width is part of the rule's safety: where the kernel takes an `int`, the upper half of the
/// register is the caller's to fill, and a rule over all 64 bits would be missed by filling it.
#[derive(Clone, Copy)]
pub(super) struct Argument {
    position: u8,
    wide: bool,
}

impl Argument {
    /// An `int`, or anything of which the kernel reads 32 bits.
    pub(super) const fn int(position: u8) -> Self {
        Self { position, wide: false }
    }

    /// A pointer or `unsigned long`.
    pub(super) const fn long(position: u8) -> Self {
        Self { position, wide: true }
    }

    fn holds(self, op: Op, value: u64) -> Result<SeccompCondition, BackendError> {
        let width = if self.wide { Width::Qword } else { Width::Dword };
        SeccompCondition::new(self.position, width, op, value)
    }

    /// Holds when all bits of `bits` are set.
    pub(super) fn has(self, bits: u32) -> Result<SeccompCondition, BackendError> {
        self.masked(bits, bits)
    }

    /// Holds when the bits under `mask` are `value`.
    pub(super) fn masked(self, mask: u32, value: u32) -> Result<SeccompCondition, BackendError> {
        self.holds(Op::MaskedEq(mask.into()), value.into())
    }

    pub(super) fn is(self, value: u32) -> Result<SeccompCondition, BackendError> {
        self.holds(Op::Eq, value.into())
    }

    pub(super) fn is_not(self, value: u32) -> Result<SeccompCondition, BackendError> {
        self.holds(Op::Ne, value.into())
    }
}

/// A rule of one condition.
pub(super) fn when(
    condition: Result<SeccompCondition, BackendError>,
) -> Result<SeccompRule, BackendError> {
    SeccompRule::new(vec![condition?])
}

/// One rule for each of `bits`: any of them makes the call refused.
pub(super) fn any_of(argument: Argument, bits: &[u32]) -> Result<Vec<SeccompRule>, BackendError> {
    bits.iter().map(|&bit| when(argument.has(bit))).collect()
}
