//! Routes, authenticates and limits all MCP traffic.

fn main() {}
