//! When two texts of arguments are the same call: against a second, simpler way to tell, and one that is wrong.

#![expect(clippy::unwrap_used, reason = "what is missing fails the test")]

use std::sync::Arc;
use std::time::Duration;

use approvals::{Asked, Inbox, pretty};
use proptest::prelude::*;
use proptest::sample::{Index, subsequence};
use serde_json::Value;

/// A value whose numbers are text.
#[derive(Debug, Clone, PartialEq)]
enum Json {
    Word(&'static str),
    Number(String),
    Text(String),
    List(Vec<Json>),
    Object(Vec<(String, Json)>),
}

impl Json {
    /// Its text; `noise` decides on spaces, escapes and the order of members.
    fn text(&self, noise: u64) -> String {
        let space = ["", " ", "\n\t"][usize::try_from(noise % 3).unwrap()];
        let next = noise.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1) >> 1;
        match self {
            Self::Word(word) => format!("{space}{word}"),
            Self::Number(digits) => format!("{digits}{space}"),
            Self::Text(text) => string(text, noise),
            Self::List(items) => {
                let items: Vec<_> = items.iter().map(|item| item.text(next)).collect();
                format!("[{space}{}]", items.join(","))
            }
            Self::Object(members) => {
                let member = |(name, value): &(String, Self)| {
                    format!("{}{space}:{}", string(name, noise), value.text(next))
                };
                let mut members: Vec<_> = members.iter().map(member).collect();
                let turn = usize::try_from(noise).unwrap_or(0) % members.len().max(1);
                members.rotate_left(turn);
                format!("{{{}{space}}}", members.join(&format!("{space},")))
            }
        }
    }

    /// The same with its members in order.
    fn sorted(&self) -> Self {
        match self {
            Self::List(items) => Self::List(items.iter().map(Self::sorted).collect()),
            Self::Object(members) => {
                let member = |(name, value): &(String, Self)| (name.clone(), value.sorted());
                let mut members: Vec<_> = members.iter().map(member).collect();
                members.sort_by(|one, other| one.0.cmp(&other.0));
                Self::Object(members)
            }
            other => other.clone(),
        }
    }
}

/// A string, with escapes where there need be none.
fn string(text: &str, noise: u64) -> String {
    if noise.is_multiple_of(2) {
        return serde_json::to_string(text).unwrap();
    }
    let units = text.encode_utf16().map(|unit| format!("\\u{unit:04X}"));
    format!("\"{}\"", units.collect::<String>())
}

fn json() -> impl Strategy<Value = Json> {
    let leaf = prop_oneof![
        prop::sample::select(vec!["true", "false", "null"]).prop_map(Json::Word),
        "-?(0|[1-9][0-9]{0,30})(\\.[0-9]{1,3})?(e[0-9])?".prop_map(Json::Number),
        "[ab\\\\\"é/\u{1F600}]{0,3}".prop_map(Json::Text),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        let members = prop::collection::btree_map("[abé]{0,2}", inner.clone(), 0..4);
        prop_oneof![
            prop::collection::vec(inner, 0..4).prop_map(Json::List),
            members.prop_map(|members| Json::Object(members.into_iter().collect())),
        ]
    })
}

fn object() -> impl Strategy<Value = Json> {
    let members = prop::collection::btree_map("[abé]{0,2}", json(), 1..4);
    members.prop_map(|members| Json::Object(members.into_iter().collect()))
}

/// Whether the inbox takes both for one call.
fn same(one: &str, other: &str) -> bool {
    let folder = tempfile::tempdir().unwrap();
    let clock = Arc::new(|| Duration::from_secs(1));
    let inbox = Inbox::open(&folder.path().join("approvals.db"), clock).unwrap();
    let ask = |arguments: &str| {
        let asked = Asked { arguments: arguments.to_owned(), ..Asked::default() };
        inbox.ask(asked).unwrap().id
    };
    ask(one) == ask(other)
}

/// As one would write it who reads JSON into the usual numbers.
fn naively_same(one: &str, other: &str) -> bool {
    let read = |text: &str| {
        let mut value: Value = serde_json::from_str(text).unwrap();
        value.sort_all_objects();
        value
    };
    read(one) == read(other)
}

/// Changes one thing somewhere.
fn changed(value: &Json, at: Index) -> Json {
    match value {
        Json::Word("true") => Json::Word("false"),
        Json::Word(_) => Json::Word("true"),
        Json::Number(digits) => Json::Number(format!("1{}", digits.trim_start_matches('-'))),
        Json::Text(text) => Json::Text(format!("{text}a")),
        Json::List(items) if items.is_empty() => Json::List(vec![Json::Word("null")]),
        Json::List(items) => {
            let mut items = items.clone();
            let one = at.index(items.len());
            items[one] = changed(&items[one], at);
            Json::List(items)
        }
        Json::Object(members) if members.is_empty() => {
            Json::Object(vec![(String::new(), Json::Word("null"))])
        }
        Json::Object(members) => {
            let mut members = members.clone();
            let one = at.index(members.len());
            members[one].1 = changed(&members[one].1, at);
            Json::Object(members)
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn neither_order_nor_spaces_nor_escapes_make_another_call(value in object(), noise: [u64; 2]) {
        let [one, other] = noise.map(|noise| value.text(noise));
        prop_assert!(same(&one, &other), "{one} {other}");
        prop_assert!(same(&one, &pretty(&other).unwrap()), "{one} {other}");
    }

    #[test]
    fn whatever_else_is_changed_makes_another_call(
        value in object(),
        noise: [u64; 2],
        at: Index,
    ) {
        let other = changed(&value, at);
        prop_assert_ne!(value.sorted(), other.sorted());
        let (one, other) = (value.text(noise[0]), other.text(noise[1]));
        prop_assert!(!same(&one, &other), "{one} {other}");
    }

    #[test]
    fn a_list_in_another_order_is_another_call(items in subsequence(vec![1, 2, 3, 4, 5], 2..=5)) {
        let other: Vec<_> = items.iter().rev().collect();
        let text = |items: Value| serde_json::json!({ "a": items }).to_string();
        prop_assert!(!same(&text(items.clone().into()), &text(serde_json::json!(other))));
    }
}

#[test]
fn numbers_are_not_rounded_together_as_a_naive_comparison_does() {
    let account = |number: &str| format!(r#"{{"account":{number}}}"#);
    let one = account("12345678901234567890123");
    for other in
        ["12345678901234567890124", "12345678901234567890123.0", "1.2345678901234567890123e22"]
    {
        let other = account(other);
        assert!(naively_same(&one, &other), "the control must be wrong here");
        assert!(!same(&one, &other), "{other}");
    }
}

#[test]
fn what_a_person_reads_has_every_digit_and_the_order_of_the_client() {
    let text = r#"{"b":[1.50,{"z":12345678901234567890123}],"a":{},"c":[],"d":"\u00e9"}"#;
    let expected = "{\n  \"b\": [\n    1.50,\n    {\n      \"z\": 12345678901234567890123\n    }\n  ],\n  \"a\": {},\n  \"c\": [],\n  \"d\": \"é\"\n}";
    assert_eq!(pretty(text).unwrap(), expected);
}
