//! From a refusal of the root to the error of a tool.

use capability::{ErrorKind, ToolError};
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
        _ => {
            tracing::error!(%error, "a file operation failed");
            ErrorKind::Internal
        }
    };
    ToolError::new(kind, error.to_string())
}
