//! Goes through JSON text once and writes what is kept of it, without a tree: arguments may have megabytes, most of them contents
//! that are skipped.

use std::borrow::Cow;
use std::cell::OnceCell;
use std::fmt;

use serde::Deserialize as _;
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use crate::limits::{MAX_DEPTH, MAX_KEPT_BYTES, MAX_NAMES_BYTES};
use crate::redact::{Rule, cut, hidden, keep};

/// What is kept of JSON text, where `rule` tells by the name of a member how its value is; nothing where it is no JSON.
pub(crate) fn walk(text: &str, rule: &dyn Fn(&str) -> Rule) -> Option<String> {
    let rest = OnceCell::new();
    let mut out = Vec::with_capacity(text.len().min(MAX_KEPT_BYTES));
    let mut source = serde_json::Deserializer::from_str(text);
    let depth = 0;
    Walk { text, rule, rest: &rest, out: &mut out, depth, named: false }
        .deserialize(&mut source)
        .ok()?;
    source.end().ok()?;
    String::from_utf8(out).ok()
}

/// One value on its way to `out`.
struct Walk<'a> {
    text: &'a str,
    rule: &'a dyn Fn(&str) -> Rule,
    /// What stands for that for which there is no room.
    rest: &'a OnceCell<String>,
    out: &'a mut Vec<u8>,
    /// How many values it is within.
    depth: usize,
    /// It says what something is done to.
    named: bool,
}

impl Walk<'_> {
    /// The same for a value within.
    fn inner(&mut self, named: bool) -> Walk<'_> {
        let depth = self.depth + 1;
        Walk { text: self.text, rule: self.rule, rest: self.rest, out: self.out, depth, named }
    }

    fn is_full(&self, named: bool) -> bool {
        self.out.len() >= MAX_KEPT_BYTES + if named { MAX_NAMES_BYTES } else { 0 }
    }

    fn rest(&self) -> &str {
        self.rest.get_or_init(|| cut(self.text))
    }

    /// Writes a string, number, truth or null. Writing into memory has no way to fail.
    fn put<E: Error>(&mut self, value: impl serde::Serialize) -> Result<(), E> {
        serde_json::to_writer(&mut *self.out, &value).map_err(E::custom)
    }

    fn comma(&mut self, first: &mut bool) {
        if !std::mem::take(first) {
            self.out.push(b',');
        }
    }
}

impl<'de> DeserializeSeed<'de> for Walk<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(mut self, source: D) -> Result<(), D::Error> {
        if self.depth > MAX_DEPTH {
            let deep = <&RawValue>::deserialize(source)?;
            return self.put(cut(deep.get()));
        }
        source.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Walk<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_bool<E: Error>(mut self, value: bool) -> Result<(), E> {
        self.put(value)
    }

    fn visit_i64<E: Error>(mut self, value: i64) -> Result<(), E> {
        self.put(value)
    }

    fn visit_u64<E: Error>(mut self, value: u64) -> Result<(), E> {
        self.put(value)
    }

    fn visit_f64<E: Error>(mut self, value: f64) -> Result<(), E> {
        self.put(value)
    }

    fn visit_unit<E: Error>(mut self) -> Result<(), E> {
        self.put(())
    }

    fn visit_str<E: Error>(mut self, value: &str) -> Result<(), E> {
        let named = self.named;
        self.put(keep(value, named))
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut items: A) -> Result<(), A::Error> {
        self.out.push(b'[');
        let mut first = true;
        loop {
            if self.is_full(self.named) {
                if items.next_element::<IgnoredAny>()?.is_some() {
                    while items.next_element::<IgnoredAny>()?.is_some() {}
                    self.comma(&mut first);
                    let rest = self.rest().to_owned();
                    self.put(rest)?;
                }
                break;
            }
            // The comma goes before what is there, which is known only once it is written.
            let before = self.out.len();
            self.comma(&mut first);
            let named = self.named;
            if items.next_element_seed(self.inner(named))?.is_none() {
                self.out.truncate(before);
                break;
            }
        }
        self.out.push(b']');
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut members: A) -> Result<(), A::Error> {
        self.out.push(b'{');
        let mut first = true;
        let mut left_out = false;
        while let Some(name) = members.next_key_seed(Name)? {
            let rule = (self.rule)(&name);
            let named = rule == Rule::Name || (self.named && rule == Rule::Keep);
            if self.is_full(named) {
                members.next_value::<IgnoredAny>()?;
                left_out = true;
                continue;
            }
            self.comma(&mut first);
            // A name that is a secret, or long, is one that somebody put there to have it kept.
            if let Cow::Owned(kept) = keep(&name, false) {
                members.next_value::<IgnoredAny>()?;
                self.put(kept)?;
                self.out.extend(b":null");
                continue;
            }
            self.put(&name)?;
            self.out.push(b':');
            if rule == Rule::Hide {
                let value = members.next_value::<&RawValue>()?.get();
                let within = value.strip_prefix('"').and_then(|text| text.strip_suffix('"'));
                self.put(hidden(within.unwrap_or(value).len(), None))?;
            } else {
                members.next_value_seed(self.inner(named))?;
            }
        }
        if left_out {
            self.comma(&mut first);
            let rest = self.rest().to_owned();
            self.put(rest)?;
            self.out.extend(b":null");
        }
        self.out.push(b'}');
        Ok(())
    }
}

/// The name of a member, with its escapes read.
struct Name;

impl<'de> DeserializeSeed<'de> for Name {
    type Value = Cow<'de, str>;

    fn deserialize<D: Deserializer<'de>>(self, source: D) -> Result<Self::Value, D::Error> {
        source.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for Name {
    type Value = Cow<'de, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a member")
    }

    fn visit_borrowed_str<E>(self, name: &'de str) -> Result<Self::Value, E> {
        Ok(Cow::Borrowed(name))
    }

    fn visit_str<E>(self, name: &str) -> Result<Self::Value, E> {
        Ok(Cow::Owned(name.to_owned()))
    }
}
