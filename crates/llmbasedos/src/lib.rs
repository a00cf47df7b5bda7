//! The admin command, which is also the stdio bridge.
//!
//! Each subcommand is a module with its arguments and its work; [`main`] reads the command line and calls it.
//!
//! Exit codes, of every subcommand: 0 it did what was asked; 1 it could not; 2 it was asked in a wrong way.

mod approvals;
mod audit;
mod client;
mod command;
mod config;
mod first_key;
mod licence;
pub mod limits;
mod mcp;
mod place;
mod policy;
mod secret;
mod tls;

pub use command::main;
