//! The one connection to each capability server, shared by all calls.

mod connection;
mod progress;
mod server;

pub(crate) use progress::Progress;
pub(crate) use server::{CallError, Server};
