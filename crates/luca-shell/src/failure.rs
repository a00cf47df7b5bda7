//! Why a command did not do what it was told to.

use std::process::ExitCode;

use mcp_client::CallError;
use serde_json::{Value, json};

use crate::escape;
use crate::limits::CALL_WAIT;

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// The command makes no sense, so nothing was done.
    #[error("{0}")]
    Usage(String),
    /// The gateway or a server said no.
    #[error("{message} (error {code})")]
    Refused { code: i64, message: String, data: Option<Value> },
    /// There is no link, and none could be made.
    #[error("not connected: {0}")]
    NotConnected(String),
    /// The link ended while the call was under way.
    #[error(
        "the connection ended before the answer came: the call may have been carried out or not"
    )]
    Closed,
    /// No answer came.
    #[error("no answer within {} seconds: the call was cancelled", CALL_WAIT.as_secs())]
    TimedOut,
    /// The person pressed Ctrl-C.
    #[error("cancelled")]
    Cancelled,
    /// The answer is not of the form that the command needs.
    #[error("the answer is not what `{0}` should give: see it with `mcp.{0}` and `--json`")]
    Unexpected(&'static str),
    /// The call cannot be made for a reason that the client knows.
    #[error("{0}")]
    Client(String),
    /// `status` has shown what.
    #[error("{}", unwell(*.0))]
    Unwell(usize),
    /// What was to be shown could not be written.
    #[error("the output could not be written: {0}")]
    Output(#[from] std::io::Error),
}

/// What the program ends with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// All was done.
    Done = 0,
    /// A call failed.
    Failed = 1,
    /// A command made no sense.
    Usage = 2,
    /// There was no connection.
    NotConnected = 3,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

impl Failure {
    /// What the program ends with, if this is the end of it.
    pub(crate) fn exit(&self) -> Exit {
        match self {
            Self::Usage(_) => Exit::Usage,
            Self::NotConnected(_) => Exit::NotConnected,
            _ => Exit::Failed,
        }
    }

    /// Whether the reader of the output has gone, which is nobody's fault.
    pub(crate) fn is_broken_pipe(&self) -> bool {
        matches!(self, Self::Output(error) if error.kind() == std::io::ErrorKind::BrokenPipe)
    }

    /// For a person: one line, and one more if there is data.
    pub(crate) fn text(&self) -> String {
        let text = escape::line(&self.to_string());
        match self {
            Self::Refused { data: Some(data), .. } => {
                format!("{text}\n{}", escape::json(&data.to_string()))
            }
            _ => text,
        }
    }

    /// For a program: a JSON-RPC error, with the codes that the shell of old gave to failures of its own.
    pub(crate) fn json(&self) -> Value {
        let code = match self {
            Self::Refused { code, message, data } => {
                let mut error = json!({ "code": code, "message": message });
                if let (Some(members), Some(data)) = (error.as_object_mut(), data) {
                    members.insert("data".to_owned(), data.clone());
                }
                return error;
            }
            Self::TimedOut | Self::Cancelled => -32_000,
            Self::Closed => -32_001,
            Self::NotConnected(_) => -32_003,
            Self::Usage(_)
            | Self::Unexpected(_)
            | Self::Client(_)
            | Self::Unwell(_)
            | Self::Output(_) => -32_002,
        };
        json!({ "code": code, "message": self.to_string() })
    }
}

fn unwell(count: usize) -> String {
    let things = if count == 1 { "one thing does" } else { "some things do" };
    format!("{things} not work: what to do stands above")
}

impl From<CallError> for Failure {
    fn from(error: CallError) -> Self {
        match error {
            CallError::Rpc { code, message, data } => Self::Refused { code, message, data },
            CallError::Closed => Self::Closed,
            other => Self::Client(other.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_failure_has_its_exit_code_and_its_json() {
        let refused = Failure::Refused {
            code: -32_013,
            message: "no \u{1b}[2J".to_owned(),
            data: Some(json!({ "a": "\u{9b}" })),
        };
        assert_eq!(refused.text(), "no \\u{1b}[2J (error -32013)\n{\"a\":\"\\u009b\"}");
        assert_eq!(refused.exit(), Exit::Failed);
        let expected =
            json!({ "code": -32_013, "message": "no \u{1b}[2J", "data": { "a": "\u{9b}" } });
        assert_eq!(refused.json(), expected);

        let check = |failure: Failure, code, exit| {
            assert_eq!(failure.json()["code"], code, "{failure:?}");
            assert_eq!(failure.exit(), exit, "{failure:?}");
        };
        check(Failure::Usage("u".to_owned()), -32_002, Exit::Usage);
        check(Failure::Closed, -32_001, Exit::Failed);
        check(Failure::TimedOut, -32_000, Exit::Failed);
        check(Failure::NotConnected("r".to_owned()), -32_003, Exit::NotConnected);
    }
}
