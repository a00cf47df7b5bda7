//! Why something is not done.

use jiff::Timestamp;
use store::rusqlite;

use crate::approval::State;
use crate::canonical::ArgumentsError;

/// Why something is not done. Nothing was changed then.
///
/// Every message but that of [`Refused::Store`] may be sent to the one who asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Refused {
    /// There is none with this id, or not for the one who asks.
    #[error("there is no approval with this id: list those that there are")]
    Unknown,
    /// Somebody was faster.
    #[error("it was {} already{}{}: nothing was changed", .state.name(), said_by(.by.as_deref()), said_at(*.at))]
    Answered {
        /// What has become of it.
        state: State,
        /// Who has answered, if somebody did.
        by: Option<String>,
        /// When.
        at: Option<Timestamp>,
    },
    /// Only a person at the appliance may answer it.
    #[error("only a person at the appliance may answer it: open `approvals` in its shell")]
    OnlyAPerson,
    /// So many calls wait already.
    #[error(
        "{limit} calls {whose} wait for an answer already: wait until they are answered, or cancel some"
    )]
    Full {
        /// How many.
        limit: u32,
        /// Whose.
        whose: &'static str,
    },
    /// There are so many standing permissions already.
    #[error("there are {0} standing permissions already: forget some")]
    FullOfStanding(u32),
    /// Something is too long.
    #[error("{what} has more than {limit} bytes: make it shorter")]
    TooLong {
        /// What.
        what: &'static str,
        /// How long it may be.
        limit: usize,
    },
    /// The folder of a standing permission is none.
    #[error(
        "the folder must be an absolute path without `.`, `..` and control characters, such as `/notes`"
    )]
    NotAFolder,
    /// The answer would not do what it says, for this reason, which tells what to do instead.
    #[error("{0}. Nothing was changed")]
    NoUse(String),
    /// The arguments cannot be taken.
    #[error(transparent)]
    Arguments(#[from] ArgumentsError),
    /// There is no randomness for an id.
    #[error("the machine gives no random numbers: try again")]
    Random(#[from] getrandom::Error),
    /// It cannot be written down, and what cannot be written down is not allowed. The message is for the log.
    #[error("the approvals cannot be kept: {0}")]
    Store(#[from] rusqlite::Error),
}

fn said_by(name: Option<&str>) -> String {
    name.map(|name| format!(" by {name}")).unwrap_or_default()
}

fn said_at(time: Option<Timestamp>) -> String {
    time.map(|time| format!(" at {time}")).unwrap_or_default()
}
