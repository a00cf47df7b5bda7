//! The one place that writes to the terminal.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command-line program talks to a person through its standard streams"
)]

use std::fmt::Display;

/// One line for the person who ran the command.
pub(crate) fn line(text: impl Display) {
    println!("{text}");
}

/// The line above the output of a part, easy to find in a long log.
pub(crate) fn heading(text: impl Display) {
    println!("\n=== {text} ===");
}

/// Why the command ends without success: the whole chain of causes, without a backtrace.
pub(crate) fn error(error: &anyhow::Error) {
    eprintln!("error: {error:#}");
}
