//! Where results and errors go, and in what dress.

use std::io::{self, IsTerminal, Write};

use nu_ansi_term::{Color, Style};
use serde_json::Value;

use crate::escape;
use crate::failure::Failure;

/// How results are written.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Output {
    /// One JSON line for each result and each error.
    pub(crate) json: bool,
    /// Standard output is a terminal.
    pub(crate) is_terminal: bool,
    /// Standard output is a terminal that wants colours.
    pub(crate) colours: bool,
}

impl Output {
    /// The output of this process.
    pub(crate) fn of_process(json: bool) -> Self {
        let is_terminal = io::stdout().is_terminal();
        Self { json, is_terminal, colours: is_terminal && wants_colours() }
    }

    /// Writes a result as JSON: on one line for programs, else on many.
    pub(crate) fn value(self, value: &Value) -> Result<(), Failure> {
        let text = if self.json { value.to_string() } else { format!("{value:#}") };
        line(&escape::json(&text))
    }

    /// Writes a failure to standard error.
    pub(crate) fn failure(self, failure: &Failure) {
        if failure.is_broken_pipe() {
            return;
        }
        let text = if self.json {
            escape::json(&failure.json().to_string())
        } else {
            painted(Color::Red.normal(), &failure.text())
        };
        note(&text);
    }
}

/// Writes bytes to standard output as they are.
pub(crate) fn write(bytes: &[u8]) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(bytes)?;
    Ok(stdout.flush()?)
}

/// Writes a line to standard output, of our own words: what strangers wrote in it must be escaped already.
pub(crate) fn line(text: &str) -> Result<(), Failure> {
    write(format!("{text}\n").as_bytes())
}

/// Writes a line to standard error, which a program that reads results does not read.
pub(crate) fn note(text: &str) {
    // Standard error may be closed; then nobody reads it.
    writeln!(io::stderr(), "{text}").ok();
}

/// Text for standard error in a style, if it is a terminal that wants colours.
pub(crate) fn painted(style: Style, text: &str) -> String {
    if io::stderr().is_terminal() && wants_colours() {
        style.paint(text).to_string()
    } else {
        text.to_owned()
    }
}

/// By the convention of no-color.org: a variable that is there and not empty, whatever it says, means no.
fn wants_colours() -> bool {
    std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}
