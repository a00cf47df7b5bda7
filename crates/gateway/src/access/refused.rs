//! What is refused, and what whoever asked is told.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use capfile::Budget;
use mcp_wire::{RpcError, code};
use policy::Decision;
use quota::{Account, Exceeded};
use serde_json::json;

use crate::identity::Penalty;

/// Codes of the legacy dialect.
const LEGACY_RATE: i32 = -32_001;
const LEGACY_NOT_PERMITTED: i32 = -32_002;
const LEGACY_BUDGET: i32 = -32_004;

/// Whoever asks shows no good key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stranger {
    /// From where.
    pub(crate) address: IpAddr,
    /// They have shown one that is not good.
    pub(crate) has_key: bool,
    /// They have shown too many wrong ones.
    pub(crate) penalty: Option<Penalty>,
}

/// Why no key is given for a pairing code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PairRefused {
    /// No client waits with it.
    Wrong,
    /// The address has tried too often.
    Penalty(Penalty),
    /// It cannot be kept, and the log says why.
    Broken,
}

/// Why a call is not made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Refused {
    /// A rule does not permit it.
    NotPermitted { rule: Arc<str> },
    /// A rule looks at an argument that is not what the tool takes; without a name, all of them are no object or say something twice.
    WrongArgument(Option<String>),
    /// It needs somebody's word, and cannot be asked for.
    NotAsked(String),
    /// It is too often; how long to wait.
    TooSoon(Duration),
    /// It needs more than one call may.
    TooMuch { budget: Budget, at_most: u64 },
    /// A budget of today does not suffice.
    Budget { exceeded: Exceeded, tomorrow: Duration },
    /// What a budget is reserved by is not in the arguments.
    Unclear(String),
    /// What must be written down before cannot be.
    Unavailable,
}

impl Refused {
    /// What policy denies.
    pub(super) fn by(decision: Decision) -> Self {
        match decision.wrong_argument() {
            Some(argument) => Self::WrongArgument(argument.map(ToOwned::to_owned)),
            None => Self::NotPermitted { rule: decision.rule },
        }
    }

    /// One word for it, for records and metrics.
    pub(crate) fn word(&self) -> &'static str {
        match self {
            Self::NotPermitted { .. } => "not_permitted",
            Self::WrongArgument(_) => "wrong_argument",
            Self::NotAsked(_) => "not_asked",
            Self::TooSoon(_) => "too_soon",
            Self::TooMuch { .. } => "too_much",
            Self::Budget { .. } => "budget",
            Self::Unclear(_) => "unclear",
            Self::Unavailable => "unavailable",
        }
    }

    /// How long to wait, where that helps.
    pub(crate) fn after(&self) -> Option<Duration> {
        match self {
            Self::TooSoon(after) | Self::Budget { tomorrow: after, .. } => Some(*after),
            _ => None,
        }
    }

    /// The error in MCP.
    pub(crate) fn to_rpc(&self) -> RpcError {
        let code = match self {
            Self::NotPermitted { .. } | Self::NotAsked(_) => code::NOT_PERMITTED,
            Self::TooSoon(_) => code::RATE_LIMITED,
            Self::TooMuch { .. } | Self::Budget { .. } => code::BUDGET_EXCEEDED,
            Self::Unclear(_) | Self::WrongArgument(_) => code::INVALID_PARAMS,
            Self::Unavailable => code::OVERLOADED,
        };
        self.error(code)
    }

    /// The error in the legacy dialect.
    pub(crate) fn to_legacy(&self) -> RpcError {
        let code = match self {
            Self::NotPermitted { .. } | Self::NotAsked(_) => LEGACY_NOT_PERMITTED,
            Self::TooSoon(_) => LEGACY_RATE,
            Self::TooMuch { .. } | Self::Budget { .. } => LEGACY_BUDGET,
            Self::Unclear(_) | Self::WrongArgument(_) => code::INVALID_PARAMS,
            Self::Unavailable => code::INTERNAL_ERROR,
        };
        self.error(code)
    }

    fn error(&self, code: i32) -> RpcError {
        let error = RpcError::new(code, self.text());
        let error = match self.after() {
            Some(after) => error.with_data(json!({ "retryAfterMs": millis(after) })),
            None => error,
        };
        match self {
            Self::NotPermitted { rule } => error.with_data(json!({ "rule": rule })),
            Self::Budget { exceeded, tomorrow } => error.with_data(json!({
                "budget": exceeded.budget,
                "left": exceeded.left,
                "limit": exceeded.limit,
                "needed": exceeded.needed,
                "retryAfterMs": millis(*tomorrow),
            })),
            _ => error,
        }
    }

    fn text(&self) -> String {
        match self {
            Self::NotPermitted { .. } => "this client may not do this: its owner can allow it, with \
                `llmbasedos client scope` or a policy, where the licence does (`llmbasedos licence check`)"
                .to_owned(),
            Self::WrongArgument(Some(argument)) => format!(
                "`{argument}` is not what this tool takes: its schema in the list of tools tells its type"
            ),
            Self::WrongArgument(None) => {
                "the arguments must be a JSON object that says nothing twice".to_owned()
            }
            Self::NotAsked(reason) => {
                format!("this needs a person's word, and was not asked for: {reason}")
            }
            Self::TooSoon(after) => {
                format!("this client calls too often: try again in {} s", seconds(*after))
            }
            Self::TooMuch { budget, at_most } => {
                format!("one call may use at most {at_most} of `{budget}`: ask for less")
            }
            Self::Budget { exceeded, .. } => {
                let whose = match exceeded.account {
                    Account::Appliance => "this appliance",
                    Account::Client(_) => "this client",
                };
                let Exceeded { budget, left, limit, needed, .. } = exceeded;
                format!(
                    "{whose} has {left} left of {limit} `{budget}` today, and this may need {needed}: ask for less, or \
                     tomorrow (UTC)"
                )
            }
            Self::Unclear(argument) => {
                format!("`{argument}` is needed, to know how much of a budget this may use")
            }
            Self::Unavailable => {
                "this cannot be recorded, and so is not done: its owner finds the reason in the log"
                    .to_owned()
            }
        }
    }
}

/// Whole seconds, as `Retry-After` has them.
pub(crate) fn seconds(duration: Duration) -> u64 {
    duration.as_secs() + u64::from(duration.subsec_nanos() > 0)
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX)
}
