//! Whether a line is whole, or goes on below.

use reedline::{ValidationResult, Validator};

use crate::line::{LineError, parse_line};

/// Quotes and JSON may go on in the next line.
pub(super) struct Whole;

impl Validator for Whole {
    fn validate(&self, line: &str) -> ValidationResult {
        match parse_line(line) {
            Err(LineError::Unfinished(_)) => ValidationResult::Incomplete,
            _ => ValidationResult::Complete,
        }
    }
}
