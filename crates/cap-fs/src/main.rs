//! The file capability server.

fn main() {}
