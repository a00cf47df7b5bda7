//! Why the owner's policies are refused, told to the person who can mend them.

use std::fmt;

use miette::Diagnostic;

/// Why a set of policies is refused. None of it is then used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{file}`{}: {reason}", At(*.place))]
pub struct PolicyError {
    /// The file, or what was made from the other inputs.
    pub file: String,
    /// Where, if it is about a place.
    pub place: Option<Place>,
    /// What is wrong there.
    pub reason: String,
}

/// Something in the owner's policies that is likely not meant so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    /// Where, and what.
    pub what: PolicyError,
    /// Whether it is about something that is not there now, and may come.
    pub missing: bool,
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.what.fmt(f)
    }
}

impl Warning {
    pub(crate) fn new(what: PolicyError, missing: bool) -> Self {
        Self { what, missing }
    }
}

/// A place in a file, counted from 1 as editors do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The line.
    pub line: usize,
    /// The column, in characters.
    pub column: usize,
}

/// ` at line 3, column 5`, or nothing.
struct At(Option<Place>);

impl fmt::Display for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(Place { line, column }) => write!(f, " at line {line}, column {column}"),
            None => Ok(()),
        }
    }
}

impl Place {
    /// The place of a byte of the text.
    pub(crate) fn of(text: &str, offset: usize) -> Self {
        let before = text.get(..offset).unwrap_or(text);
        let line = before.rsplit('\n').next().unwrap_or_default();
        Self { line: before.matches('\n').count() + 1, column: line.chars().count() + 1 }
    }
}

impl PolicyError {
    /// About a whole file.
    pub(crate) fn of_file(file: &str, reason: impl Into<String>) -> Self {
        Self { file: file.to_owned(), place: None, reason: reason.into() }
    }

    /// About the byte at `offset`.
    pub(crate) fn at(file: &str, text: &str, offset: usize, reason: impl Into<String>) -> Self {
        Self { place: Some(Place::of(text, offset)), ..Self::of_file(file, reason) }
    }

    /// What Cedar says of a file; where it names no place, it is about the policy that begins at `offset`.
    pub(crate) fn cedar(file: &str, text: &str, offset: usize, error: &dyn Diagnostic) -> Self {
        let label = error.labels().and_then(|mut labels| labels.next());
        let expected = label.as_ref().and_then(|label| label.label());
        let help = error.help().map(|help| help.to_string());
        let reason = [Some(error.to_string()), expected.map(str::to_owned), help]
            .into_iter()
            .flatten()
            .collect::<Vec<_>>()
            .join(": ");
        let offset = label.map_or(offset, |label| label.offset());
        Self::at(file, text, offset, reason)
    }

    /// About what this crate made from the other inputs.
    pub(crate) fn made(what: &str, reason: impl fmt::Display) -> Self {
        Self::of_file(what, reason.to_string())
    }
}
