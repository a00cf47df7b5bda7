//! `cargo xtask up`, once everything is built.

use std::process::ExitCode;

fn main() -> ExitCode {
    bringup::main()
}
