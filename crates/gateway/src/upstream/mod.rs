//! The connections to each capability server, shared by all calls.

mod connection;
mod interim;
mod server;

pub(crate) use interim::Interim;
pub(crate) use server::{CallError, Server};
