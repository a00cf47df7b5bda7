//! The shell on TTY1, an MCP client like any other.
//!
//! A line becomes words ([`parse_line`]), the words a command, and the command calls of the gateway in the legacy
//! dialect. What comes back is shown as a table, a file or JSON.
//!
//! # Invariants
//! - Nothing that a server or a file says drives the terminal: it is escaped where it is shown.
//! - The link may end at any time; the next command makes a new one. No call is made twice by itself.
//! - Paths are virtual, and text: what they lead to is the server's decision.

mod approvals;
mod arguments;
mod catalogue;
mod command;
mod editor;
mod entry;
mod escape;
mod failure;
mod first_key;
pub mod limits;
mod line;
mod options;
mod output;
mod path;
mod place;
mod script;
mod session;
mod shell;
mod status;
mod view;

pub use entry::main;
pub use line::{Form, LineError, Open, Word, parse_line};
