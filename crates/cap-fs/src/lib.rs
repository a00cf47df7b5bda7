//! The file capability server: one folder of the host, as `mcp.fs.*` and as the tools `fs_*`.
//!
//! Paths are virtual: `/` is the exposed folder, and no path, link or race leads out of it, which is the work of
//! `vroot`. This crate only turns calls into operations on that root, and their outcome into answers.

mod access;
mod archive;
mod change;
mod config;
mod content;
mod error;
mod fs;
mod history;
pub mod limits;
mod lines;
mod patterns;
mod roots;
mod shown;
mod tools;

pub use config::{ConfigFile, HistoryFile, RootFile};
pub use fs::Fs;
