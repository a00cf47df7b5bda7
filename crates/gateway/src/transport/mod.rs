//! Connections: who may open one, how long it may be silent, and how all of them end.

mod accept;
mod places;

pub(crate) use accept::serve;
pub(crate) use places::{Place, Places};
