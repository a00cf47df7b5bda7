//! What the appliance may do.

use capfile::{Budget, Pattern, Patterns};
use quota::Rate;

/// What the licence allows to everybody together, or to each.
pub(crate) struct Terms {
    methods: Patterns,
    /// How often each client may ask.
    pub(crate) rate: Option<Rate>,
    tokens_per_request: Option<u64>,
    tokens_per_day: Option<u64>,
}

impl Terms {
    pub(crate) fn everything() -> Self {
        let methods = std::iter::once(&Pattern::all()).collect();
        Self { methods, rate: None, tokens_per_request: None, tokens_per_day: None }
    }

    /// Whether the licence has the method.
    pub(crate) fn may_call(&self, method: &str) -> bool {
        self.methods.allow(method)
    }

    /// How much of a budget one call may use.
    pub(crate) fn at_most(&self, budget: Budget) -> Option<u64> {
        self.tokens_per_request.filter(|_| budget == Budget::LlmTokens)
    }

    /// How much of a budget everybody together may use on one day.
    pub(crate) fn per_day(&self, budget: Budget) -> Option<u64> {
        self.tokens_per_day.filter(|_| budget == Budget::LlmTokens)
    }
}
