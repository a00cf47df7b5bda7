//! The desk at which every call is decided, counted and recorded.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use capfile::{Budget, Pattern, Reserve, Spend};
use mcp_wire::{Object, RpcError, code};
use quota::{Account, Charge, Quota, Rate, Reservation, Who};
use serde_json::Value;

use crate::access::{Live, PairRefused, Refused, Rules, Stranger};
use crate::identity::{Identity, Penalties};
use crate::mcp::Door;
use crate::mcp::forward::NOTHING_DONE;
use crate::registry::Declared;

/// What decides.
pub(crate) struct Access {
    live: Arc<Live>,
    quota: Arc<Quota>,
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

/// How a call has ended.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Ended<'a> {
    /// With a reply of MCP that has a result.
    Answered(&'a [u8]),
    /// With a result of the legacy dialect.
    Result(&'a str),
    /// Without one, and with this code; what it has done nobody knows.
    Failed(i64),
    /// With this code, before anything was done.
    NotMade(i64),
}

/// A call that may be made.
#[must_use = "a call that has ended must be settled"]
pub(crate) struct Pass {
    reserved: Option<Reservation>,
    spends: Vec<Spend>,
}

impl Access {
    pub(crate) fn new(
        live: Arc<Live>,
        quota: Arc<Quota>,
        tool_rates: Vec<(Pattern, Rate)>,
    ) -> Self {
        Self { live, quota, tool_rates, penalties: Penalties::default() }
    }

    /// The files that say who may do what.
    pub(crate) fn live(&self) -> &Arc<Live> {
        &self.live
    }

    /// The rates and budgets.
    pub(crate) fn quota(&self) -> &Arc<Quota> {
        &self.quota
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
        Err(Stranger { penalty: penalty.err() })
    }

    /// The client and the new key of a pairing code that came from `address`. `None`: no client waits with it.
    pub(crate) fn pair(
        &self,
        code: &str,
        address: IpAddr,
    ) -> Result<(Arc<str>, String), PairRefused> {
        let now = Instant::now();
        self.penalties.look(address, now).map_err(PairRefused::Penalty)?;
        match self.live.pair(code) {
            Ok(Some(paired)) => Ok(paired),
            Ok(None) => Err(match self.penalties.wrong(address, now) {
                Ok(()) => PairRefused::Wrong,
                Err(penalty) => PairRefused::Penalty(penalty),
            }),
            Err(error) => {
                tracing::error!(%error, "no key could be given out");
                Err(PairRefused::Broken)
            }
        }
    }

    /// Counts a request of somebody's.
    pub(crate) fn admit(&self, identity: &Identity) -> Result<(), Refused> {
        let rules = self.live.rules();
        let Some(rate) = rate_of(identity, &rules) else { return Ok(()) };
        let who = Who { client: identity.name().clone(), tool: None };
        self.quota.take(&who, rate).map_err(|error| Refused::TooSoon(error.after))
    }

    /// Whether somebody may call this at all, whatever they have used up.
    pub(crate) fn may_call(&self, identity: &Identity, declared: &Declared) -> bool {
        identity.may_call(&declared.name) && self.live.rules().terms.may_call(&declared.name)
    }

    /// Decides on a call.
    pub(crate) async fn begin(&self, door: &Door<'_>, action: Action<'_>) -> Result<Pass, Refused> {
        let Action { declared, arguments } = action;
        if !self.may_call(door.client, declared) {
            return Err(Refused::NotPermitted);
        }
        let name = &declared.name;
        let of_tool = self.tool_rates.iter().find(|(pattern, _)| pattern.matches(name));
        if let Some((_, rate)) = of_tool {
            let who = Who { client: door.client.name().clone(), tool: Some(name.clone()) };
            self.quota.take(&who, *rate).map_err(|error| Refused::TooSoon(error.after))?;
        }
        let reserved = self.reserve(door.client, declared, arguments)?;
        Ok(Pass { reserved, spends: declared.spends.clone() })
    }

    fn reserve(
        &self,
        identity: &Identity,
        declared: &Declared,
        arguments: Option<&str>,
    ) -> Result<Option<Reservation>, Refused> {
        if declared.spends.is_empty() {
            return Ok(None);
        }
        let rules = self.live.rules();
        let arguments = arguments.and_then(|text| Object::parse(text).ok());
        let mut charges = Vec::new();
        for Spend { budget, reserve, .. } in &declared.spends {
            let (budget, at_most) = (*budget, rules.terms.at_most(*budget));
            let amount = amount(reserve, arguments.as_ref(), at_most)?;
            if at_most.is_some_and(|most| amount > most) {
                return Err(Refused::TooMuch { budget, at_most: at_most.unwrap_or(0) });
            }
            let own = identity.client().budgets.get(&budget).copied();
            let account = Account::Client(identity.name().clone());
            charges.push(Charge { account, budget, amount, limit: own });
            let (account, limit) = (Account::Appliance, rules.terms.per_day(budget));
            charges.push(Charge { account, budget, amount, limit });
        }
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
}

/// How often somebody may ask: as the licence says, and no more often than they may by themselves.
fn rate_of(identity: &Identity, rules: &Rules) -> Option<Rate> {
    let own = identity.client().rate.map(|rate| Rate {
        requests: rate.requests,
        window: Duration::from_secs(rate.window_seconds.get().into()),
    });
    own.or(rules.terms.rate)
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

impl Pass {
    /// Ends a call. One that is dropped without this was given up, and has used all that it had reserved.
    pub(crate) fn end(self, ended: Ended<'_>) {
        let Some(reserved) = self.reserved else { return };
        match ended {
            Ended::NotMade(_) => told(reserved.cancel()),
            Ended::Failed(_) => drop(reserved),
            Ended::Answered(reply) => {
                settle(reserved, &self.spends, "/result/structuredContent", reply)
            }
            Ended::Result(result) => settle(reserved, &self.spends, "", result.as_bytes()),
        }
    }
}

impl<'a> Ended<'a> {
    /// A call without an answer.
    pub(crate) fn failed(error: &RpcError) -> Self {
        let nothing_done = error.data.as_ref().and_then(|data| data.get(NOTHING_DONE));
        let code = error.code.into();
        if nothing_done == Some(&Value::Bool(true)) {
            Self::NotMade(code)
        } else {
            Self::Failed(code)
        }
    }

    /// A call to which the server has answered with an error of JSON-RPC.
    pub(crate) fn refused_by_server(code: i64) -> Self {
        let not_made = [code::INVALID_PARAMS, code::METHOD_NOT_FOUND].map(i64::from);
        if not_made.contains(&code) { Self::NotMade(code) } else { Self::Failed(code) }
    }
}

/// Gives back what was not used, as the result says, which is in a text at `place`.
fn settle(reserved: Reservation, spends: &[Spend], place: &str, text: &[u8]) {
    let whole: Value = serde_json::from_slice(text).unwrap_or_default();
    let result = whole.pointer(place);
    let used = spends.iter().filter_map(|spend| {
        let found = result?.pointer(spend.used.as_deref()?)?;
        Some((spend.budget, found.as_u64()?))
    });
    let used: Vec<(Budget, u64)> = used.collect();
    told(reserved.settle(&used));
}

fn told(settled: Result<(), store::rusqlite::Error>) {
    if let Err(error) = settled {
        tracing::error!(%error, "a budget could not be settled: what was reserved stays spent");
    }
}
