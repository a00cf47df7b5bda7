//! What parses the bytes of strangers, driven by libFuzzer.
//!
//! Each function takes any bytes, gives them to a parser of the appliance, and asserts what must hold of the outcome;
//! a panic is a finding. Each has a program of its name in `src/bin` and a few inputs to begin with in
//! `corpus/<name>`. `cargo xtask campaign fuzz` runs them.

mod envelope;
mod framing;
mod http_head;
mod licence;
mod shell_line;
mod tiers;

pub use envelope::envelope;
pub use framing::framing;
pub use http_head::http_head;
pub use licence::{licence, signed_licence};
pub use shell_line::shell_line;
pub use tiers::tiers;
