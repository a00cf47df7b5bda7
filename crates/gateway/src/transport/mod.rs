//! Connections: who may open one, how long it may be silent, and how all of them end.

mod accept;
mod counted;
mod places;

pub(crate) use accept::{Listeners, serve};
pub(crate) use places::{Place, Places};
