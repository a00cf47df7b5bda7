//! The result of `mcp.licence.check`.

use serde_json::{Value, json};

use crate::terms::{Standing, Terms};

/// The seconds of a minute, in which the old contract tells windows.
const MINUTE: u64 = 60;
/// What stands where no limit applies.
const NO_LIMIT: &str = "N/A";
/// The same, of tokens.
const UNLIMITED: &str = "unlimited";

/// What is left at this moment, where there is a limit.
#[derive(Debug, Clone, Copy, Default)]
pub struct Remaining {
    /// Requests of this client.
    pub requests: Option<u32>,
    /// Tokens of all clients, today.
    pub llm_tokens: Option<u64>,
}

impl Terms {
    /// The result of `mcp.licence.check`, in the members of both generations of the old contract.
    pub fn check_result<'a>(
        &self,
        permissions: impl Iterator<Item = &'a str>,
        left: Remaining,
    ) -> Value {
        let rate = self.rate.map(|(requests, window)| {
            (
                match window.as_secs() {
                    seconds if seconds % MINUTE == 0 => {
                        format!("{requests}/{}min", seconds / MINUTE)
                    }
                    seconds => format!("{requests}/{seconds}s"),
                },
                format!("{requests} in {} s", window.as_secs()),
            )
        });
        let (limit, human) = rate.unwrap_or_else(|| (NO_LIMIT.to_owned(), NO_LIMIT.to_owned()));
        let tokens = |limit: Option<u64>| limit.map_or_else(|| UNLIMITED.into(), Value::from);
        let remaining = |left: Option<u64>| left.map_or_else(|| NO_LIMIT.into(), Value::from);
        json!({
            "tier": self.tier,
            "key_id": self.key_id,
            "user_identifier": self.holder,
            "is_valid": self.is_valid(),
            "expires_at": self.expires_at.map(|end| end.to_string()),
            "effective_permissions": permissions.collect::<Vec<_>>(),
            "quotas": {
                "api_requests_limit": limit,
                "api_requests_limit_human": human,
                "api_requests_remaining_in_window": remaining(left.requests.map(u64::from)),
                "llm_access": self.llm_access,
                "allowed_llm_models": self.llm_models,
                "max_llm_tokens_per_request": tokens(self.llm_tokens_per_request),
                "max_llm_tokens_per_day": tokens(self.llm_tokens_per_day),
                "max_llm_tokens_per_day_limit": tokens(self.llm_tokens_per_day),
                "llm_tokens_today_remaining": remaining(left.llm_tokens),
            },
            "note": self.note(),
        })
    }

    /// What is so, and what to do about it.
    pub fn note(&self) -> &'static str {
        match self.standing {
            Standing::Good => "The licence is good.",
            Standing::Missing => {
                "There is no licence, so the appliance is in tier FREE: `llmbasedos licence install` puts one in place."
            }
            Standing::Unsigned if self.end_is_no_date() => {
                "The licence is of a form that nobody signs, and its end is no date and passed over; it grants tier FREE at \
                 the most: `llmbasedos licence issue` makes one that is signed."
            }
            Standing::Unsigned => {
                "The licence is of a form that nobody signs, and grants tier FREE at the most: `llmbasedos licence issue` \
                 makes one that is signed."
            }
            Standing::Unclear => {
                "The licence cannot be understood, so the appliance is in tier FREE: `llmbasedos licence install` puts \
                 another in its place."
            }
            Standing::Expired => {
                "The licence has expired, so the appliance is in tier FREE: `llmbasedos licence install` puts another in \
                 its place."
            }
            Standing::UnknownTier => {
                "The licence names a tier that is not in the tiers file, so the appliance is in tier FREE: add the tier to \
                 `licence_tiers.yaml`, or put another licence in place with `llmbasedos licence install`."
            }
            Standing::Forged => {
                "The licence was changed, or signed by nobody whom the configuration names as issuer, so the appliance is \
                 in tier FREE: `llmbasedos licence install` puts another in its place, and the public keys of issuers \
                 whom you believe are in `licence_issuers.yaml`."
            }
        }
    }
}
