//! What follows from a licence and the tiers.

use std::num::NonZeroU32;
use std::time::Duration;

use capfile::{Pattern, Patterns};
use jiff::Timestamp;

use crate::FREE;
use crate::document::{Grant, Licence};
use crate::tiers::{Tier, Tiers};

/// What stands for all models.
const ALL_MODELS: &str = "*";

/// What the licence is found to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// There is none.
    Missing,
    /// It is good.
    Good,
    /// It is good, and nobody has signed it: it grants [`FREE`] at the most.
    Unsigned,
    /// Nobody can tell what it says.
    Unclear,
    /// Its time is over.
    Expired,
    /// There is no such tier.
    UnknownTier,
    /// It was signed by a stranger, or changed since.
    Forged,
}

/// What the appliance may do, at a time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Terms {
    /// What the licence is found to be.
    pub standing: Standing,
    /// The tier that counts.
    pub tier: String,
    /// Whose the licence is.
    pub holder: String,
    /// By which the licence is known.
    pub key_id: Option<String>,
    /// When it ends.
    pub expires_at: Option<Timestamp>,
    /// How often each client may ask, and in how long; `None` for no limit.
    pub rate: Option<(NonZeroU32, Duration)>,
    /// Whether language models may be used.
    pub llm_access: bool,
    /// Which.
    pub llm_models: Vec<String>,
    /// Tokens for one request; `None` for no limit.
    pub llm_tokens_per_request: Option<u64>,
    /// Tokens of all clients for one day; `None` for no limit.
    pub llm_tokens_per_day: Option<u64>,
    /// What may be called: what the tier has, within what the licence narrows it to.
    pub capabilities: Vec<Pattern>,
    allowed: Patterns,
    end_is_no_date: bool,
}

impl Terms {
    /// What follows at the time `now`.
    pub fn of(licence: &Licence, tiers: &Tiers, now: Timestamp) -> Self {
        let free = |standing, holder: &str, expires_at| {
            // The tiers have it always.
            let tier = tiers.get(FREE).cloned();
            let tier = tier.or_else(|| Tiers::default().get(FREE).cloned());
            Self::new(standing, FREE, tier.as_ref(), holder, expires_at)
        };
        let is_over = |end: &Option<Timestamp>| end.is_some_and(|end| now >= end);
        let mut terms = match licence {
            Licence::Missing => free(Standing::Missing, "anonymous", None),
            Licence::Unclear { .. } => free(Standing::Unclear, "anonymous", None),
            Licence::Forged { .. } => free(Standing::Forged, "anonymous", None),
            Licence::Old { tier, holder, expires_at, end_is_no_date, .. } => {
                let standing = match tiers.get(tier) {
                    None => Standing::UnknownTier,
                    Some(_) if is_over(expires_at) => Standing::Expired,
                    Some(_) => Standing::Unsigned,
                };
                let end_is_no_date = *end_is_no_date;
                Self { end_is_no_date, ..free(standing, holder, *expires_at) }
            }
            Licence::Signed { grant, .. } => match tiers.get(&grant.tier) {
                None => free(Standing::UnknownTier, &grant.holder, grant.expires_at),
                Some(_) if is_over(&grant.expires_at) => {
                    free(Standing::Expired, &grant.holder, grant.expires_at)
                }
                Some(tier) => {
                    let (name, end) = (grant.tier.to_uppercase(), grant.expires_at);
                    let all = Self::new(Standing::Good, &name, Some(tier), &grant.holder, end);
                    all.within(grant, tier)
                }
            },
        };
        terms.key_id = licence.key_id().map(ToOwned::to_owned);
        terms
    }

    fn new(
        standing: Standing,
        name: &str,
        tier: Option<&Tier>,
        holder: &str,
        expires_at: Option<Timestamp>,
    ) -> Self {
        let limit = |limit: u64| (limit > 0).then_some(limit);
        let rate =
            tier.and_then(|tier| rate(tier.rate_limit_requests, tier.rate_limit_window_seconds));
        let llm_access = tier.is_some_and(|tier| tier.llm_access);
        // A tier without models uses no tokens, whatever its limits say.
        let tokens = |limit_of: fn(&Tier) -> u64| match tier {
            Some(tier) if llm_access => limit(limit_of(tier)),
            _ => Some(0),
        };
        let capabilities = tier.map(|tier| tier.allowed_capabilities.clone()).unwrap_or_default();
        Self {
            standing,
            tier: name.to_owned(),
            holder: holder.to_owned(),
            key_id: None,
            expires_at,
            rate,
            llm_access,
            llm_models: tier.map(|tier| tier.allowed_llm_models.clone()).unwrap_or_default(),
            llm_tokens_per_request: tokens(|tier| tier.max_llm_tokens_per_request),
            llm_tokens_per_day: tokens(|tier| tier.max_llm_tokens_per_day),
            allowed: capabilities.iter().collect(),
            capabilities,
            end_is_no_date: false,
        }
    }

    /// The same with what the licence itself sets.
    fn within(mut self, grant: &Grant, tier: &Tier) -> Self {
        let limits = grant.limits;
        self.rate = rate(
            limits.requests.unwrap_or(tier.rate_limit_requests),
            limits.window_seconds.unwrap_or(tier.rate_limit_window_seconds),
        );
        let set = |own: Option<u64>, of_tier| match own {
            None => of_tier,
            Some(0) => None,
            Some(limit) => Some(limit),
        };
        if self.llm_access {
            self.llm_tokens_per_request =
                set(limits.llm_tokens_per_request, self.llm_tokens_per_request);
            self.llm_tokens_per_day = set(limits.llm_tokens_per_day, self.llm_tokens_per_day);
        }
        if let Some(own) = &grant.capabilities {
            let all = self.capabilities.iter();
            self.capabilities =
                all.flat_map(|of_tier| own.iter().filter_map(|own| both(of_tier, own))).collect();
            self.allowed = self.capabilities.iter().collect();
        }
        let all = |models: &[String]| models.iter().any(|model| model == ALL_MODELS);
        match &grant.llm_models {
            Some(own) if all(&self.llm_models) => self.llm_models.clone_from(own),
            Some(own) if !all(own) => self.llm_models.retain(|model| own.contains(model)),
            _ => {}
        }
        self
    }

    /// Whether the appliance may do this, a method such as `mcp.fs.read`.
    pub fn allows(&self, method: &str) -> bool {
        self.allowed.allow(method)
    }

    /// Whether it may use any language model there is.
    pub fn allows_every_model(&self) -> bool {
        self.llm_access && self.llm_models.iter().any(|allowed| allowed == "*")
    }

    /// Whether it may use this language model.
    pub fn allows_model(&self, model: &str) -> bool {
        let fits = |allowed: &String| allowed == ALL_MODELS || allowed == model;
        self.llm_access && self.llm_models.iter().any(fits)
    }

    /// Whether it names an end that is no date, and that is passed over.
    pub(crate) fn end_is_no_date(&self) -> bool {
        self.end_is_no_date
    }

    /// Whether the licence is what it claims to be, in the sense of the old contract, for which a free appliance is in order.
    pub fn is_valid(&self) -> bool {
        !matches!(self.standing, Standing::Expired | Standing::UnknownTier | Standing::Forged)
    }
}

/// The pattern of what both match: one of them, since of two beginnings the longer one begins with the shorter one or they
/// have nothing in common.
fn both(one: &Pattern, other: &Pattern) -> Option<Pattern> {
    // Their stars are at the ends, so that a pattern is to another what a name is.
    let narrower = [(one, other), (other, one)];
    let narrower = narrower.iter().find(|(wide, narrow)| wide.matches(narrow.as_str()));
    narrower.map(|(_, narrow)| (*narrow).clone())
}

fn rate(requests: u32, window_seconds: u32) -> Option<(NonZeroU32, Duration)> {
    let window = Duration::from_secs(window_seconds.max(1).into());
    NonZeroU32::new(requests).map(|requests| (requests, window))
}
