//! Who may do what, how often, and at what cost: everything that is decided before a call is made.

mod desk;
mod live;
mod refused;
mod terms;
mod trouble;

pub(crate) use desk::{Access, Action, Ended};
pub(crate) use live::{Files, Live, Rules};
pub(crate) use refused::{PairRefused, Refused, Stranger, seconds};
pub(crate) use terms::Terms;
pub(crate) use trouble::Trouble;
