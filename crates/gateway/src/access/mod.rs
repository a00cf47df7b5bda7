//! Who may do what, how often, and at what cost: everything that is decided, counted and recorded of a call.

mod desk;
mod live;
mod pass;
mod refused;
mod trouble;

pub(crate) use desk::{Access, Action};
pub(crate) use live::{Change, Files, Live};
pub(crate) use pass::Ended;
pub(crate) use refused::{PairRefused, Refused, Stranger, seconds};
pub(crate) use trouble::Trouble;
