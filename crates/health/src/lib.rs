//! Finds what is wrong with this machine, and says what to do about it.
//!
//! It asks the machine itself (systemd, the disks, the network) and needs nothing of ours to run: what it is for is the
//! moment when the gateway does not start.

mod disks;
mod finding;
pub mod limits;
mod network;
mod services;

use std::path::Path;

pub use finding::{Finding, Level};

/// What the status of a daemon (`STATUS=`, see sd_notify(3)) begins with that runs, and refuses files that were changed.
pub const REFUSED: &str = "refused: ";

/// Where daemons and people write. A root that is read-only on purpose is none of them.
const FOLDERS: [&str; 5] = ["/var/lib/llmbasedos", "/var/log", "/var", "/home", "/run"];

/// Looks at this machine. The findings come in the order in which a person should read them: what is broken first.
///
/// It takes as long as `systemctl` does, at most [`limits::SYSTEMCTL_WAIT`], and blocks as long.
pub fn examine() -> Vec<Finding> {
    let mut findings = services::examine();
    findings.extend(disks::examine(&FOLDERS.map(Path::new)));
    findings.push(network::examine());
    findings.sort_by_key(|finding| std::cmp::Reverse(finding.level));
    findings
}
