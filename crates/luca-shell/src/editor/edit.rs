//! Editing the arguments of a call before it is approved.

use reedline::{EditCommand, Reedline, Signal};

use super::prompt::Editing;
use super::{Keys, edit_mode};
use crate::approvals::check;
use crate::failure::Failure;
use crate::output::{self, Output};

/// What stands above the arguments.
const HOW: &str =
    "Enter approves with these arguments, Alt-Enter begins a new line, Ctrl-C leaves it waiting";

/// The arguments as a person has edited them. What are no arguments is shown again.
pub(super) fn arguments(asked: String, keys: Keys, output: Output) -> Result<String, Failure> {
    let mut text = asked;
    loop {
        output::note(HOW);
        let mut editor =
            Reedline::create().with_ansi_colors(output.colours).with_edit_mode(edit_mode(keys));
        editor.run_edit_commands(&[EditCommand::InsertString(text)]);
        let Signal::Success(edited) = editor.read_line(&Editing)? else {
            return Err(Failure::Cancelled);
        };
        match check(&edited) {
            Ok(()) => return Ok(edited),
            Err(wrong) => output.failure(&wrong),
        }
        text = edited;
    }
}
