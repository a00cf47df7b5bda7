//! What rules name and is not there now: it is told, and everything else holds.

mod appliance;

use appliance::{ALLOW, DENY, HOST, MOMENT, PERSON, build, check, inputs, question, with};
use capfile::TextSources;
use policy::{Answer, Inputs, Kind, Origin, Place, Policies, Principal, Question};
use proptest::prelude::*;
use proptest::sample::{select, subsequence};

/// Checks that the rules are in force, and what is told of them: line, column and words.
fn check_told(rules: &str, expected: &[(usize, usize, &str)]) {
    let policies = with(rules);
    let told = policies.warnings();
    assert_eq!(told.len(), expected.len(), "{rules}: {told:?}");
    for (warning, (line, column, words)) in told.iter().zip(expected) {
        let place = Some(Place { line: *line, column: *column });
        assert!(warning.missing, "{rules}: {warning}");
        assert_eq!((warning.what.place, warning.what.reason.as_str()), (place, *words), "{rules}");
    }
}

#[test]
fn what_no_server_offers_is_told_with_its_place() {
    let of_it = "what the rule says of it waits until one does";
    check_told(
        "// Mail.\nforbid (principal, action == Action::\"mcp.fs.raed\", resource);",
        &[(2, 30, "no server offers `mcp.fs.raed` now: the rule waits until one does")],
    );
    check_told(
        "forbid (principal, action in Action::\"server:gone\", resource);",
        &[(1, 30, "there is no server `gone` now: the rule waits until there is")],
    );
    check_told(
        "forbid (principal,\n  action in [Action::\"mcp.fs.read\", Action::\"mcp.gone.x\"],\n  resource);",
        &[(2, 37, &format!("no server offers `mcp.gone.x` now: {of_it}"))],
    );
    check_told(
        "forbid (principal, action, resource)\nunless { action == Action::\"mcp.gone.x\" };",
        &[(2, 20, &format!("no server offers `mcp.gone.x` now: {of_it}"))],
    );
    check_told(
        "forbid (principal, action, resource in Server::\"gone\");",
        &[(1, 40, "there is no server `gone` now: what the rule says of it waits until there is")],
    );
    check_told(
        "forbid (principal, action, resource == Tool::\"mcp.gone.x\");",
        &[(1, 40, &format!("no server offers `mcp.gone.x` now: {of_it}"))],
    );
    check_told(
        "forbid (principal == Client::\"cluade\", action, resource);",
        &[(1, 22, "no client with a key is named `Client::\"cluade\"`")],
    );
    check_told(
        "forbid (principal, action == Action::\"mcp.gone.x\", resource) when { context.arguments.x > 3 };",
        &[(1, 30, "no server offers `mcp.gone.x` now: the rule waits until one does")],
    );
    check_told(
        "forbid (principal, action in Action::\"server:fs\", resource in Server::\"fs\");",
        &[],
    );
}

#[test]
fn a_rule_that_names_what_is_missing_holds_for_all_else() {
    for (rule, method) in [
        (
            r#"forbid (principal, action in [Action::"mcp.gone.x", Action::"mcp.fs.read"], resource);"#,
            "mcp.fs.read",
        ),
        (
            r#"forbid (principal, action in [Action::"server:gone", Action::"server:fs"], resource);"#,
            "mcp.fs.read",
        ),
        (
            r#"forbid (principal, action, resource) unless { action == Action::"mcp.gone.x" };"#,
            "mcp.fs.read",
        ),
        (
            r#"forbid (principal, action, resource) unless { action in Action::"server:gone" };"#,
            "mcp.fs.read",
        ),
        (
            r#"forbid (principal, action, resource) unless { resource in Server::"gone" };"#,
            "mcp.fs.read",
        ),
        (
            r#"forbid (principal, action, resource) when { [Action::"mcp.gone.x", Action::"mcp.fs.read"].contains(action) };"#,
            "mcp.fs.read",
        ),
    ] {
        let policies = with(rule);
        check(&policies, &[(method, r#"{"path":"/a"}"#, DENY, "own.cedar:1")]);
        // Who leaves such a rule out allows what it forbids.
        assert_eq!(build(&[]).decide(&question(method, r#"{"path":"/a"}"#)).answer, ALLOW);
    }
    // The rules beside one that waits are in force.
    let policies = with(
        "forbid (principal, action == Action::\"mcp.gone.x\", resource);\n@ask(\"host\") forbid (principal, action, resource in Path::\"/a\");",
    );
    check(&policies, &[("mcp.fs.read", r#"{"path":"/a"}"#, HOST, "own.cedar:2")]);
}

#[test]
fn a_rule_that_waits_holds_once_there_is_what_it_names() {
    let rule =
        r#"permit (principal == Client::"claude", action == Action::"mcp.old.thing", resource);"#;
    let mut inputs = inputs(&[("own.cedar", rule)]);
    let tools = std::mem::take(&mut inputs.tools);
    inputs.tools = tools.iter().filter(|tool| tool.server != "old").cloned().collect();
    let before = Policies::build(&inputs).unwrap();
    assert_eq!(before.decide(&question("mcp.old.thing", "{}")).answer, DENY);
    assert_eq!(before.warnings().len(), 1);
    inputs.tools = tools;
    let policies = Policies::build(&inputs).unwrap();
    let permitted = policies.decide(&question("mcp.old.thing", "{}"));
    assert_eq!((permitted.answer, &*permitted.rule), (PERSON, "default:cannot_be_undone"));
    assert_eq!(policies.warnings(), []);
}

#[test]
fn without_a_server_no_rule_about_it_refuses_the_others() {
    let rules = r#"
        forbid (principal, action, resource in Path::"/private");
        forbid (principal, action in Action::"server:fs", resource) when { resource in Path::"/b" };
        @ask("host") forbid (principal, action == Action::"mcp.fs.read", resource)
        when { context.arguments.path like "/c/*" };
        forbid (principal, action == Action::"mcp.mail.send", resource);
    "#;
    let mut inputs = inputs(&[("own.cedar", rules)]);
    inputs.tools.retain(|tool| tool.server != "fs");
    let policies = Policies::build(&inputs).unwrap();
    check(&policies, &[("mcp.mail.send", r#"{"to":["a@b.example"]}"#, DENY, "own.cedar:6")]);
    inputs.tools.clear();
    assert!(Policies::build(&inputs).is_ok());
}

#[test]
fn everything_that_is_wrong_is_told_at_once() {
    let permit = "permit (principal, action, resource)";
    let files = [
        ("a.cedar", "\nforbid;".to_owned()),
        (
            "b.cedar",
            format!(
                "{permit} when {{ context.minute > 3 }};\n{permit} when {{ contxt.hour > 3 }};"
            ),
        ),
        ("c.cedar", format!("{permit};\n@aks {permit};")),
        ("d.cedar", "forbid (principal, action == Action::\"mcp.gone.x\", resource);".to_owned()),
        ("e.cedar", format!("{permit} when {{ context.minute > 3 }};")),
    ];
    let files: Vec<(&str, &str)> =
        files.iter().map(|(name, text)| (*name, text.as_str())).collect();
    let inputs = inputs(&files);
    let found = Policies::check(&inputs).unwrap();
    let places = found.refused.iter().map(|one| (one.file.as_str(), one.place.unwrap().line));
    let expected = [("a.cedar", 2), ("b.cedar", 2), ("c.cedar", 2), ("e.cedar", 1)];
    assert_eq!(places.collect::<Vec<_>>(), expected, "{found:?}");
    assert_eq!(found.warnings.len(), 1);
    assert_eq!(Policies::build(&inputs).unwrap_err(), found.refused[0]);
}

/// A rule that names some of the tools, in its scope or in its condition.
fn rule() -> impl Strategy<Value = String> {
    let methods = || {
        select(vec![
            "mcp.fs.read",
            "mcp.fs.write",
            "mcp.fs.delete",
            "mcp.mail.send",
            "mcp.mail.search",
            "mcp.sync.run",
            "mcp.old.thing",
            "server:fs",
            "server:mail",
            "server:old",
            "effect:changes",
            "effect:open_world",
        ])
    };
    let list = move || {
        prop::collection::vec(methods(), 1..4).prop_map(|names| {
            let names = names.iter().map(|name| format!("Action::\"{name}\""));
            format!("action in [{}]", names.collect::<Vec<_>>().join(", "))
        })
    };
    let head = select(vec![
        "forbid",
        "permit",
        "@ask(\"host\") forbid",
        "@ask(\"person\") forbid",
        "@ask(\"never\") permit",
        "@ask(\"never\") @untrusted(\"ok\") permit",
    ]);
    let resource = select(vec![
        "resource",
        "resource in Server::\"fs\"",
        "resource in Path::\"/a\"",
        "resource in Domain::\"b.example\"",
        "resource == Tool::\"mcp.old.thing\"",
    ]);
    let how = select(vec!["when", "unless"]);
    let scope = prop_oneof![Just("action".to_owned()), list()];
    let condition = prop_oneof![
        Just("context.hour > 3".to_owned()),
        Just("resource in Server::\"mail\"".to_owned()),
        list(),
        list().prop_map(|list| format!("!({list}) && context.hour > 3")),
    ];
    (head, scope, resource, how, condition).prop_map(|(head, scope, resource, how, condition)| {
        format!("{head} (principal, {scope}, {resource}) {how} {{ {condition} }};")
    })
}

/// The answers to a call of each tool that is there, by each kind of caller.
#[expect(clippy::expect_used, reason = "what is refused fails the test")]
fn answers(inputs: &Inputs, methods: &[&str]) -> Vec<(String, Answer)> {
    let policies = Policies::build(inputs).expect("inputs of which some are left out");
    let calls = methods.iter().flat_map(|method| {
        let arguments = match *method {
            "mcp.fs.write" => r#"{"path":"/a/x","content":""}"#,
            "mcp.mail.send" => r#"{"to":["a@b.example"]}"#,
            "mcp.sync.run" => r#"{"remote":"nas:"}"#,
            "mcp.agent.start" => r#"{"workflow":"w"}"#,
            "mcp.web.fetch" => r#"{"url":"https://b.example/"}"#,
            "mcp.fs.copy" => r#"{"from":"/a/x","to":"/b"}"#,
            "mcp.mail.search" | "mcp.mail.prompts" | "mcp.old.thing" => "{}",
            _ => r#"{"path":"/a/x"}"#,
        };
        [Kind::Key, Kind::Local, Kind::Person].map(|kind| (*method, arguments, kind))
    });
    let sources = [TextSources::NONE, capfile::TextSource::Mail.into()];
    calls
        .flat_map(|call| sources.map(|untrusted| (call, untrusted)))
        .map(|((method, arguments, kind), untrusted)| {
            let asked = Question {
                principal: Principal { name: "claude", kind },
                method,
                arguments: Some(arguments),
                moment: MOMENT,
                origin: Origin::Http,
                untrusted,
            };
            let decision = policies.decide(&asked);
            (format!("{method} {kind:?} by {}", decision.rule), decision.answer)
        })
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 40, ..ProptestConfig::default() })]

    #[test]
    fn taking_tools_away_changes_no_answer_to_a_call_of_another(
        rules in prop::collection::vec(rule(), 1..6),
        left in subsequence((0..appliance::tools().len()).collect::<Vec<_>>(), 1..appliance::tools().len()),
    ) {
        let rules = rules.join("\n");
        let mut inputs = inputs(&[("own.cedar", &rules)]);
        let all = std::mem::take(&mut inputs.tools);
        let fewer: Vec<_> = left.iter().map(|at| all[*at].clone()).collect();
        let methods: Vec<&str> = left.iter().map(|at| all[*at].method.as_str()).collect();
        inputs.tools.clone_from(&all);
        let before = answers(&inputs, &methods);
        inputs.tools = fewer;
        prop_assert_eq!(answers(&inputs, &methods), before);
    }
}
