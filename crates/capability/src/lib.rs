//! The framework of a capability server.
