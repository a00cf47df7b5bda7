//! What a call may use of the budgets.

use capfile::{Budget, Reserve, Spend};
use licence::Terms;
use mcp_wire::{Object, ObjectError};
use quota::{Account, Charge};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::access::Refused;
use crate::identity::Identity;

/// The argument that names a language model.
const MODEL: &str = "model";

/// The arguments of a call, or why they are not read. Of a member that stands twice a server may take the other one, so it tells
/// nothing of what the call may use.
type Arguments<'a> = Option<Result<Object<'a>, ObjectError>>;

/// What a call may use, of the budget of its client and of that of everybody together.
pub(super) fn charges(
    terms: &Terms,
    identity: &Identity,
    spends: &[Spend],
    arguments: Option<&str>,
) -> Result<Vec<Charge>, Refused> {
    let arguments = arguments.filter(|text| *text != "null").map(Object::parse);
    let mut charges = Vec::new();
    for Spend { budget, reserve, .. } in spends {
        let budget = *budget;
        let tokens = budget == Budget::LlmTokens;
        if tokens {
            may_use_model(terms, &arguments)?;
        }
        let at_most = terms.llm_tokens_per_request.filter(|_| tokens);
        let amount = amount(reserve, &arguments, at_most)?;
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
fn may_use_model(terms: &Terms, arguments: &Arguments<'_>) -> Result<(), Refused> {
    let model = read(arguments).and_then(|arguments| arguments.get_str(MODEL));
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
    arguments: &Arguments<'_>,
    at_most: Option<u64>,
) -> Result<u64, Refused> {
    match reserve {
        Reserve::Fixed(amount) => Ok(*amount),
        Reserve::BytesOf(name) => Ok(given(arguments, name)?.map_or(0, |raw| {
            let text = read(arguments).and_then(|arguments| arguments.get_str(name));
            // What is none, or cannot be read here, a server may read all the same: it has no more than it is written with.
            text.map_or(raw.get().len(), |text| text.len()) as u64
        })),
        Reserve::Number(name) => match given(arguments, name)? {
            Some(raw) => raw.get().parse().map_err(|_| missing(name)),
            None => at_most.ok_or_else(|| missing(name)),
        },
        Reserve::ItemsOf(name) => Ok(given(arguments, name)?.map_or(0, items)),
    }
}

/// The arguments, if there are some that can be read.
fn read<'a, 'b>(arguments: &'b Arguments<'a>) -> Option<&'b Object<'a>> {
    arguments.as_ref()?.as_ref().ok()
}

/// An argument, if it is there.
fn given<'a>(arguments: &Arguments<'a>, name: &str) -> Result<Option<&'a RawValue>, Refused> {
    match arguments {
        None => Ok(None),
        Some(Ok(arguments)) => Ok(arguments.get(name).filter(|raw| raw.get() != "null")),
        Some(Err(_)) => Err(missing(name)),
    }
}

fn missing(name: &str) -> Refused {
    Refused::Unclear(name.to_owned())
}

/// The items of a list; all else is one.
fn items(raw: &RawValue) -> u64 {
    match serde_json::from_str(raw.get()) {
        Ok(Value::Array(items)) => items.len() as u64,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use licence::{Licence, Tiers};

    use super::*;

    /// What a call with these arguments has reserved, if it may be made.
    fn reserved(reserve: Reserve, arguments: Option<&str>) -> Result<u64, Refused> {
        let terms = Terms::of(&Licence::Missing, &Tiers::default(), jiff::Timestamp::UNIX_EPOCH);
        let spends = [Spend { budget: Budget::MailsSent, reserve, used: None }];
        let charges = charges(&terms, &Identity::local(), &spends, arguments)?;
        Ok(charges.first().unwrap().amount)
    }

    #[test]
    fn what_a_call_may_use_is_read_of_its_arguments() {
        let bytes = |arguments| reserved(Reserve::BytesOf("a".to_owned()), arguments);
        let items = |arguments| reserved(Reserve::ItemsOf("a".to_owned()), arguments);
        for (arguments, of_bytes, of_items) in [
            (None, 0, 0),
            (Some("null"), 0, 0),
            (Some("{}"), 0, 0),
            (Some(r#"{"a":null}"#), 0, 0),
            (Some(r#"{"a":"xyz"}"#), 3, 1),
            (Some(r#"{"\u0061":"\u0061\u00e9"}"#), 3, 1),
            (Some(r#"{"a":["x","y"]}"#), 9, 2),
            (Some(r#"{"a":12}"#), 2, 1),
        ] {
            assert_eq!(bytes(arguments), Ok(of_bytes), "{arguments:?}");
            assert_eq!(items(arguments), Ok(of_items), "{arguments:?}");
        }
        // No text for us, and one of three bytes for who is less strict.
        assert_eq!(bytes(Some(r#"{"a":"\ud800"}"#)), Ok(8));
    }

    #[test]
    fn what_servers_may_read_otherwise_is_not_called() {
        let reserves = ["a", "b"].map(str::to_owned).into_iter().flat_map(|name| {
            [Reserve::BytesOf(name.clone()), Reserve::ItemsOf(name.clone()), Reserve::Number(name)]
        });
        for reserve in reserves {
            for arguments in [r#"{"a":"","a":"xyz"}"#, r#"{"a":1,"\u0061":2}"#, r#"["x"]"#, "1"] {
                let refused = reserved(reserve.clone(), Some(arguments));
                assert!(matches!(refused, Err(Refused::Unclear(_))), "{arguments}: {refused:?}");
            }
        }
        // What depends on no argument can be known.
        assert_eq!(reserved(Reserve::Fixed(7), Some(r#"["x"]"#)), Ok(7));
    }
}
