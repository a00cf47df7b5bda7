//! The log: what is found of changes to it, what a crash leaves of it, and what it keeps.

#![expect(clippy::unwrap_used, clippy::panic, reason = "what is missing fails the test")]

mod chain;
mod crash;
mod forged;
mod kept;
mod written;
