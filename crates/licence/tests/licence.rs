//! What each form of licence and tiers file grants.

#![expect(clippy::unwrap_used, reason = "what is missing fails the test")]

use jiff::Timestamp;
use licence::{Grant, Licence, Limits, Remaining, Standing, Terms, Tiers, issue};
use signing::{PublicKey, SigningKey};

const NOW: &str = "2026-06-01T12:00:00Z";

fn now() -> Timestamp {
    NOW.parse().unwrap()
}

fn terms_of(text: &str, issuers: &[PublicKey], tiers: &Tiers) -> Terms {
    let licence = Licence::read("lic.key", text, issuers).unwrap();
    Terms::of(&licence, tiers, now())
}

fn old(text: &str) -> (String, Standing, String, Option<String>) {
    let terms = terms_of(text, &[], &Tiers::default());
    let end = terms.expires_at.map(|end| end.to_string());
    (terms.tier, terms.standing, terms.holder, end)
}

fn grant() -> Grant {
    Grant {
        tier: "elite".to_owned(),
        holder: "Anna".to_owned(),
        issued_at: "2026-01-01T00:00:00Z".parse().unwrap(),
        expires_at: None,
        limits: Limits::default(),
        capabilities: None,
        llm_models: None,
    }
}

#[test]
fn every_old_form_loads_and_grants_free_at_the_most() {
    let free = |standing, holder: &str, end: Option<&str>| {
        ("FREE".to_owned(), standing, holder.to_owned(), end.map(ToOwned::to_owned))
    };
    let soon = Some("2027-01-01T00:00:00Z");
    let over = Some("2026-01-01T00:00:00Z");
    for (text, expected) in [
        // Mappings in YAML and JSON.
        ("tier: ELITE\nuser_id: anna\n", free(Standing::Unsigned, "anna", None)),
        ("tier: elite", free(Standing::Unsigned, "anonymous", None)),
        (r#"{"tier":"PRO","user_id":"anna"}"#, free(Standing::Unsigned, "anna", None)),
        ("user_id: anna", free(Standing::Unsigned, "anna", None)),
        ("tier: PRO\nuser_id: 7", free(Standing::Unsigned, "7", None)),
        // Ends: with a zone, without one, a day, and a bad one, which is passed over.
        (
            "tier: PRO\nexpires_at: 2027-01-01T00:00:00Z",
            free(Standing::Unsigned, "anonymous", soon),
        ),
        (
            "tier: PRO\nexpires_at: '2027-01-01T01:00:00+01:00'",
            free(Standing::Unsigned, "anonymous", soon),
        ),
        ("tier: PRO\nexpires_at: 2027-01-01T00:00:00", free(Standing::Unsigned, "anonymous", soon)),
        ("tier: PRO\nexpires_at: 2027-01-01", free(Standing::Unsigned, "anonymous", soon)),
        ("tier: PRO\nexpires_at: next year", free(Standing::Unsigned, "anonymous", None)),
        ("tier: PRO\nexpires_at: 2026-01-01", free(Standing::Expired, "anonymous", over)),
        ("tier: GOLD\nuser_id: anna", free(Standing::UnknownTier, "anna", None)),
        // One line.
        ("PRO:anna:2027-01-01", free(Standing::Unsigned, "anna", soon)),
        ("pro:anna:2027-01-01\n", free(Standing::Unsigned, "anna", soon)),
        ("ELITE:anna:2026-01-01", free(Standing::Expired, "anna", over)),
        ("GOLD:anna:2027-01-01", free(Standing::UnknownTier, "anna", soon)),
        ("ELITE:anna:someday", free(Standing::Unclear, "anonymous", None)),
        ("ELITE:anna", free(Standing::Unclear, "anonymous", None)),
        // What is no mapping and no such line.
        ("", free(Standing::Unclear, "anonymous", None)),
        ("[1, 2]", free(Standing::Unclear, "anonymous", None)),
        ("tier: [", free(Standing::Unclear, "anonymous", None)),
        ("hello", free(Standing::Unclear, "anonymous", None)),
    ] {
        assert_eq!(old(text), expected, "{text}");
        let terms = terms_of(text, &[], &Tiers::default());
        assert!(!terms.allows("mcp.fs.write") && terms.allows("mcp.fs.read"), "{text}");
        assert_eq!(terms.key_id.unwrap().len(), 16);
    }
    let none = Terms::of(&Licence::Missing, &Tiers::default(), now());
    assert_eq!((none.standing, none.is_valid(), none.key_id), (Standing::Missing, true, None));
}

#[test]
fn a_signed_licence_grants_what_it_says() {
    let key = SigningKey::generate().unwrap();
    let text = issue(&grant(), &key).unwrap();
    let issuers = [SigningKey::generate().unwrap().public(), key.public()];
    let terms = terms_of(&text, &issuers, &Tiers::default());
    assert_eq!((terms.standing, terms.tier.as_str()), (Standing::Good, "ELITE"));
    assert!(terms.allows("mcp.mail.send") && terms.allows_model("any"));
    let stranger = terms_of(&text, &issuers[..1], &Tiers::default());
    assert_eq!((stranger.standing, stranger.tier.as_str()), (Standing::Forged, "FREE"));

    let mut narrow = grant();
    narrow.tier = "PRO".to_owned();
    narrow.capabilities = Some(vec!["mcp.fs.*".parse().unwrap(), "mcp.agent.*".parse().unwrap()]);
    narrow.llm_models = Some(vec!["small".to_owned()]);
    narrow.limits = Limits { requests: Some(7), llm_tokens_per_day: Some(0), ..Limits::default() };
    let terms = terms_of(&issue(&narrow, &key).unwrap(), &issuers, &Tiers::default());
    assert!(terms.allows("mcp.fs.write") && !terms.allows("mcp.mail.listFolders"));
    assert!(!terms.allows("mcp.agent.runWorkflow"), "a licence has no more than its tier");
    assert!(terms.allows_model("small") && !terms.allows_model("large"));
    assert_eq!(terms.rate.unwrap().0.get(), 7);
    assert_eq!((terms.llm_tokens_per_request, terms.llm_tokens_per_day), (Some(4096), None));
}

#[test]
fn a_licence_ends() {
    let key = SigningKey::generate().unwrap();
    let mut ending = grant();
    ending.expires_at = Some(now());
    let licence =
        Licence::read("lic.key", &issue(&ending, &key).unwrap(), &[key.public()]).unwrap();
    let at = |time: &str| Terms::of(&licence, &Tiers::default(), time.parse().unwrap());
    assert_eq!(at("2026-06-01T11:59:59Z").tier, "ELITE");
    let over = at(NOW);
    assert_eq!(
        (over.tier.as_str(), over.standing, over.is_valid()),
        ("FREE", Standing::Expired, false)
    );
    assert_eq!((over.holder.as_str(), over.expires_at), ("Anna", Some(now())));
}

#[test]
fn a_licence_that_was_edited_grants_no_more_than_free() {
    let key = SigningKey::generate().unwrap();
    let mut pro = grant();
    pro.tier = "PRO".to_owned();
    let text = issue(&pro, &key).unwrap();
    let issuers = [key.public()];
    assert_eq!(terms_of(&text, &issuers, &Tiers::default()).tier, "PRO", "the control");
    let body = text.find("licence:").unwrap();
    let (mut forged, mut refused) = (0, 0);
    for at in body..text.len() {
        for bit in [1, 2, 4, 0x20] {
            let mut edited = text.clone().into_bytes();
            edited[at] ^= bit;
            let Ok(edited) = String::from_utf8(edited) else { continue };
            match Licence::read("lic.key", &edited, &issuers) {
                Err(_) => refused += 1,
                Ok(licence) => {
                    let terms = Terms::of(&licence, &Tiers::default(), now());
                    // White space within the base64 says nothing.
                    let same = matches!(&licence, Licence::Signed { grant, .. } if *grant == pro);
                    assert!(same || terms.tier == "FREE", "{edited}");
                    forged += u32::from(!same);
                }
            }
        }
    }
    assert!(forged > 100 && refused > 10, "{forged} {refused}");
}

#[test]
fn a_signed_licence_that_is_not_whole_is_refused_with_its_line() {
    let text = "licence: abc\nissuer: me\nsignature: x\n";
    let error = Licence::read("lic.key", text, &[]).unwrap_err().to_string();
    assert!(error.contains("`lic.key` at line 2"), "{error}");
}

#[test]
fn every_shape_of_the_tiers_file() {
    let tiers = |text: &str| Tiers::parse("tiers.yaml", text).unwrap();
    let built_in = Tiers::default();
    for text in ["", "{}", "tiers: {}", "# nothing"] {
        assert_eq!(tiers(text), built_in, "{text}");
    }
    for text in [
        "FREE: {rate_limit_requests: 10, allowed_capabilities: [mcp.fs.list]}\nPRO: {rate_limit_requests: 0}",
        "free: {rate_limit_requests: 10, allowed_capabilities: [mcp.fs.list]}\npro: {rate_limit_requests: 0}",
        "tiers:\n  FREE: {rate_limit_requests: 10, allowed_capabilities: [mcp.fs.list]}\n  PRO: {rate_limit_requests: 0}",
    ] {
        let tiers = tiers(text);
        let free = tiers.get("FREE").unwrap();
        assert_eq!(
            (free.rate_limit_requests, free.rate_limit_window_seconds),
            (10, 3600),
            "{text}"
        );
        assert_eq!(free.allowed_capabilities.len(), 1);
        assert_eq!(tiers.get("PRO").unwrap().rate_limit_requests, 0);
        assert_eq!(tiers.get("ELITE"), built_in.get("ELITE"));
    }
    // One shipped file had the fields of the free tier there.
    let odd = tiers("tiers:\n  rate_limit_requests: 10\n  llm_access: true\n");
    assert_eq!(odd.get("FREE").unwrap().rate_limit_requests, 10);
    // A tier of one's own begins as the free one.
    let own = tiers("GOLD: {llm_access: true}");
    assert_eq!(own.get("gold").unwrap().rate_limit_requests, 100);
    for (text, line) in [
        ("FREE:\n  rate_limit: 1", 2),
        ("FREE:\n  rate_limit_requests: many", 2),
        ("tiers:\n  FREE:\n    allowed_capabilities: [fs]", 3),
    ] {
        let error = Tiers::parse("tiers.yaml", text).unwrap_err().to_string();
        assert!(error.contains(&format!("`tiers.yaml` at line {line}")), "{error}");
    }
}

#[test]
fn no_limit_is_no_limit() {
    let key = SigningKey::generate().unwrap();
    let tiers =
        Tiers::parse("t", "ELITE: {rate_limit_requests: 0, max_llm_tokens_per_day: 0}").unwrap();
    let terms = terms_of(&issue(&grant(), &key).unwrap(), &[key.public()], &tiers);
    assert_eq!((terms.rate, terms.llm_tokens_per_day), (None, None));
    let free = Terms::of(&Licence::Missing, &Tiers::default(), now());
    assert_eq!(free.llm_tokens_per_day, Some(0), "without models there are no tokens");
}

#[test]
fn the_check_has_the_members_of_both_generations() {
    let terms = Terms::of(&Licence::Missing, &Tiers::default(), now());
    let left = Remaining { requests: Some(99), llm_tokens: None };
    let result = terms.check_result(["mcp.fs.list"].into_iter(), left);
    let quotas = &result["quotas"];
    assert_eq!(result["tier"], "FREE");
    assert_eq!(result["effective_permissions"], serde_json::json!(["mcp.fs.list"]));
    assert_eq!(quotas["api_requests_limit"], "100/60min");
    assert_eq!(quotas["api_requests_remaining_in_window"], 99);
    assert_eq!(quotas["llm_tokens_today_remaining"], "N/A");
    let object = result.as_object().unwrap();
    let names: Vec<&str> = object.keys().map(String::as_str).collect();
    let expected = [
        "tier",
        "key_id",
        "user_identifier",
        "is_valid",
        "expires_at",
        "effective_permissions",
        "quotas",
        "note",
    ];
    assert_eq!(names, expected);
    for name in [
        "api_requests_limit_human",
        "llm_access",
        "allowed_llm_models",
        "max_llm_tokens_per_request",
        "max_llm_tokens_per_day",
        "max_llm_tokens_per_day_limit",
    ] {
        assert!(quotas.get(name).is_some(), "{name}");
    }
}
