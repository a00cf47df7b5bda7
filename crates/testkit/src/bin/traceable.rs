//! Starts a program that strace may be attached to: `traceable PROGRAM [ARGUMENT...]`.
//!
//! Where the kernel lets a process be traced by its ancestors only (Yama, mode 1, which some distributions set), this
//! makes the exception for the one program; a process keeps it when it becomes another program.

use std::error::Error;
use std::os::unix::process::CommandExt;
use std::process::Command;

use rustix::io::Errno;
use rustix::process::{PTracer, set_ptracer};

fn main() -> Result<(), Box<dyn Error>> {
    match set_ptracer(PTracer::Any) {
        // A kernel without Yama knows neither the rule nor the exception.
        Ok(()) | Err(Errno::INVAL) => {}
        Err(errno) => return Err(errno.into()),
    }
    let mut words = std::env::args_os().skip(1);
    let program = words.next().ok_or("no program is named")?;
    // It comes back only if it fails.
    Err(Command::new(program).args(words).exec().into())
}
