//! Licences and tiers files that say something unusual.

#![expect(clippy::unwrap_used, reason = "what is missing fails the test")]

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use licence::{Grant, Licence, Limits, Remaining, Standing, Terms, Tiers, issue};
use serde_json::{Value, json};
use signing::SigningKey;

fn now() -> Timestamp {
    "2026-06-01T12:00:00Z".parse().unwrap()
}

fn grant() -> Grant {
    Grant {
        tier: "ELITE".to_owned(),
        holder: "Anna".to_owned(),
        issued_at: "2026-01-01T00:00:00Z".parse().unwrap(),
        expires_at: None,
        limits: Limits::default(),
        capabilities: None,
        llm_models: None,
    }
}

/// What a grant is worth, signed by an issuer who is believed, where the tiers file says this.
fn worth(grant: &Grant, tiers: &str) -> Terms {
    let key = SigningKey::generate().unwrap();
    let text = issue(grant, &key).unwrap();
    let licence = Licence::read("lic.key", &text, &[key.public()]).unwrap();
    let terms = Terms::of(&licence, &Tiers::parse("tiers.yaml", tiers).unwrap(), now());
    assert_eq!(terms.standing, Standing::Good);
    terms
}

#[test]
fn a_signed_licence_may_be_json_in_any_order() {
    let key = SigningKey::generate().unwrap();
    let text = issue(&grant(), &key).unwrap();
    let members: Value = settings::parse("lic.key", &text).unwrap();
    for order in [["licence", "signature", "issuer"], ["issuer", "signature", "licence"]] {
        let members: Vec<_> =
            order.iter().map(|name| format!("{}:{}", json!(name), members[*name])).collect();
        let json = format!("{{{}}}", members.join(","));
        let licence = Licence::read("lic.key", &json, &[key.public()]).unwrap();
        assert!(matches!(licence, Licence::Signed { .. }), "{json}");
        let half = json.strip_suffix('}').unwrap();
        assert!(Licence::read("lic.key", half, &[key.public()]).is_err(), "{half}");
    }
}

#[test]
fn an_old_licence_may_have_members_of_its_own() {
    let text = "tier: PRO\nuser_id: anna\nnotes:\n  signature: none\n  licence: mine\n";
    let licence = Licence::read("lic.key", text, &[]).unwrap();
    assert!(matches!(&licence, Licence::Old { holder, .. } if holder == "anna"), "{licence:?}");
}

#[test]
fn a_window_alone_makes_no_limit_and_a_limit_alone_has_the_window_of_the_tier() {
    let unlimited = "ELITE: {rate_limit_requests: 0, rate_limit_window_seconds: 60}";
    let mut own = grant();
    own.limits.window_seconds = Some(10);
    assert_eq!(worth(&own, unlimited).rate, None);
    own.limits = Limits { requests: Some(5), ..Limits::default() };
    let (requests, window) = worth(&own, unlimited).rate.unwrap();
    assert_eq!((requests.get(), window.as_secs()), (5, 60));
}

#[test]
fn a_licence_for_all_models_has_those_of_its_tier() {
    let some = "ELITE: {allowed_llm_models: [small, large]}";
    let mut own = grant();
    for (models, expected) in [
        (vec!["*"], vec!["small", "large"]),
        (vec!["large", "other"], vec!["large"]),
        (vec!["other"], vec![]),
    ] {
        own.llm_models = Some(models.iter().map(ToString::to_string).collect());
        assert_eq!(worth(&own, some).llm_models, expected, "{models:?}");
    }
    own.llm_models = Some(vec!["other".to_owned()]);
    assert_eq!(worth(&own, "").llm_models, ["other"]);
}

#[test]
fn a_tier_that_is_there_twice_is_refused_whatever_its_case() {
    for text in [
        "FREE:\n  rate_limit_requests: 1\nfree:\n  rate_limit_requests: 9\n",
        "tiers:\n  pro: {rate_limit_requests: 1}\n  Pro: {rate_limit_requests: 9}\n",
    ] {
        let error = Tiers::parse("tiers.yaml", text).unwrap_err().to_string();
        assert!(error.contains("`tiers.yaml` at line 3") && error.contains("twice"), "{error}");
    }
}

#[test]
fn a_window_of_less_than_a_minute_is_told_in_seconds() {
    for (window, expected) in [(3600, "100/60min"), (90, "100/90s"), (30, "100/30s")] {
        let tiers = format!("FREE: {{rate_limit_window_seconds: {window}}}");
        let tiers = Tiers::parse("tiers.yaml", &tiers).unwrap();
        let terms = Terms::of(&Licence::Missing, &tiers, now());
        let result = terms.check_result(std::iter::empty(), Remaining::default());
        assert_eq!(result["quotas"]["api_requests_limit"], expected);
    }
}

#[test]
fn what_an_issuer_who_is_believed_says_in_a_later_form_is_not_called_a_forgery() {
    let key = SigningKey::generate().unwrap();
    let mut text = serde_json::to_value(grant()).unwrap();
    text["seats"] = json!(3);
    let text = text.to_string();
    let signature = key.sign(&[b"llmbasedos licence 1\0".as_slice(), text.as_bytes()].concat());
    let file = format!(
        "licence: {}\nsignature: {}\nissuer: {}\n",
        STANDARD.encode(text),
        STANDARD.encode(signature),
        key.public()
    );
    let error = Licence::read("lic.key", &file, &[key.public()]).unwrap_err().to_string();
    assert!(error.contains("`lic.key`") && error.contains("seats"), "{error}");
    let stranger = Licence::read("lic.key", &file, &[]).unwrap();
    assert!(matches!(stranger, Licence::Forged { .. }), "{stranger:?}");
}

#[test]
fn the_note_tells_of_a_date_that_is_none() {
    let note = |text: &str| {
        let licence = Licence::read("lic.key", text, &[]).unwrap();
        Terms::of(&licence, &Tiers::default(), now()).note()
    };
    assert!(note("tier: PRO\nexpires_at: next year\n").contains("no date"));
    assert!(!note("tier: PRO\nexpires_at: 2027-01-01\n").contains("no date"));
    assert!(!note("tier: PRO\n").contains("no date"));
}

#[test]
fn each_note_of_what_is_not_good_tells_what_to_do() {
    let key = SigningKey::generate().unwrap();
    let forged = issue(&grant(), &key).unwrap();
    for text in ["tier: GOLD", "tier: PRO\nexpires_at: 2020-01-01", "hello", "tier: PRO", &forged] {
        let licence = Licence::read("lic.key", text, &[]).unwrap();
        let note = Terms::of(&licence, &Tiers::default(), now()).note();
        assert!(note.contains("`llmbasedos licence "), "{text}: {note}");
    }
}
