//! What is wrong with a document, in words for the person who wrote it.

use serde_saphyr::{Error, MessageFormatter, UserMessageFormatter, budget::BudgetBreach};

use crate::limits::{
    CONFIG_MAX_ALIASED_EVENTS, CONFIG_MAX_ALIASES, CONFIG_MAX_DEPTH, CONFIG_MAX_VALUES,
};

/// The reason without its place, which is told apart.
///
/// The parser's own words for its bounds are those of its programmer, so the bounds are put here.
pub(crate) fn reason(error: &Error) -> String {
    match error.without_snippet() {
        Error::AliasError { error, .. } => reason(error),
        Error::Budget { breach, .. } => breached(breach),
        Error::AliasReplayLimitExceeded { .. }
        | Error::AliasReplayStackDepthExceeded { .. }
        | Error::AliasExpansionLimitExceeded { .. } => expanded(),
        Error::MultipleDocuments { .. } => "there is more than one document, use one".to_owned(),
        Error::MergeKeyNotAllowed { .. } => {
            "the merge key `<<` is not taken, write the values out".to_owned()
        }
        // Its name is not told: what begins with `!` may be a password that lacks its quotes.
        Error::UnsupportedTag { .. } => {
            "it has a tag (`!`), and none is known: put a text that begins with `!` in quotes"
                .to_owned()
        }
        other => UserMessageFormatter.format_message(other).into_owned(),
    }
}

fn breached(breach: &BudgetBreach) -> String {
    match breach {
        BudgetBreach::Depth { .. } => format!("it nests deeper than {CONFIG_MAX_DEPTH} levels"),
        BudgetBreach::Aliases { .. } | BudgetBreach::Anchors { .. } => {
            format!("it has more than {CONFIG_MAX_ALIASES} aliases or anchors")
        }
        BudgetBreach::RecordedAnchorEvents { .. }
        | BudgetBreach::RecordedAnchorBytes { .. }
        | BudgetBreach::AliasAnchorRatio { .. } => expanded(),
        BudgetBreach::Nodes { .. } | BudgetBreach::Events { .. } => {
            format!("it holds more than {CONFIG_MAX_VALUES} values")
        }
        BudgetBreach::Documents { .. } => "there is more than one document, use one".to_owned(),
        other => format!("it goes past a bound of the parser ({other:?})"),
    }
}

fn expanded() -> String {
    format!(
        "its aliases stand for more than {CONFIG_MAX_ALIASED_EVENTS} values, write less by alias"
    )
}
