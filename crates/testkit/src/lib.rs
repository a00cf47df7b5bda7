//! The appliance in a test, with hostile peers.
//!
//! ```no_run
//! let appliance = testkit::Appliance::new().file("notes/a.txt", "hello").start();
//! let reply = appliance.call("fs_read", &serde_json::json!({ "path": "/notes/a.txt" }));
//! assert_eq!(reply["result"]["structuredContent"]["content"], "hello");
//! ```
//!
//! The daemons are the programs that `cargo build --profile ci --bins` made, started by the same code as
//! `cargo xtask up`; nothing is replaced for the test but the folder and the port.
//!
//! The program `acts` is the probe of a daemon's sandbox. It runs in the place of the daemon, by the same unit, tries
//! forty things that no daemon needs (read `/etc/shadow`, trace another process, mount, open a raw socket, ...) and what
//! this daemon does need, and prints a line of JSON for each. With `--own-sandbox` it first locks itself as the daemon
//! does, by the daemon's own code; with `--control`, as root and unconfined, it shows that each act can be done.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::missing_panics_doc,
    reason = "a helper that cannot do its work fails the test that called it"
)]

mod admin;
mod appliance;
mod canary;
mod command;
mod conformance;
mod doors;
mod flow;
mod http;
mod key_proxy;
mod outside;
mod peer;
mod request;
mod server;
mod strace;
mod terminal;
mod tools;
mod user;
mod vault;
mod wait;

pub use appliance::{Appliance, Builder, ask_nobody, programs};
pub use canary::{Canaries, Find};
pub use command::Up;
pub use conformance::ConformanceServer;
pub use doors::{Door, End, Local, ShowKey, WebSocket};
pub use flow::FlowServer;
pub use http::{Response, exchange};
pub use key_proxy::KeyProxy;
pub use outside::{Outside, Sent};
pub use peer::{Peer, cap_file, obey};
pub use request::Request;
pub use server::{Programs, Server};
pub use strace::{Strace, SystemCall};
pub use terminal::Terminal;
pub use tools::{Tools, checkout};
pub use user::User;
pub use vault::{VAULT_TOKEN, VaultFault, VaultRequest, VaultStandIn, VaultState, VaultVersion};
pub use wait::until;
