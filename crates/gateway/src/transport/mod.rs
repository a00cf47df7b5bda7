//! Connections: who may open one, how long it may be silent, and how all of them end.

mod accept;
mod counted;
mod greet;
mod places;
mod plain;
mod wire;
mod workers;

pub(crate) use accept::{Listeners, serve};
pub(crate) use greet::Terms;
pub(crate) use places::{Place, Places};
pub use plain::Plain;
pub(crate) use workers::{Workers, current as current_worker};
