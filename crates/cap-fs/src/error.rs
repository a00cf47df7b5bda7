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
        | Root::IntoItself
        | Root::LinkLoop => ErrorKind::InvalidArguments,
        Root::NotEmpty | Root::Busy | Root::Exists | Root::Changed | Root::Forgotten => {
            ErrorKind::Conflict
        }
        Root::TooLarge | Root::TooMany | Root::TooDeep | Root::NotKept => ErrorKind::TooLarge,
        Root::NoSpace => ErrorKind::NoSpace,
        Root::Interrupted => ErrorKind::Cancelled,
        // Whoever made the content says why.
        Root::Aborted => ErrorKind::Internal,
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

/// The tool error for a history that cannot be read.
pub(crate) fn unrecorded(error: &store::rusqlite::Error) -> ToolError {
    tracing::error!(%error, "the history of changes cannot be read");
    ToolError::new(ErrorKind::Internal, "the history of changes cannot be read: ask the owner")
}

/// An argument that makes no sense.
pub(crate) fn invalid(text: impl Into<String>) -> ToolError {
    ToolError::new(ErrorKind::InvalidArguments, text)
}
