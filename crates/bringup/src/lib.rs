//! Starts the daemons as separate processes on sockets in one folder, without root.
//!
//! `cargo xtask up` is this with a person in front of it, and the tests are this with a test in front of it, so that
//! what is tested is what runs. On the appliance systemd does the same work.
//!
//! The folder ("state") is the boundary: its mode is 0700, and programs of the same user are trusted.
//!
//! | in the folder | what it is |
//! |---|---|
//! | `lock` | held while it runs, so that two cannot use one folder |
//! | `config/` | the daemons' configuration, written anew at each start, and `clients.yaml`, written once |
//! | `key` | the first client's key, made once, so that hosts that were given it go on working |
//! | `run/` | sockets and cap files: what `/run/mcp` is on the appliance |
//! | `fs/`, `gateway/` | a daemon's own state |
//! | `log/` | one log a daemon, of this run |
//! | `files/` | what is exposed where nothing else is named |
//! | `up.json` | [`Facts`], while it runs |

mod choices;
mod error;
mod facts;
mod folder;
mod layout;
mod notify;
mod process;
mod running;
mod snippets;
mod supervised;
mod up;

pub use choices::Choices;
pub use error::Error;
pub use facts::Facts;
pub use layout::Plan;
pub use running::Running;
pub use supervised::Change;
pub use up::main;
