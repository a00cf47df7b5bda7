//! The probe of a daemon's sandbox: tries, where the daemon would run, forty acts that must be refused and the few that
//! the daemon needs. It must never ship.
//!
//! A test starts it in the place of the daemon, with the same unit: the same user, name spaces, filters and sockets.
//!
//! ```text
//! # /run/systemd/system/llmbasedos-gateway.service.d/90-acts.conf
//! [Service]
//! Type=oneshot
//! Restart=no
//! WatchdogSec=0
//! TimeoutStartSec=120
//! ExecStart=
//! ExecStart=/usr/lib/llmbasedos/acts gateway --config /etc/llmbasedos/gateway.yaml
//! ```
//!
//! So it shows what systemd's sandbox alone holds; `--own-sandbox` adds the one that the daemon puts on itself, made by
//! the daemon's own code. Each act is tried by a process of its own, so that none changes the ground for the next, and
//! prints a line of JSON:
//!
//! ```text
//! {"act":"read /etc/shadow","number":1,"refused":true,"how":"EACCES","expected":true}
//! {"needed":"accept by TCP","done":true,"how":"done","expected":true}
//! {"summary":"gateway","own_sandbox":false,"refused":40,"forbidden":40,"done":8,"needed":8,"expected":true}
//! ```
//!
//! It ends with 0 where all is as expected, with 1 where not, and with 2 where its own command line is wrong.
//!
//! An act that would harm the machine is made with arguments that the kernel refuses after it has asked for the
//! privilege, with another error: so every act can be tried for real, and by `--control`, as root and without a
//! sandbox, shows that it is the sandbox that refuses it, and that the things which it reaches for are there.
//! `acts bystander` is one of those things: a process outside, with an abstract socket.

mod act;
mod arguments;
mod bystander;
mod forbidden;
mod needed;
mod probe;
mod stage;
mod sys;

use std::io::{self, Write as _};
use std::process::ExitCode;

use clap::Parser as _;

use arguments::{Arguments, Command};
use stage::Daemon;

fn main() -> ExitCode {
    let done = match Arguments::parse().command {
        Command::Gateway(options) => probe::run(Daemon::Gateway, options),
        Command::Fs(options) => probe::run(Daemon::Fs, options),
        Command::Bystander { name } => bystander::stand(&name).map(|()| true),
        Command::Identity => {
            writeln!(io::stdout(), "{}", rustix::process::geteuid().as_raw()).map(|()| true)
        }
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            // Standard error may be closed; then nobody reads it.
            drop(writeln!(io::stderr(), "acts: {error}"));
            ExitCode::FAILURE
        }
    }
}
