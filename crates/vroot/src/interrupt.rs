//! How a long operation is stopped.

use std::ops::ControlFlow;

use crate::error::Error;
use crate::vpath::VPath;

/// What an operation that can take long asks at every entry that it comes to. On [`ControlFlow::Break`] it stops with
/// [`Error::Interrupted`], so the answer must cost little.
pub type Interrupt<'a> = &'a dyn Fn() -> ControlFlow<()>;

/// The [`Interrupt`] of an operation that always runs to its end.
pub fn uninterrupted() -> ControlFlow<()> {
    ControlFlow::Continue(())
}

/// Asks; so far `removed` entries are gone.
pub(crate) fn ask(interrupt: Interrupt<'_>, path: &VPath, removed: usize) -> Result<(), Error> {
    match interrupt() {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(()) => Err(Error::Interrupted { path: path.clone(), removed }),
    }
}
