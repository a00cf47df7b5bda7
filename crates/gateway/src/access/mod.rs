//! Who may do what, how often, and at what cost: everything that is decided, counted and recorded of a call.

mod asking;
mod charges;
mod conversations;
mod desk;
mod live;
mod owned;
mod pass;
mod reading;
mod refusals;
mod refused;
mod rulebook;
mod strangers;
mod trouble;

pub(crate) use asking::Begun;
pub(crate) use conversations::{Conversation, Conversations, Talk};
pub(crate) use desk::{Access, Action, Parts};
pub(crate) use live::{Change, Files, Live};
pub(crate) use pass::{Ended, KIND};
pub(crate) use refused::{PairRefused, Refused, Stranger, seconds};
pub(crate) use rulebook::{Ask, Rulebook};
pub(crate) use trouble::Trouble;
