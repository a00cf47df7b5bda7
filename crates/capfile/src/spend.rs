//! What a call uses up, of what there is a budget for each day.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What there is a budget of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Budget {
    /// Tokens of language models, in both directions.
    LlmTokens,
    /// Money, in millionths of the owner's currency.
    MoneyMicros,
    /// Mails that were sent, each counted once for each of its recipients.
    MailsSent,
    /// Bytes that were written to files.
    BytesWritten,
}

impl Budget {
    /// Every budget that there is.
    pub const ALL: [Self; 4] =
        [Self::LlmTokens, Self::MoneyMicros, Self::MailsSent, Self::BytesWritten];

    /// Its name, as configuration and records have it.
    pub fn name(self) -> &'static str {
        match self {
            Self::LlmTokens => "llm_tokens",
            Self::MoneyMicros => "money_micros",
            Self::MailsSent => "mails_sent",
            Self::BytesWritten => "bytes_written",
        }
    }
}

impl fmt::Display for Budget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What a call uses of one budget: what may be needed is reserved before it, and what was used is counted after it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Spend {
    /// Of what.
    pub budget: Budget,
    /// How much at the most.
    pub reserve: Reserve,
    /// Where the result says how much it was: a JSON pointer (RFC 6901) into its structured content, or into the result of a
    /// server from before MCP. Without it, or where the result does not say, it was what was reserved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub used: Option<String>,
}

/// How much a call may use at the most.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reserve {
    /// So much, whatever it is called with.
    Fixed(u64),
    /// As many bytes as this argument, a text, has.
    BytesOf(String),
    /// The number that this argument is, and as much as the licence allows for one call where it is absent.
    Number(String),
    /// As many as this argument, a list, has items; a text is one.
    ItemsOf(String),
}
