//! The file capability server.

use std::process::ExitCode;

fn main() -> ExitCode {
    capability::main::<cap_fs::Fs>()
}
