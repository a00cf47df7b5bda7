//! Locks the calling process down (Landlock, seccomp, no-new-privs) from a declared list of needs.
//!
//! A daemon opens what it serves, says what it will still need, and gives up all else for good:
//!
//! ```no_run
//! use std::{fs::File, os::fd::AsFd};
//!
//! use sandbox::{Confinement, Needs};
//!
//! let root = File::open("/srv/files")?;
//! let needs = Needs::none().read_write(root.as_fd()).unix_connect();
//! let report = sandbox::lock(&needs, Confinement::Required)?;
//! assert!(report.is_confined());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What holds afterwards
//! - Files: those beneath the declared directories, and what is open already. No path of the
//!   process leads elsewhere, not even to `/proc/self` or `/etc/localtime`: read what you need
//!   from there before, or declare it.
//! - Network: no new IP socket, no bind, no listen, no connect. UNIX sockets when declared.
//! - Memory: nothing becomes executable, so a library is loaded before, never after.
//! - Processes: threads work; no program is started, no namespace is made, no
//!   other process is traced, and from Landlock ABI 6 on none outside is signalled.
//! - The machine: no mount, module, reboot, clock, host name, key ring, BPF, `io_uring`.
//! - Limits of resources are read, never set.
//!
//! A refused call answers "not permitted" (or "permission denied" where Landlock answers), so
//! that the daemon can say what went wrong. A call through a foreign table (32-bit or x32) ends
//! the process: nothing of ours makes one by accident.
//!
//! # What it does not do
//! - Landlock does not watch the mode, owner, times and extended attributes of files, nor whether
//!   a name exists. Ownership and mode of files stay the boundary for these.
//! - What was open before stays open. On a kernel before ABI 4 (Linux 6.7) a process that has both
//!   a TCP connection and [`Needs::unix_connect`] could connect that socket anew: the
//!   [`Report`] then says [`Landlock::Partial`].
//! - It bounds no memory, time or number of processes: systemd does.

mod error;
mod filter;
pub mod limits;
mod lock;
mod needs;
mod report;
mod ruleset;
mod threads;

pub use error::LockError;
pub use lock::lock;
pub use needs::{Confinement, Needs};
pub use report::{Landlock, Report};
