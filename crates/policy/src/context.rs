//! What a call tells policies beside who, what and on what.

use cedar_policy::{Context, RestrictedExpression};
use jiff::Timestamp;
use serde_json::{Map, Value};

use crate::cell::Still;
use crate::method::Method;
use crate::question::Moment;
use crate::rule::Looks;
use crate::types;

/// Why there is no context: the argument that is not of its type, or nothing that has a name.
pub(crate) type Refused = Option<String>;

/// What a context is made of.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Facts {
    pub(crate) moment: Moment,
    pub(crate) still: Still,
}

/// The context of a call: as much of it as is looked at.
pub(crate) fn of_call(
    facts: Facts,
    arguments: Option<(&Method, &Map<String, Value>)>,
    looks: Looks,
) -> Result<Context, Refused> {
    let mut pairs = Vec::with_capacity(6);
    if let Some((method, arguments)) = arguments {
        let values = types::record(&method.fields, arguments).map_err(Some)?;
        let values = RestrictedExpression::new_record(values).map_err(|_| None)?;
        pairs.push(("arguments".to_owned(), values));
    }
    if looks.clock {
        let Moment { hour, weekday, .. } = facts.moment;
        pairs.push(("hour".to_owned(), RestrictedExpression::new_long(hour.into())));
        pairs.push(("weekday".to_owned(), RestrictedExpression::new_long(weekday.into())));
    }
    if looks.now {
        let now = Timestamp::from_millisecond(facts.moment.timestamp).map_err(|_| None)?;
        let now = now.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string();
        pairs.push(("now".to_owned(), RestrictedExpression::new_datetime(now)));
    }
    pairs.extend(conversation(facts.still, looks));
    Context::from_pairs(pairs).map_err(|_| None)
}

/// The context of every call of a conversation.
pub(crate) fn of_conversation(still: Still, looks: Looks) -> Option<Context> {
    Context::from_pairs(conversation(still, looks)).ok()
}

fn conversation(still: Still, looks: Looks) -> Vec<(String, RestrictedExpression)> {
    let text = |text: &str| RestrictedExpression::new_string(text.to_owned());
    let mut pairs = Vec::with_capacity(2);
    if looks.untrusted {
        let sources = still.untrusted.iter().map(|source| text(source.name()));
        pairs.push(("untrusted".to_owned(), RestrictedExpression::new_set(sources)));
    }
    if looks.origin {
        pairs.push(("origin".to_owned(), text(still.origin.as_str())));
    }
    pairs
}
