//! What matches is what Cedar alone says, which is asked about each rule with nothing prepared.

#![expect(clippy::unwrap_used, reason = "what is missing fails the test")]

mod appliance;

use std::collections::{BTreeSet, HashMap, HashSet};

use appliance::{MOMENT, question, with};
use capfile::{TextSource, TextSources};
use cedar_policy::{
    Authorizer, Context, Entities, Entity, EntityUid, Policy, PolicySet, Request,
    RestrictedExpression,
};
use policy::{Kind, Moment, Origin, Principal, Question};
use proptest::prelude::*;
use proptest::sample::select;

/// A rule made of parts that each can match or not.
fn rule() -> impl Strategy<Value = String> {
    let annotation = select(vec![
        ("", "forbid"),
        ("", "permit"),
        ("@ask(\"host\")", "forbid"),
        ("@ask(\"never\")", "permit"),
    ]);
    let principal = select(vec![
        "principal",
        "principal == Client::\"claude\"",
        "principal == Client::\"anna\"",
        "principal in Kind::\"key\"",
        "principal in Kind::\"person\"",
        "principal is Client",
        "principal is Client in Kind::\"local\"",
    ]);
    let action = select(vec![
        "action",
        "action == Action::\"mcp.fs.read\"",
        "action in Action::\"server:fs\"",
        "action in Action::\"effect:changes\"",
        "action in [Action::\"mcp.fs.read\", Action::\"effect:undoable\"]",
    ]);
    let resource = select(vec![
        "resource",
        "resource in Path::\"/a\"",
        "resource == Path::\"/a/b\"",
        "resource is Path",
        "resource is Path in Path::\"/a/b\"",
        "resource in Server::\"fs\"",
        "resource in Path::\"/\"",
    ]);
    let condition = select(vec![
        "",
        "when { context.hour > 12 }",
        "when { principal.kind == \"key\" }",
        "unless { context.untrusted.contains(\"mail\") }",
        "when { resource in Path::\"/a\" && context.origin == \"local\" }",
        "when { context.arguments has path && context.arguments.path like \"/a*\" }",
        "unless { action in Action::\"effect:read_only\" }",
        "when { context.weekday == 3 } unless { principal in Kind::\"local\" }",
        "when { context.now > datetime(\"2027-01-01\") }",
    ]);
    (annotation, principal, action, resource, condition).prop_map(
        |((annotation, effect), principal, action, resource, condition)| {
            format!("{annotation} {effect} ({principal}, {action}, {resource}) {condition};")
        },
    )
}

fn uid(text: &str) -> EntityUid {
    text.parse().unwrap()
}

/// Whether Cedar alone says that the rule matches.
fn matches(rule: &str, kind: Kind, method: &str, path: &str, question: &Question<'_>) -> bool {
    let set = PolicySet::from_policies([Policy::parse(None, rule).unwrap()]).unwrap();
    let name = |name: &str| RestrictedExpression::new_string(name.to_owned());
    let principal = uid(&format!("Client::\"{}\"", question.principal.name));
    let kinds = HashSet::from([uid(&format!("Kind::\"{}\"", kind.as_str()))]);
    let attributes = HashMap::from([("kind".to_owned(), name(kind.as_str()))]);
    let groups: &[&str] = match method {
        "mcp.fs.read" => &["server:fs", "effect:read_only"],
        _ => &["server:fs", "effect:changes", "effect:destructive", "effect:undoable"],
    };
    let groups = groups.iter().map(|group| uid(&format!("Action::\"{group}\"")));
    let action = uid(&format!("Action::\"{method}\""));
    // Each folder is an entity of its own here, and Cedar finds what is above it.
    let mut entities = vec![
        Entity::new(principal.clone(), attributes, kinds).unwrap(),
        Entity::new_no_attrs(action.clone(), groups.collect()),
        Entity::new_no_attrs(uid("Path::\"/\""), HashSet::from([uid("Server::\"fs\"")])),
    ];
    let mut above = uid("Path::\"/\"");
    let mut folder = String::new();
    for part in path.split('/').filter(|part| !part.is_empty()) {
        folder = format!("{folder}/{part}");
        let this = uid(&format!("Path::\"{folder}\""));
        entities.push(Entity::new_no_attrs(this.clone(), HashSet::from([above])));
        above = this;
    }
    let arguments = RestrictedExpression::new_record([("path".to_owned(), name(path))]).unwrap();
    let moment = question.moment;
    let now = if moment.timestamp > 1_798_761_600_000 { "2027-01-02" } else { "2026-01-01" };
    let context = Context::from_pairs([
        ("arguments".to_owned(), arguments),
        ("hour".to_owned(), RestrictedExpression::new_long(moment.hour.into())),
        ("weekday".to_owned(), RestrictedExpression::new_long(moment.weekday.into())),
        ("now".to_owned(), RestrictedExpression::new_datetime(now)),
        ("origin".to_owned(), name(question.origin.as_str())),
        (
            "untrusted".to_owned(),
            RestrictedExpression::new_set(
                question.untrusted.iter().map(|source| name(source.name())),
            ),
        ),
    ]);
    let request = Request::new(principal, action, above, context.unwrap(), None).unwrap();
    let entities = Entities::from_entities(entities, None).unwrap();
    let answer = Authorizer::new().is_authorized(&request, &set, &entities);
    assert_eq!(answer.diagnostics().errors().count(), 0, "{rule}");
    answer.diagnostics().reason().next().is_some()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn what_matches_is_what_cedar_alone_says(
        rules in prop::collection::vec(rule(), 1..8),
        name in select(vec!["claude", "anna", "somebody"]),
        kind in select(vec![Kind::Key, Kind::Local, Kind::Person]),
        method in select(vec!["mcp.fs.read", "mcp.fs.write"]),
        path in select(vec!["/", "/a", "/a/b", "/a/b/c", "/ab"]),
        hour in select(vec![9, 20]),
        late in any::<bool>(),
        origin in select(vec![Origin::Http, Origin::Local]),
        mail in any::<bool>(),
    ) {
        let policies = with(&rules.join("\n"));
        let arguments = serde_json::json!({ "path": path }).to_string();
        let timestamp = if late { 1_798_848_000_000 } else { MOMENT.timestamp };
        let asked = Question {
            principal: Principal { name, kind },
            moment: Moment { hour, timestamp, ..MOMENT },
            origin,
            untrusted: if mail { TextSource::Mail.into() } else { TextSources::NONE },
            ..question(method, &arguments)
        };
        // What is remembered from another call must not tell in this one.
        let others = [Question { untrusted: TextSource::Web.into(), ..asked }, Question { origin: Origin::Console, ..asked }, asked];
        for other in others {
            policies.decide(&other);
        }
        let explained = policies.explain(&asked);
        prop_assert_eq!(&explained.decision, &policies.decide(&asked));
        let found: BTreeSet<usize> = explained.matched.iter().filter(|rule| rule.file.is_some()).filter_map(|rule| rule.line).collect();
        let expected: BTreeSet<usize> = (1..).zip(&rules).filter(|(_, rule)| matches(rule, kind, method, path, &asked)).map(|(line, _)| line).collect();
        prop_assert_eq!(found, expected);
    }
}
