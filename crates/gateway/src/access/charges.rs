//! What a call may use of the budgets.

use capfile::{Budget, Reserve, Spend};
use licence::Terms;
use mcp_wire::Object;
use quota::{Account, Charge};
use serde_json::Value;

use crate::access::Refused;
use crate::identity::Identity;

/// The argument that names a language model.
const MODEL: &str = "model";

/// What a call may use, of the budget of its client and of that of everybody together.
pub(super) fn charges(
    terms: &Terms,
    identity: &Identity,
    spends: &[Spend],
    arguments: Option<&str>,
) -> Result<Vec<Charge>, Refused> {
    let arguments = arguments.and_then(|text| Object::parse(text).ok());
    let mut charges = Vec::new();
    for Spend { budget, reserve, .. } in spends {
        let budget = *budget;
        let tokens = budget == Budget::LlmTokens;
        if tokens {
            may_use_model(terms, arguments.as_ref())?;
        }
        let at_most = terms.llm_tokens_per_request.filter(|_| tokens);
        let amount = amount(reserve, arguments.as_ref(), at_most)?;
        if let Some(at_most) = at_most.filter(|most| amount > *most) {
            return Err(Refused::TooMuch { budget, at_most });
        }
        let limit = identity.client().budgets.get(&budget).copied();
        let account = Account::Client(identity.name().clone());
        charges.push(Charge { account, budget, amount, limit });
        let limit = terms.llm_tokens_per_day.filter(|_| tokens);
        charges.push(Charge { account: Account::Appliance, budget, amount, limit });
    }
    Ok(charges)
}

/// Whether the licence has the language model that is asked for. Where it has not all, a call must name one.
fn may_use_model(terms: &Terms, arguments: Option<&Object<'_>>) -> Result<(), Refused> {
    let model = arguments.and_then(|arguments| arguments.get_str(MODEL));
    match model {
        Some(model) if terms.allows_model(&model) => Ok(()),
        None if terms.allows_every_model() => Ok(()),
        None if terms.llm_access => Err(Refused::Unclear(MODEL.to_owned())),
        _ => Err(Refused::NotPermitted { rule: format!("licence:{}", terms.tier).into() }),
    }
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
