//! How the daemons are, as systemd sees them, and everything else that has failed.

mod ask;
mod judge;
mod unit;

use std::fs;

use crate::Finding;
use unit::Unit;

/// It is there exactly where systemd is PID 1, see `sd_booted(3)`.
const BOOTED: &str = "/run/systemd/system";

/// Looks at the units; there is nothing to find where systemd does not run this machine.
pub(crate) fn examine() -> Vec<Finding> {
    if fs::symlink_metadata(BOOTED).is_err() {
        return Vec::new();
    }
    match ask::systemctl() {
        Ok(text) => judge::all(&Unit::read_all(&text)),
        Err(error) => vec![Finding::bad(
            "systemd",
            format!("it does not say how the services are: {error}"),
            "Look at what the console printed last; if it stays so, start this machine anew",
        )],
    }
}
