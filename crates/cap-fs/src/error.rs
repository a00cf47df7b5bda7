//! From a refusal of the root to the error of a tool, and from a cancelled call to the end of an operation.

use std::ops::ControlFlow;

use capability::{Call, ErrorKind, ToolError};
use vroot::Error;

/// The tool error for a refusal, whose text names virtual paths only.
pub(crate) fn refused(error: &Error) -> ToolError {
    use vroot::ErrorKind as Root;
    let kind = match error.kind() {
        Root::NotFound => ErrorKind::NotFound,
        Root::Escape | Root::Protected | Root::Denied | Root::ReadOnly => ErrorKind::Denied,
        Root::InvalidPath
        | Root::NotADirectory
        | Root::IsADirectory
        | Root::NotRegular
        | Root::LinkLoop => ErrorKind::InvalidArguments,
        Root::NotEmpty | Root::Busy => ErrorKind::Conflict,
        Root::TooLarge | Root::TooMany | Root::TooDeep => ErrorKind::TooLarge,
        Root::NoSpace => ErrorKind::NoSpace,
        Root::Interrupted => ErrorKind::Cancelled,
        _ => {
            tracing::error!(%error, "a file operation failed");
            ErrorKind::Internal
        }
    };
    ToolError::new(kind, error.to_string())
}

/// What stops an operation on the root once the answer to `call` is not wanted any more.
pub(crate) fn interrupt(call: &Call) -> impl Fn() -> ControlFlow<()> {
    || if call.is_cancelled() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
}

/// The tool error of an operation that [`interrupt`] can stop: then it says why it stopped, and how things stand.
pub(crate) fn refused_or_stopped(call: &Call, error: &Error) -> ToolError {
    match (error.kind(), call.check()) {
        (vroot::ErrorKind::Interrupted, Err(why)) => {
            // Who cancels a call gets no answer, so that only the log tells of a removal by halves.
            tracing::info!(%error, "a file operation was stopped");
            ToolError::new(why.kind(), format!("{why}; {error}"))
        }
        _ => refused(error),
    }
}
