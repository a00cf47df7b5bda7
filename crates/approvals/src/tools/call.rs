//! From a call to its tool.

use serde_json::Value;

use super::{Always, Approve, Deny, DenyAll, Forget, List, ListStanding, Status, Tool};
use crate::answer::Answerer;
use crate::error::Refused;
use crate::inbox::Inbox;

/// Who calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Caller {
    /// A person at the appliance, by the name of the door that they came through.
    Person(String),
    /// A client.
    Client(String),
}

/// Why a tool gave nothing.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// There is none of this name.
    #[error("there is no such tool")]
    NoSuchTool,
    /// The parameters are not those of the tool.
    #[error("the parameters are not those of the tool: {0}")]
    Parameters(serde_json::Error),
    /// It was not done.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// The result could not be written as JSON.
    #[error("the result could not be written")]
    Result(serde_json::Error),
}

impl Caller {
    /// As one who answers.
    pub(super) fn answerer(&self) -> Answerer {
        match self {
            Self::Person(name) => Answerer::Person(name.clone()),
            Self::Client(name) => Answerer::Host(name.clone()),
        }
    }
}

/// Calls the tool of this name, or of this name in the legacy dialect. It waits for the disk.
///
/// # Errors
///
/// Those of [`Fault`].
pub fn call(inbox: &Inbox, name: &str, arguments: Value, who: &Caller) -> Result<Value, Fault> {
    match name {
        List::NAME | List::METHOD => done::<List>(inbox, arguments, who),
        Approve::NAME | Approve::METHOD => done::<Approve>(inbox, arguments, who),
        Deny::NAME | Deny::METHOD => done::<Deny>(inbox, arguments, who),
        DenyAll::NAME | DenyAll::METHOD => done::<DenyAll>(inbox, arguments, who),
        Always::NAME | Always::METHOD => done::<Always>(inbox, arguments, who),
        ListStanding::NAME | ListStanding::METHOD => done::<ListStanding>(inbox, arguments, who),
        Forget::NAME | Forget::METHOD => done::<Forget>(inbox, arguments, who),
        Status::NAME | Status::METHOD => done::<Status>(inbox, arguments, who),
        _ => Err(Fault::NoSuchTool),
    }
}

fn done<T: Tool>(inbox: &Inbox, arguments: Value, who: &Caller) -> Result<Value, Fault> {
    if T::ONLY_PERSON && !matches!(who, Caller::Person(_)) {
        return Err(Refused::OnlyAPerson.into());
    }
    let tool: T = serde_json::from_value(arguments).map_err(Fault::Parameters)?;
    serde_json::to_value(tool.call(inbox, who)?).map_err(Fault::Result)
}
