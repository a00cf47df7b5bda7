//! Routes, authenticates and limits all MCP traffic.
//!
//! A request passes these rooms, in this order, and each can only refuse or pass it on:
//!
//! 1. [`transport`]: connections, their limits and deadlines;
//! 2. [`http`]: `Host` and `Origin`, then the client key, then the page;
//! 3. [`mcp`]: which era the request speaks, what it asks, and the translation between eras;
//! 4. [`registry`]: which server offers the tool, found through `*.cap.json`;
//! 5. [`upstream`]: the connections to that server, one a thread, shared by all calls.
//!
//! The gateway forwards bytes: it reads the few members that it routes by, sets the id and the caller member,
//! and leaves the rest as it came.

mod access;
mod changes;
mod config;
mod entry;
mod folders;
#[doc(hidden)]
pub mod fuzzing;
mod http;
mod identity;
pub mod limits;
mod log_gate;
mod mcp;
mod metrics;
mod registry;
mod request_id;
mod session;
mod sockets;
mod stall;
mod status;
mod tls;
mod transport;
mod upstream;

pub use config::ConfigFile;
pub use entry::main;
pub use folders::{Folders, confine};
pub use tls::{TlsFile, TlsKey};
pub use transport::Plain;
