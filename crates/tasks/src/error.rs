//! Why something is not done.

use mcp_types::TaskStatus;
use store::rusqlite;

/// Why something is not done. Nothing was changed then.
///
/// Every message but that of [`Refused::Store`] may be sent to the one who asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Refused {
    /// There is none with this id, or not for the one who asks, or it ended too long ago.
    #[error("there is no task with this id: it may have ended long ago; make the call again")]
    Unknown,
    /// It has ended, and the first end counts.
    #[error("the task is {} already: nothing was changed", .0.name())]
    Ended(TaskStatus),
    /// Its work was begun before.
    #[error("the work of this task was begun before: it is not begun twice")]
    Started,
    /// It waits for answers of its client.
    #[error("the task waits for answers of its client: begin its work when they are there")]
    Waiting,
    /// So many are open already.
    #[error("{limit} tasks {whose} are open already: wait until some have ended, or cancel some")]
    Full {
        /// How many.
        limit: u32,
        /// Whose.
        whose: &'static str,
    },
    /// Something is too long.
    #[error("{what} has more than {limit} bytes: make it shorter")]
    TooLong {
        /// What.
        what: &'static str,
        /// How long it may be.
        limit: usize,
    },
    /// Something is not the JSON that it has to be.
    #[error("{what} must be the JSON text of {shape}: correct it")]
    Malformed {
        /// What.
        what: &'static str,
        /// What it has to be.
        shape: &'static str,
    },
    /// A question with this key was asked before.
    #[error("this task has asked with the same key before: choose a new key")]
    KeyUsed,
    /// The task asks without end.
    #[error("a task may ask {0} questions over its life, and this would be more: end it")]
    TooManyInputs(u32),
    /// There is no randomness for an id.
    #[error("the machine gives no random numbers: try again")]
    Random(#[from] getrandom::Error),
    /// It cannot be written down, and what cannot be written down is not begun. The message is for the log.
    #[error("the tasks cannot be kept: {0}")]
    Store(#[from] rusqlite::Error),
}
