//! The desk at which every call is decided, counted and recorded.

use std::sync::Arc;
use std::time::Duration;

use approvals::{Grant, Inbox};
use audit::{Audit, Entry, Kind};
use capfile::{Budget, Pattern};
use licence::{Remaining, Terms};
use mcp_types::Scope;
use policy::{Answer, Approver};
use quota::{Account, Quota, Rate, Reservation, What, Who};
use serde_json::Value;

use crate::access::asking::{Begun, Said, Wanted};
use crate::access::charges::charges;
use crate::access::pass::Pass;
use crate::access::refusals::Refusals;
use crate::access::{Ask, Conversations, Live, Refused, Rulebook};
use crate::identity::{Identity, Penalties};
use crate::mcp::Door;
use crate::registry::Declared;

/// What decides.
pub(crate) struct Access {
    pub(super) live: Arc<Live>,
    quota: Arc<Quota>,
    pub(super) audit: Audit,
    tool_rates: Vec<(Pattern, Rate)>,
    pub(super) rulebook: Arc<Rulebook>,
    pub(super) inbox: Arc<Inbox>,
    pub(super) conversations: Arc<Conversations>,
    /// Who has shown wrong keys.
    pub(super) keys: Penalties,
    /// Who has posted wrong codes. One host with an old key must not keep out the host beside it that is being paired.
    pub(super) codes: Penalties,
    pub(super) refusals: Refusals,
}

/// What the desk is made of.
pub(crate) struct Parts {
    pub(crate) live: Arc<Live>,
    pub(crate) quota: Arc<Quota>,
    pub(crate) tool_rates: Vec<(Pattern, Rate)>,
    pub(crate) rulebook: Arc<Rulebook>,
    pub(crate) inbox: Arc<Inbox>,
    pub(crate) conversations: Arc<Conversations>,
}

/// What somebody wants to do.
#[derive(Clone, Copy)]
pub(crate) struct Action<'a> {
    pub(crate) declared: &'a Declared,
    /// The tool, where it is the call of one: only such a call waits for a person's word.
    pub(crate) tool: Option<&'a str>,
    /// With what, as JSON text.
    pub(crate) arguments: Option<&'a str>,
}

impl Access {
    pub(crate) fn new(parts: Parts, audit: Audit) -> Self {
        let (keys, codes, refusals) =
            (Penalties::default(), Penalties::default(), Refusals::default());
        let Parts { live, quota, tool_rates, rulebook, inbox, conversations } = parts;
        Self {
            live,
            quota,
            audit,
            tool_rates,
            rulebook,
            inbox,
            conversations,
            keys,
            codes,
            refusals,
        }
    }

    /// The files that say who may do what.
    pub(crate) fn live(&self) -> &Arc<Live> {
        &self.live
    }

    /// The policies.
    pub(crate) fn rulebook(&self) -> &Rulebook {
        &self.rulebook
    }

    /// What conversations have read.
    pub(crate) fn conversations(&self) -> &Arc<Conversations> {
        &self.conversations
    }

    /// The record.
    pub(crate) fn audit(&self) -> &Audit {
        &self.audit
    }

    /// Counts a request of somebody's, and records it where it is one too many.
    pub(crate) async fn admit(&self, door: &Door<'_>, what: &str) -> Result<(), Refused> {
        let rates = rates_of(door.client, &self.live.rules().terms);
        let Err(error) = self.quota.take(&rates) else { return Ok(()) };
        let refused = Refused::TooSoon(error.after);
        self.refuse(door, what, None, &refused).await;
        Err(refused)
    }

    /// Whether somebody may call this at all, whatever they have used up.
    pub(crate) fn may_call(&self, identity: &Identity, declared: &Declared) -> bool {
        self.rulebook.may_ever(identity, &declared.name)
    }

    /// Decides on a call, and records it: what changes or sends something is on the disk when this ends. A call that needs a person's
    /// word goes on once it has that, and else waits for it.
    pub(crate) async fn begin(
        &self,
        door: &Door<'_>,
        action: Action<'_>,
    ) -> Result<Begun, Refused> {
        let begun = self.begun(door, action).await;
        if let Err(refused) = &begun {
            self.refuse(door, &action.declared.name, action.arguments, refused).await;
        }
        begun
    }

    async fn begun(&self, door: &Door<'_>, action: Action<'_>) -> Result<Begun, Refused> {
        let Action { declared, arguments, .. } = action;
        let untrusted = self.conversations.read(door.client.name(), &door.talk);
        let ask = Ask { method: &declared.name, arguments, untrusted };
        let decision = self.rulebook.decide(door, ask);
        let grant = match decision.answer {
            Answer::Allow => self.given(door, action, untrusted).await?,
            Answer::Deny => return Err(Refused::by(decision)),
            Answer::Ask(approver) => {
                let wanted = Wanted { approver, rule: decision.rule, untrusted };
                match self.ask(door, action, wanted).await? {
                    Said::Granted(grant) => Some(grant),
                    Said::Waits(approval) => return Ok(Begun::Waits(approval)),
                }
            }
        };
        let edited = grant.as_ref().filter(|grant| grant.edited);
        let arguments = edited.map_or(arguments, |grant| Some(grant.arguments.as_str()));
        let reserved = self.reserve(door.client, declared, arguments)?;
        let kind = if declared.read_only && grant.is_none() { Kind::Read } else { Kind::Intent };
        let mut entry = entry(kind, door, declared.name.clone());
        entry.arguments = arguments.map(Into::into);
        let pass = Pass::begin(&self.audit, entry, reserved, &declared.spends).await?;
        Ok(Begun::Goes(Box::new(pass), grant))
    }

    /// Where a call with these arguments may work that is made by this grant, if it needed one: a host's word opens no folder that only
    /// a person may, and nobody's a folder for which they were not asked.
    pub(crate) fn scopes(
        &self,
        door: &Door<'_>,
        declared: &Declared,
        arguments: Option<&str>,
        grant: Option<&Grant>,
    ) -> Vec<Scope> {
        let word =
            grant.map(|grant| if grant.as_person { Approver::Person } else { Approver::Host });
        let arguments = grant.map_or(arguments, |grant| Some(grant.arguments.as_str()));
        let untrusted = self.conversations.read(door.client.name(), &door.talk);
        self.rulebook.scopes(door, declared, (arguments, word), untrusted)
    }

    /// Lets something be done that is the gateway's own affair, and records it.
    pub(crate) async fn own(&self, door: &Door<'_>, what: &str) -> Result<Pass, Refused> {
        Pass::begin(&self.audit, entry(Kind::Read, door, what.into()), None, &[]).await
    }

    /// Counts a call that may be made, and reserves what it may use.
    fn reserve(
        &self,
        identity: &Identity,
        declared: &Declared,
        arguments: Option<&str>,
    ) -> Result<Option<Reservation>, Refused> {
        let rules = self.live.rules();
        let name = &declared.name;
        let of_tool = self.tool_rates.iter().find(|(pattern, _)| pattern.matches(name));
        if let Some((_, rate)) = of_tool {
            let who = Who { client: identity.name().clone(), what: What::Tool(name.clone()) };
            self.quota.take(&[(who, *rate)]).map_err(|error| Refused::TooSoon(error.after))?;
        }
        if declared.spends.is_empty() {
            return Ok(None);
        }
        let charges = charges(&rules.terms, identity, &declared.spends, arguments)?;
        match self.quota.reserve(charges) {
            Ok(reserved) => Ok(Some(reserved)),
            Err(quota::Refused::Exceeded(exceeded)) => {
                Err(Refused::Budget { exceeded, tomorrow: self.quota.until_tomorrow() })
            }
            Err(quota::Refused::Store(error)) => {
                tracing::error!(%error, "the budgets cannot be kept");
                Err(Refused::Unavailable)
            }
        }
    }

    /// The result of `mcp.licence.check`.
    pub(crate) fn licence<'a>(
        &self,
        identity: &Identity,
        permissions: impl Iterator<Item = &'a str>,
    ) -> Value {
        let rules = self.live.rules();
        let left = rates_of(identity, &rules.terms);
        let requests = left.iter().map(|(who, rate)| self.quota.left(who, *rate)).min();
        let spent = || self.quota.spent(&Account::Appliance, Budget::LlmTokens);
        let llm_tokens = rules.terms.llm_tokens_per_day.map(|limit| limit.saturating_sub(spent()));
        rules.terms.check_result(permissions, Remaining { requests, llm_tokens })
    }
}

/// An entry of which is known who asks, and for what.
pub(super) fn entry(kind: Kind, door: &Door<'_>, what: Arc<str>) -> Entry {
    let mut entry = Entry::new(kind, what);
    entry.request = door.request_id.into();
    entry.client = door.client.name().clone();
    entry.origin = door.origin.as_str();
    entry
}

/// How often somebody may ask: as the licence says, and as is said of them.
fn rates_of(identity: &Identity, terms: &Terms) -> Vec<(Who, Rate)> {
    let of_licence = terms.rate.map(|(requests, window)| Rate { requests, window });
    let own = identity.client().rate.map(|own| Rate {
        requests: own.requests,
        window: Duration::from_secs(own.window_seconds.get().into()),
    });
    let rates = [(What::Own, own), (What::Everything, of_licence)].into_iter();
    let who = |what| Who { client: identity.name().clone(), what };
    rates.filter_map(|(what, rate)| Some((who(what), rate?))).collect()
}
