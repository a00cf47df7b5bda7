//! The one connection to each capability server, shared by all calls.

mod connection;
mod server;

pub(crate) use server::{CallError, Server};
