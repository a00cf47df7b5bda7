//! The forms of a licence from before, which nobody has signed.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use serde_json::Value;

use crate::FREE;
use crate::document::Licence;

/// What errors would call a licence here, where they are never shown.
const FILE: &str = "lic.key";
/// Whose a licence is that does not say it.
const NOBODY: &str = "anonymous";
/// The members that only a signed licence has.
const SIGNED: [&str; 2] = ["licence", "signature"];

/// Whether a text is meant to be a signed licence: what is wrong with it is then an error, and not an old form.
pub(crate) fn is_signed_form(text: &str) -> bool {
    match settings::parse(FILE, text) {
        Ok(Value::Object(members)) => SIGNED.iter().any(|member| members.contains_key(*member)),
        Ok(_) => false,
        // It is not whole, and its members are seen by how they begin.
        Err(_) => {
            let begins = |part: &str, member: &str| {
                let part = part.trim_start_matches([' ', '"', '\'']);
                part.strip_prefix(member)
                    .is_some_and(|rest| rest.trim_start_matches(['"', '\'', ' ']).starts_with(':'))
            };
            let mut parts = text.split(['\n', '{', ',']);
            parts.any(|part| SIGNED.iter().any(|member| begins(part, member)))
        }
    }
}

/// Reads a licence of a form from before: a mapping in YAML or JSON, or `TIER:user:YYYY-MM-DD` in one line.
pub(crate) fn read(text: &str, key_id: String) -> Licence {
    let value: Value = settings::parse(FILE, text).unwrap_or_default();
    match value {
        Value::Object(members) => {
            let word = |name| members.get(name).and_then(as_text);
            let end = word("expires_at").map(|text| time(&text));
            Licence::Old {
                tier: word("tier").unwrap_or_else(|| FREE.to_owned()).to_uppercase(),
                holder: word("user_id").unwrap_or_else(|| NOBODY.to_owned()),
                expires_at: end.flatten(),
                end_is_no_date: end == Some(None),
                key_id,
            }
        }
        Value::String(line) => one_line(&line, key_id),
        _ => one_line(text.trim(), key_id),
    }
}

/// Numbers are texts to whoever has written them.
fn as_text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

fn one_line(line: &str, key_id: String) -> Licence {
    let mut parts = line.split(':');
    let (Some(tier), Some(holder), Some(day), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Licence::Unclear { key_id };
    };
    let word = |text: &str| !text.is_empty() && !text.contains(char::is_whitespace);
    let Some(expires_at) = time(day.trim()).filter(|_| word(tier) && word(holder)) else {
        return Licence::Unclear { key_id };
    };
    let (tier, holder) = (tier.to_uppercase(), holder.to_owned());
    Licence::Old { tier, holder, expires_at: Some(expires_at), end_is_no_date: false, key_id }
}

/// A time of ISO 8601; without a zone it is in UTC, and a day ends where it begins, as Python has it. `None`: it is none, and
/// then there is no end.
fn time(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    if let Ok(time) = text.parse::<Timestamp>() {
        return Some(time);
    }
    let of_day = |date: Date| date.to_datetime(jiff::civil::Time::midnight());
    let civil = text.parse::<DateTime>().ok().or_else(|| text.parse::<Date>().ok().map(of_day))?;
    civil.to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp())
}
