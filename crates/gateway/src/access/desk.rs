//! The desk at which every call is decided, counted and recorded.

use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::{Duration, Instant};

use audit::{Audit, Entry, Kind};
use capfile::{Budget, Pattern, Reserve, Spend};
use licence::{Remaining, Terms};
use mcp_wire::Object;
use quota::{Account, Charge, Quota, Rate, Reservation, Who};
use serde_json::Value;

use crate::access::pass::Pass;
use crate::access::{Live, PairRefused, Refused, Stranger};
use crate::identity::{Identity, Penalties};
use crate::log_gate::LogGate;
use crate::mcp::Door;
use crate::registry::Declared;

/// What decides.
pub(crate) struct Access {
    live: Arc<Live>,
    quota: Arc<Quota>,
    audit: Audit,
    tool_rates: Vec<(Pattern, Rate)>,
    penalties: Penalties,
}

/// What somebody wants to do.
#[derive(Clone, Copy)]
pub(crate) struct Action<'a> {
    pub(crate) declared: &'a Declared,
    /// With what, as JSON text.
    pub(crate) arguments: Option<&'a str>,
}

impl Access {
    pub(crate) fn new(
        live: Arc<Live>,
        quota: Arc<Quota>,
        audit: Audit,
        tool_rates: Vec<(Pattern, Rate)>,
    ) -> Self {
        Self { live, quota, audit, tool_rates, penalties: Penalties::default() }
    }

    /// The files that say who may do what.
    pub(crate) fn live(&self) -> &Arc<Live> {
        &self.live
    }

    /// The record.
    pub(crate) fn audit(&self) -> &Audit {
        &self.audit
    }

    /// Whose key this is, which came from `address`.
    ///
    /// # Errors
    ///
    /// Nobody's; and whether the address has shown too many of those.
    pub(crate) fn find(
        &self,
        key: Option<&str>,
        address: IpAddr,
    ) -> Result<Arc<Identity>, Stranger> {
        if let Some(identity) = key.and_then(|key| self.live.find(key)) {
            return Ok(identity);
        }
        // Whoever shows none has guessed nothing.
        let penalty = key.map_or(Ok(()), |_| self.penalties.wrong(address, Instant::now()));
        if key.is_some() {
            self.strange("key", address);
        }
        Err(Stranger { penalty: penalty.err() })
    }

    /// Records a wrong key or code. Their number is not ours to decide, so of many only some are recorded, each with how many
    /// were not.
    fn strange(&self, what: &'static str, address: IpAddr) {
        static GATE: LogGate = LogGate::new();
        let Some(untold) = GATE.pass() else { return };
        let mut entry = Entry::new(Kind::Refusal, what);
        entry.outcome = "wrong";
        entry.arguments = Some(format!(r#"{{"address":"{address}","untold":{untold}}}"#).into());
        // Where even this finds no room, it is in the log.
        if !self.audit.try_record(entry) {
            tracing::warn!(what, "a refusal could not be recorded");
        }
    }

    /// The client and the new key of a pairing code that came from `address`.
    pub(crate) async fn pair(
        &self,
        code: String,
        address: IpAddr,
    ) -> Result<(Arc<str>, String), PairRefused> {
        let now = Instant::now();
        self.penalties.look(address, now).map_err(PairRefused::Penalty)?;
        let live = self.live.clone();
        let paired = tokio::task::spawn_blocking(move || live.pair(&code)).await;
        let (client, key) = match paired {
            Ok(Ok(Some(paired))) => paired,
            Ok(Ok(None)) => {
                self.strange("pair", address);
                return Err(match self.penalties.wrong(address, now) {
                    Ok(()) => PairRefused::Wrong,
                    Err(penalty) => PairRefused::Penalty(penalty),
                });
            }
            Ok(Err(error)) => {
                tracing::error!(%error, "no key could be given out");
                return Err(PairRefused::Broken);
            }
            Err(_) => return Err(PairRefused::Broken),
        };
        let mut entry = Entry::new(Kind::Admin, "pair");
        (entry.client, entry.outcome) = (client.clone(), "ok");
        entry.arguments = Some(format!(r#"{{"address":"{address}"}}"#).into());
        self.audit.intent(entry).await.map_err(|_| PairRefused::Broken)?;
        Ok((client, key))
    }

    /// Counts a request of somebody's, and records it where it is one too many.
    pub(crate) async fn admit(&self, door: &Door<'_>, what: &str) -> Result<(), Refused> {
        let rate = rate_of(door.client, &self.live.rules().terms);
        let Some(rate) = rate else { return Ok(()) };
        let who = Who { client: door.client.name().clone(), tool: None };
        let Err(error) = self.quota.take(&who, rate) else { return Ok(()) };
        let refused = Refused::TooSoon(error.after);
        self.refuse(door, what, None, &refused).await;
        Err(refused)
    }

    /// Whether somebody may call this at all, whatever they have used up.
    pub(crate) fn may_call(&self, identity: &Identity, declared: &Declared) -> bool {
        identity.may_call(&declared.name) && self.live.rules().terms.allows(&declared.name)
    }

    /// Decides on a call, and records it: what changes or sends something is on the disk when this ends.
    pub(crate) async fn begin(&self, door: &Door<'_>, action: Action<'_>) -> Result<Pass, Refused> {
        let Action { declared, arguments } = action;
        let reserved = match self.decide(door.client, declared, arguments) {
            Ok(reserved) => reserved,
            Err(refused) => {
                self.refuse(door, &declared.name, arguments, &refused).await;
                return Err(refused);
            }
        };
        let kind = if declared.read_only { Kind::Read } else { Kind::Intent };
        let mut entry = entry(kind, door, declared.name.clone());
        entry.arguments = arguments.map(Into::into);
        Pass::begin(&self.audit, entry, reserved, &declared.spends).await
    }

    /// Lets something be done that is the gateway's own affair, and records it.
    pub(crate) async fn own(&self, door: &Door<'_>, what: &str) -> Result<Pass, Refused> {
        Pass::begin(&self.audit, entry(Kind::Read, door, what.into()), None, &[]).await
    }

    async fn refuse(&self, door: &Door<'_>, what: &str, arguments: Option<&str>, why: &Refused) {
        let mut entry = entry(Kind::Refusal, door, what.into());
        entry.arguments = arguments.map(Into::into);
        (entry.outcome, entry.code) = (why.word(), why.to_rpc().code.into());
        match self.audit.place().await {
            Ok(place) => place.record(entry),
            Err(error) => tracing::warn!(%error, "a refusal could not be recorded"),
        }
    }

    fn decide(
        &self,
        identity: &Identity,
        declared: &Declared,
        arguments: Option<&str>,
    ) -> Result<Option<Reservation>, Refused> {
        if !self.may_call(identity, declared) {
            return Err(Refused::NotPermitted);
        }
        let name = &declared.name;
        let of_tool = self.tool_rates.iter().find(|(pattern, _)| pattern.matches(name));
        if let Some((_, rate)) = of_tool {
            let who = Who { client: identity.name().clone(), tool: Some(name.clone()) };
            self.quota.take(&who, *rate).map_err(|error| Refused::TooSoon(error.after))?;
        }
        if declared.spends.is_empty() {
            return Ok(None);
        }
        let charges = self.charges(identity, &declared.spends, arguments)?;
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

    /// What a call may use, of the budget of its client and of that of everybody together.
    fn charges(
        &self,
        identity: &Identity,
        spends: &[Spend],
        arguments: Option<&str>,
    ) -> Result<Vec<Charge>, Refused> {
        let rules = self.live.rules();
        let arguments = arguments.and_then(|text| Object::parse(text).ok());
        let mut charges = Vec::new();
        for Spend { budget, reserve, .. } in spends {
            let budget = *budget;
            let tokens = budget == Budget::LlmTokens;
            let at_most = rules.terms.llm_tokens_per_request.filter(|_| tokens);
            let amount = amount(reserve, arguments.as_ref(), at_most)?;
            if let Some(at_most) = at_most.filter(|most| amount > *most) {
                return Err(Refused::TooMuch { budget, at_most });
            }
            let limit = identity.client().budgets.get(&budget).copied();
            let account = Account::Client(identity.name().clone());
            charges.push(Charge { account, budget, amount, limit });
            let limit = rules.terms.llm_tokens_per_day.filter(|_| tokens);
            charges.push(Charge { account: Account::Appliance, budget, amount, limit });
        }
        Ok(charges)
    }

    /// The result of `mcp.licence.check`.
    pub(crate) fn licence<'a>(
        &self,
        identity: &Identity,
        permissions: impl Iterator<Item = &'a str>,
    ) -> Value {
        let rules = self.live.rules();
        let who = Who { client: identity.name().clone(), tool: None };
        let requests = rate_of(identity, &rules.terms).map(|rate| self.quota.left(&who, rate));
        let spent = || self.quota.spent(&Account::Appliance, Budget::LlmTokens);
        let llm_tokens = rules.terms.llm_tokens_per_day.map(|limit| limit.saturating_sub(spent()));
        rules.terms.check_result(permissions, Remaining { requests, llm_tokens })
    }
}

/// An entry of which is known who asks, and for what.
fn entry(kind: Kind, door: &Door<'_>, what: Arc<str>) -> Entry {
    let mut entry = Entry::new(kind, what);
    entry.request = door.request_id.into();
    entry.client = door.client.name().clone();
    entry.origin = door.origin.as_str();
    entry
}

/// How often somebody may ask: as the licence says, or as is said of them, where that is less.
fn rate_of(identity: &Identity, terms: &Terms) -> Option<Rate> {
    let rate = |requests: NonZeroU32, window: Duration| Rate { requests, window };
    let of_licence = terms.rate.map(|(requests, window)| rate(requests, window));
    let own = identity
        .client()
        .rate
        .map(|own| rate(own.requests, Duration::from_secs(own.window_seconds.get().into())));
    let each = |rate: &Rate| rate.window.as_nanos() / u128::from(rate.requests.get());
    [own, of_licence].into_iter().flatten().max_by_key(each)
}

/// How much a call may use at the most, by what it is called with.
fn amount(
    reserve: &Reserve,
    arguments: Option<&Object<'_>>,
    at_most: Option<u64>,
) -> Result<u64, Refused> {
    let given = |name: &str| arguments.and_then(|arguments| arguments.get(name));
    let missing = |name: &str| Refused::Unclear(name.to_owned());
    match reserve {
        Reserve::Fixed(amount) => Ok(*amount),
        Reserve::BytesOf(name) => {
            let text = arguments.and_then(|arguments| arguments.get_str(name));
            Ok(text.map_or(0, |text| text.len() as u64))
        }
        Reserve::Number(name) => match given(name) {
            Some(raw) => raw.get().parse().map_err(|_| missing(name)),
            None => at_most.ok_or_else(|| missing(name)),
        },
        Reserve::ItemsOf(name) => {
            let items = given(name).map(|raw| serde_json::from_str::<Value>(raw.get()));
            match items {
                Some(Ok(Value::Array(items))) => Ok(items.len() as u64),
                Some(Ok(Value::Null)) | None => Ok(0),
                Some(_) => Ok(1),
            }
        }
    }
}
