//! Connections: who may open one, how long it may be silent, and how all of them end.

mod accept;
mod counted;
mod places;
mod workers;

pub(crate) use accept::{Listeners, serve};
pub(crate) use places::{Place, Places};
pub(crate) use workers::{Workers, current as current_worker};
