//! Routes, authenticates and limits all MCP traffic.

use std::process::ExitCode;

fn main() -> ExitCode {
    gateway::main()
}
