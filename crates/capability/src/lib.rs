//! The framework of a capability server.
//!
//! A capability server is a [`Server`] (its state, its configuration, what it needs of the kernel) and its
//! [`Tool`]s, one struct each: the struct is the tool's parameters, its doc comment is the description that a
//! model reads, and the schemas, the cap file and the argument check are all made from it. This is a whole
//! server:
//!
//! ```no_run
//! use std::process::ExitCode;
//!
//! use capability::{Call, Effect, TextSource, Tool, ToolError};
//! use schemars::JsonSchema;
//! use serde::{Deserialize, Serialize};
//!
//! capability::stateless!(Hello, "hello", "Greets people", [Greet]);
//!
//! /// Greets a person by name.
//! #[derive(Deserialize, JsonSchema)]
//! struct Greet {
//!     /// Who is greeted.
//!     name: String,
//! }
//!
//! #[derive(Serialize, JsonSchema)]
//! struct Greeting {
//!     text: String,
//! }
//!
//! impl Tool for Greet {
//!     type Server = Hello;
//!     type Output = Greeting;
//!     const NAME: &'static str = "hello_greet";
//!     const METHOD: &'static str = "mcp.hello.greet";
//!     const TITLE: &'static str = "Greet";
//!     const EFFECTS: &'static [Effect] = &[Effect::ReadOnly, Effect::Idempotent];
//!     const TEXT_FROM: &'static [TextSource] = &[];
//!
//!     fn call(self, _: &Hello, _: &Call) -> Result<Greeting, ToolError> {
//!         Ok(Greeting { text: format!("Hello, {}!", self.name) })
//!     }
//! }
//!
//! fn main() -> ExitCode {
//!     capability::main::<Hello>()
//! }
//! ```
//!
//! A server that has state implements [`Server`] itself; `cap-fs` is an example.
//!
//! `hello caps` prints the cap file; `hello serve --socket /run/mcp/hello.sock` serves, or takes the socket
//! that systemd passes. Handlers may block: each call runs on a bounded pool of threads. One that takes long asks
//! [`Call::check`] whether its answer is still wanted. Requests are MCP 2026-07-28 in NUL frames, many at a time on
//! one connection, answered in any order; `notifications/cancelled` gives one up.

mod arguments;
mod call;
mod calls;
mod connection;
mod declare;
mod dispatch;
mod entry;
mod incoming;
mod life;
pub mod limits;
mod listen;
mod progress;
mod serve;
mod stateless;
mod tool;

pub use capfile::{Budget, Effect, Reserve, Spend, Target, TargetKind, TextSource};

pub use call::Call;
pub use daemon::BoxError;
pub use declare::{DeclareError, Tools, cap_file};
pub use entry::{confine, main};
pub use serve::serve;
pub use tool::{ErrorKind, NoConfig, Server, Tool, ToolError};
