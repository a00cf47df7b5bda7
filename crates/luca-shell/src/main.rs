//! The program.

use std::process::ExitCode;

fn main() -> ExitCode {
    luca_shell::main()
}
