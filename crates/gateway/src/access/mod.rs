//! Who may do what, how often, and at what cost: everything that is decided, counted and recorded of a call.

mod charges;
mod desk;
mod live;
mod pass;
mod refusals;
mod refused;
mod strangers;
mod trouble;

pub(crate) use desk::{Access, Action};
pub(crate) use live::{Change, Files, Live};
pub(crate) use pass::{Ended, KIND};
pub(crate) use refused::{PairRefused, Refused, Stranger, seconds};
pub(crate) use trouble::Trouble;
